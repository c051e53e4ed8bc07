"""The view: (world, event, size) to text. Knows no Textual."""
