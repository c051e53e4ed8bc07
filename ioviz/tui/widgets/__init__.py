"""The widgets of the stage: each draws lines, and repaints only those that changed."""
