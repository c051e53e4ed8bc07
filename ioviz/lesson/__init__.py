"""Lessons: scenes with their chapters, and what the machine says about an event."""
