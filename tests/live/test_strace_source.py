"""strace as a source, on real programs: begins in the middle without a gap, lets go without harm, refuses plainly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ioviz.live import procfs
from ioviz.live.source import SourceError
from ioviz.live.strace import StraceSource
from ioviz.live_session import LiveSession
from ioviz.model.cpu import TrapEntered
from ioviz.model.host import RunEnded
from ioviz.model.invariants import check
from ioviz.model.syscalls import name_of
from ioviz.model.task import ProcessExited
from tests.live.real import echo_server, needs_strace, talk, tracer_of, until

pytestmark = needs_strace


def watch(source: StraceSource) -> LiveSession:
    session = LiveSession(
        source, "test", look=lambda: procfs.take(source.pids, source.clock, threads=False), who=procfs.owner
    )
    session.start()
    return session


def masks(session: LiveSession) -> dict[int, int]:
    return {row.fd: row.events for row in session.mirror.world.epitems.values()}


def test_a_server_that_runs_is_mirrored_from_the_middle(tmp_path: Path) -> None:
    with echo_server(tmp_path) as (server, port):
        talk(port, 3)
        session = watch(StraceSource(pid=server.pid))
        try:
            assert tracer_of(server.pid)
            until(session, lambda: len(masks(session)) == 1)
            talk(port, 5, 2)
            until(session, lambda: session.mirror.calls > 40)
            until(session, lambda: session.status().checks >= 2)
            status = session.status()
            assert (status.differences, status.gaps, session.mirror.unmatched) == (0, 0, 0)
            assert list(check(session.mirror.world)) == []
        finally:
            session.close()
        assert tracer_of(server.pid) == 0
        talk(port, 2)
        assert isinstance(session.timeline.event(len(session.timeline) - 1), RunEnded)


def test_the_server_goes_on_when_ioviz_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom ioviz.live.strace import StraceSource\nsource = StraceSource(pid=int(sys.argv[1]))\n"
    )
    program += "source.start(); print('on', flush=True); time.sleep(60)"
    with echo_server(tmp_path) as (server, port):
        with subprocess.Popen([sys.executable, "-c", program, str(server.pid)], stdout=subprocess.PIPE) as watcher:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == b"on\n"
            assert tracer_of(server.pid)
            talk(port)
            watcher.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while tracer_of(server.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert tracer_of(server.pid) == 0
        talk(port, 2)


def test_a_program_is_followed_from_its_first_call_to_its_end(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os, socket\na, b = socket.socketpair()\na.send(b'x')\nb.recv(9)\nos._exit(3)\n")
    session = watch(StraceSource(argv=[sys.executable, "-S", str(program)], streams=(subprocess.DEVNULL, None, None)))
    try:
        until(session, lambda: session.ended)
    finally:
        session.close()
    events = session.timeline.events(0, len(session.timeline))
    calls = [name_of(event.nr) for event in events if isinstance(event, TrapEntered)]
    assert calls[0] == "execve"
    assert [name for name in calls if name in ("socketpair", "sendto", "recvfrom")] == [
        "socketpair",
        "sendto",
        "recvfrom",
    ]
    (end,) = [event for event in events if isinstance(event, ProcessExited)]
    assert end.code == 3
    assert list(check(session.mirror.world)) == []
    assert next(iter(session.mirror.world.processes.values())).name == "program.py"


def test_a_program_that_is_killed_ends_by_its_signal(tmp_path: Path) -> None:
    with echo_server(tmp_path) as (server, _):
        session = watch(StraceSource(pid=server.pid))
        try:
            server.kill()
            until(session, lambda: session.ended)
        finally:
            session.close()
    (end,) = [e for e in session.timeline.events(0, len(session.timeline)) if isinstance(e, ProcessExited)]
    assert (end.signal, end.code) == (9, 137)


def test_a_process_that_cannot_be_watched_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with pytest.raises(SourceError, match=f"there is no process {gone.pid}"):
        StraceSource(pid=gone.pid).start()
    with echo_server(tmp_path) as (server, port):
        first = StraceSource(pid=server.pid)
        first.start()
        try:
            with pytest.raises(SourceError, match="traced already"):
                StraceSource(pid=server.pid).start()
        finally:
            first.stop()
            first.stop()
        talk(port)


def test_nobody_who_takes_late_holds_up_the_program(tmp_path: Path) -> None:
    with echo_server(tmp_path) as (server, port):
        source = StraceSource(pid=server.pid)
        source.start()
        try:
            talk(port, 2, 400)
            deadline = time.monotonic() + 10
            while source.backlog < 1600 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert source.backlog >= 1600
        finally:
            source.stop()
        assert os.path.exists(f"/proc/{server.pid}")
