"""A system without epoll, without `/proc` and with kqueue, as far as one can be played here."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from pathlib import Path

from ioviz.live.calls import Call, Item
from ioviz.live.mirror import Mirror
from ioviz.live.probe import kqueue
from ioviz.live.probe.kqueue import (
    CTL_ADD,
    CTL_DEL,
    CTL_MOD,
    EDGE,
    EV_ADD,
    EV_CLEAR,
    EV_DELETE,
    EV_DISABLE,
    EV_DISPATCH,
    EV_ENABLE,
    EV_ONESHOT,
    IN,
    ONESHOT,
    OUT,
    Kqueues,
)
from ioviz.live.probe.wire import Decoder

ELSEWHERE = """
    import builtins, os, select, sys

    class kevent:
        def __init__(self, ident, filter=-1, flags=1, fflags=0, data=0, udata=0):
            self.ident, self.filter, self.flags = ident if isinstance(ident, int) else ident.fileno(), filter, flags

    class kqueue:
        def __init__(self): self._real, self._masks = _epoll(), {}
        def fileno(self): return self._real.fileno()
        @property
        def closed(self): return self._real.closed
        def close(self): self._real.close()
        def control(self, changes, most, timeout=None):
            for each in changes or ():
                bit, before = 1 if each.filter == -1 else 4, self._masks.get(each.ident, 0)
                after = before | bit if each.flags & 1 else before & ~bit
                if after and not before: self._real.register(each.ident, after)
                elif after: self._real.modify(each.ident, after)
                elif before: self._real.unregister(each.ident)
                self._masks[each.ident] = after
            if not most: return []
            ready = self._real.poll(timeout, most)
            return [kevent(fd, which) for fd, mask in ready for bit, which in ((1, -1), (4, -2)) if mask & bit]

    _epoll = select.epoll
    for name in [name for name in dir(select) if name.lower().startswith("epoll")]:
        delattr(select, name)
    select.kqueue, select.kevent = kqueue, kevent
    select.KQ_FILTER_READ, select.KQ_FILTER_WRITE, select.KQ_EV_ADD, select.KQ_EV_DELETE = -1, -2, 1, 2
    sys.platform = "darwin"
    really = builtins.open
    def opened(path, *rest, **more):
        if str(path).startswith("/proc"):
            raise FileNotFoundError(2, "there is no /proc", str(path))
        return really(path, *rest, **more)
    builtins.open = opened
"""
PROGRAM = """
    from ioviz.live.probe.agent import start
    start(sys.argv[1])
    import asyncio, selectors, socket
    assert selectors.DefaultSelector.__name__ == "KqueueSelector"
    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        assert await reader.read(9) == b"hello"
        writer.close()
        server.close()
    async def serve(reader, writer):
        writer.write(await reader.read(9))
        writer.close()
    asyncio.run(main())
