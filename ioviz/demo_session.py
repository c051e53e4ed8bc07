"""A live session of a demo: one of our own servers, really running, that a person can steer while it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ioviz.live.source import Refusal, Source, SourceError
from ioviz.live_session import LiveSession

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from ioviz.live.demo.demo import Demo
    from ioviz.live.snapshot import Snapshot
    from ioviz.trace.writer import Writer


class Starting(Source, Protocol):
    """A source that starts a program."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None: ...


class DemoSession(LiveSession):
    """See the module. `source` is to start `demo.argv`, with pipes for stdin and stdout."""

    def __init__(
        self,
        demo: Demo,
        source: Starting,
        title: str,
        how: str = "",
        *,
        writer: Writer | None = None,
        look: Callable[[], Snapshot | None] | None = None,
        who: Callable[[int], tuple[int, str, tuple[str, ...]] | None] | None = None,
        slower: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(source, title, how, writer=writer, look=look, who=who, slower=slower)
        self.demo = demo
        self.focus = demo.model.focus
        self._starting = source

    def start(self) -> None:
        """Start the server and its clients. Raises SourceError, and then nothing is left behind."""
        super().start()
        process = self._starting.process
        if process is None or process.stdout is None:
            self.source.stop()
            raise SourceError(Refusal("the demo's server has no output", "", "演示服务器没有输出"))
        try:
            self.demo.begin(process)
        except SourceError:
            super().close()
            raise

    def close(self) -> None:
        """End the clients and the server; the timeline stays."""
        self.demo.stop()
        super().close()
