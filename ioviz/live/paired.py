"""Two sources of one program: the calls from one, the kernel's own ready lists from the other (eBPF as root).

The probe knows the program's lines and costs little, but it sees calls only; beside it eBPF looks at the ready lists.
A look is handed on `DELAY` after it was made, when the calls from before it have come.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from ioviz.live.calls import ReadySeen
from ioviz.live.ebpf.source import EbpfSource, why_not
from ioviz.live.source import SourceError

if TYPE_CHECKING:
    import subprocess

    from ioviz.live.calls import Item
    from ioviz.live.probe.source import ProbeSource
    from ioviz.live.source import Refusal

DELAY: Final = 0.03
"""Seconds; the probe sends every hundredth of one."""


class PairedSource:
    """See the module. If eBPF is refused when it comes to it, the calls alone go on."""

    def __init__(self, calls: ProbeSource) -> None:
        self._calls = calls
        self._lists: EbpfSource | None = None
        self._held: deque[ReadySeen] = deque()
        self.name = calls.name if why_not() is not None else f"{calls.name}+ebpf"

    @property
    def pids(self) -> tuple[int, ...]:
        """See `Source`."""
        return self._calls.pids

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The program."""
        return self._calls.process

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._calls.ended

    @property
    def ending(self) -> Refusal | None:
        """See `Source`."""
        return self._calls.ending

    @property
    def backlog(self) -> int:
        """See `Source`."""
        return self._calls.backlog

    def start(self) -> None:
        """See `Source`."""
        self._calls.start()
        lists = EbpfSource(pids=self._calls.pids, calls=False)
        try:
            lists.start()
        except SourceError:
            self.name = self._calls.name
            return
        self._lists = lists

    def take(self, limit: int) -> list[Item]:
        """See `Source`."""
        items = self._calls.take(limit)
        if self._lists is not None:
            self._held.extend(item for item in self._lists.take(limit) if isinstance(item, ReadySeen))
            ripe = time.monotonic_ns() - round(DELAY * 1e9)
            while self._held and self._held[0].t <= ripe:
                items.append(self._held.popleft())
        return items

    def wait(self, seconds: float) -> bool:
        """See `Source`."""
        return self._calls.wait(seconds)

    def look(self) -> None:
        """See `Source`."""
        self._calls.look()

    def stop(self) -> None:
        """See `Source`."""
        if self._lists is not None:
            self._lists.stop()
        self._calls.stop()