"""


def test_the_probe_notes_kqueue_as_the_nearest_calls_of_epoll(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(ELSEWHERE) + textwrap.dedent(PROGRAM))
    items: list[Item] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        listener.settimeout(30)
        with subprocess.Popen([sys.executable, str(file), str(tmp_path / "s")], stderr=subprocess.PIPE) as process:
            link, _ = listener.accept()
            decoder = Decoder()
            link.settimeout(30)
            with link:
                while data := link.recv(1 << 16):
                    items += decoder.feed(data)
            assert process.stderr is not None
            said = process.stderr.read().decode()
    assert process.returncode == 0, said
    calls = [item for item in items if isinstance(item, Call)]
    added = [call.args for call in calls if call.name == "epoll_ctl" and call.args[1] == CTL_ADD]
    assert added
    assert {call.args[0] for call in calls if call.name == "epoll_wait"} == {added[0][0]}
    assert any(call.name == "epoll_wait" and call.args[1] for call in calls)
    mirror = Mirror(lambda event: None, "probe")
    mirror.feed(items)
    assert mirror.unmatched == 0
    assert mirror.world.eventpolls or any(call.name == "close" for call in calls)


def test_all_that_is_asked_when_there_is_no_linux() -> None:
    program = (
        ELSEWHERE
        + """
    from ioviz.cli import main
    from ioviz.live.choose import NAMES, why_not
    refused = {name: why_not(name) for name in NAMES}
    assert refused["probe"] is None
    assert all(refused[name] is not None for name in ("ebpf", "strace", "procfs")), refused
    main(["--lang", "en", "doctor"])
    """
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "+ probe" in done.stdout
    assert "another system" in done.stdout


def test_reading_and_writing_are_one_item() -> None:
    queues = Kqueues()
    assert queues.change(3, 5, kqueue.READ, EV_ADD) == (CTL_ADD, 5, (IN, 5))
    assert queues.change(3, 5, kqueue.READ, EV_ADD) is None
    assert queues.change(3, 5, kqueue.WRITE, EV_ADD | EV_CLEAR) == (CTL_MOD, 5, (IN | OUT | EDGE, 5))
    assert queues.change(3, 5, kqueue.READ, EV_DELETE) == (CTL_MOD, 5, (OUT | EDGE, 5))
    assert queues.change(3, 5, kqueue.WRITE, EV_DELETE) == (CTL_DEL, 5, None)
    assert queues.change(3, 5, kqueue.WRITE, EV_DELETE) is None
    assert queues.change(3, 5, -7, EV_ADD) is None  # a timer
    assert queues.found(3, ((5, kqueue.READ), (6, kqueue.READ), (5, kqueue.WRITE))) == ((IN | OUT, 5), (IN, 6))
    queues.change(3, 5, kqueue.READ, EV_ADD)
    queues.closed(5)
    assert queues.change(3, 5, kqueue.READ, EV_ADD) == (CTL_ADD, 5, (IN, 5))


def test_how_an_entry_triggers_is_its_own_and_outlasts_its_being_disabled() -> None:
    queues = Kqueues()
    assert queues.change(3, 5, kqueue.READ, EV_ENABLE) is None  # there is none
    assert queues.change(3, 5, kqueue.READ, EV_ADD | EV_CLEAR) == (CTL_ADD, 5, (IN | EDGE, 5))
    assert queues.change(3, 5, kqueue.WRITE, EV_ADD | EV_DISABLE) is None
    assert queues.change(3, 5, kqueue.READ, EV_DISABLE) == (CTL_MOD, 5, (0, 5))
    assert queues.change(3, 5, kqueue.WRITE, EV_ENABLE) == (CTL_MOD, 5, (OUT, 5))
    assert queues.change(3, 5, kqueue.READ, EV_ENABLE) == (CTL_MOD, 5, (IN | OUT | EDGE, 5))
    assert queues.change(3, 5, kqueue.READ, EV_DELETE) == (CTL_MOD, 5, (OUT, 5))
    assert queues.change(3, 5, kqueue.WRITE, EV_ADD | EV_CLEAR) is None  # it stays as it was added


def test_what_is_one_shot_is_armed_again() -> None:
    queues = Kqueues()
    assert queues.change(3, 5, kqueue.READ, EV_ADD | EV_ONESHOT) == (CTL_ADD, 5, (IN | ONESHOT, 5))
    queues.found(3, ((5, kqueue.READ),))  # it is deleted by that
    assert queues.change(3, 5, kqueue.READ, EV_DELETE) is None
    assert queues.change(3, 5, kqueue.READ, EV_ADD | EV_ONESHOT) == (CTL_ADD, 5, (IN | ONESHOT, 5))
    assert queues.change(3, 6, kqueue.READ, EV_ADD | EV_DISPATCH) == (CTL_ADD, 6, (IN | ONESHOT, 6))
    queues.found(3, ((6, kqueue.READ),))  # it is disabled by that
    assert queues.change(3, 6, kqueue.READ, EV_ENABLE) == (CTL_MOD, 6, (IN | ONESHOT, 6))
