"""ioviz: a kernel that one can watch.

The floors, from the top: `cli` and `session`, `tui`, `view` and `export`, `lesson`, `machine`, `trace`, `model`.
Imports run downward only; `session` alone joins a source of events to a timeline. What a program may ask of this
package, on the machine or under a real Python, is in `ioviz.native`.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("peek", "poke", "divide", "interrupt", "halt", "allocate", "KERNEL", "PAGE_SIZE"):
        from ioviz import native

        return getattr(native, name)
    raise AttributeError(f"module 'ioviz' has no attribute {name!r}")
