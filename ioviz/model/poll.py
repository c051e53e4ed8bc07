"""select and poll: a scan over every descriptor, each time.

The state is on the caller's stack only, so the world keeps nothing; what each scan cost and found is in the event.
"""

from __future__ import annotations

from ioviz.model.event import Event


class FdsScanned(Event):
    """The kernel called the `poll` of `scanned` open files one after the other; `ready` of them had something.

    `found` names them as (fd, events), at most the first 16. `call` is select or poll; `again` says that the task was
    woken and this is the second scan.
    """

    call: str
    scanned: int
    ready: int
    found: tuple[tuple[int, int], ...]
    again: bool
