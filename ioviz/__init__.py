"""ioviz: a kernel that one can watch.

The floors, from the top: `cli` and `session`, `tui`, `view` and `export`, `lesson`, `machine`, `trace`, `model`.
Imports run downward only; `session` alone joins a source of events to a timeline. What a program may ask of this
package, on the machine or under a real Python, is in `ioviz.native` and `ioviz.native_calls`.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("peek", "poke", "divide", "interrupt", "halt", "allocate", "KERNEL", "PAGE_SIZE"):
        from ioviz import native

        return getattr(native, name)
    if name in ("ppoll", "pselect", "epoll_pwait", "epoll_pwait2", "signalfd", "accept4"):
        from ioviz import native_calls

        return getattr(native_calls, name)
    raise AttributeError(f"module 'ioviz' has no attribute {name!r}")
