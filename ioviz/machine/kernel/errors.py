"""How a run ends early, and the words for it."""

from __future__ import annotations


class Unsupported(Exception):
    """A guest asked for something that the machine lacks; the message names it."""
