"""The stage in a terminal: the only floor that knows Textual. It draws and moves; what is true is decided below."""
