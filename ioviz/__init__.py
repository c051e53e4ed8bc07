"""ioviz: a kernel that one can watch.

The floors, from the top: `cli` and `session`, `tui`, `view` and `export`, `lesson`, `machine`, `trace`, `model`.
Imports run downward only; `session` alone joins a source of events to a timeline.
"""

__version__ = "0.1.0"
