"""What watching a real server costs and how true it is: throughput, round trips, delay, differences, own time.

Everything is a ratio of one run: bare, under plain strace with our filter, and under each of our sources, in turn and
several times over, since other programs share the computer; the medians are compared. The load comes from a process of
its own, so on two processors whoever draws competes with it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.live_servers import NGINX_OK, NODE_ECHO, PYTHON_ECHO, REDIS, Server, here, load, running, visit
from benchmarks.report import line

if TYPE_CHECKING:
    from ioviz.live.calls import Item
    from ioviz.live_session import LiveSession

SECONDS: Final = 1.0
ROUNDS: Final = 7
LINES: Final = 100_000
CONNECTIONS: Final = range(5, 55)
VISITS: Final = 10_000
SOCKETS: Final = 1_000
LOOKS: Final = 0.1
"""Seconds between two comparisons where it is differences that are looked for."""
PROBE_GOAL: Final = 1.3
EBPF_GOAL: Final = 1 / 0.7


@contextlib.contextmanager
def plain_strace(pid: int, *, pinned: bool) -> Iterator[None]:
    """strace with our filter, and nobody who reads it; `pinned`: on the processor of the program, as we have it."""
    from ioviz.live.procfs import stat_fields
    from ioviz.live.strace import FLAGS

    command = ["strace", *FLAGS, "-o", "/dev/null", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        time.sleep(0.3)
        if pinned:
            os.sched_setaffinity(tracer.pid, {int(stat_fields(pid)[36])})
        try:
            yield
        finally:
            tracer.terminate()


@contextlib.contextmanager
def watched(name: str, pid: int, *, whole: bool = False) -> Iterator[LiveSession]:
    """A session of source `name` on a process; `whole`: nothing is left out however busy it is."""
    from ioviz.live.choose import choose
    from ioviz.live.procfs import owner
    from ioviz.live_session import PAUSE, LiveSession

    chosen = choose(name, pid, whole=whole)
    session = LiveSession(
        chosen.source, "", look=chosen.look, who=owner, slower=chosen.slower, paced=not whole,
        pause=LOOKS if whole else PAUSE,
    )  # fmt: skip
    session.start()
    try:
        yield session
    finally:
        session.close()


def offline() -> None:
    """A log of strace, from the file to the events of a timeline, without a screen, by the time of the processor."""
    from ioviz.live.strace_lines import Lines
    from ioviz.live.strace_log import StraceLog
    from ioviz.live_session import LogSession

    lines = [
        "7 1795423720.058869 epoll_create1(0x80000) = 4 <0.000058>",
        *(f"7 1795423720.058970 socket(0x2, 0x1, 0) = {fd} <0.000058>" for fd in CONNECTIONS),
        *(
            f"7 1795423720.059006 epoll_ctl(4, 0x1, {fd}, {{events=0x1, data={{u32={fd}, u64={fd}}}}}) = 0 <0.000070>"
            for fd in CONNECTIONS
        ),
    ]
    for n in range(LINES // 3):
        fd, size, at = CONNECTIONS[n % 50], 10 + n % 40, f"7 {1795423721 + n // 10_000}.{n % 10_000:04}"
        took = f"<0.0000{n % 89 + 10}>"
        lines += [
            f"{at}00 epoll_wait(4, [{{events=0x1, data={{u32={fd}, u64={fd}}}}}], 1023, -1) = 1 {took}",
            f'{at}10 recvfrom({fd}, ""..., 4096, 0, NULL, NULL) = {size} {took}',
            f'{at}20 sendto({fd}, ""..., {size}, 0, NULL, 0) = {size} {took}',
        ]
    parser = Lines()
    calls: list[Item] = []
    begin = time.process_time()
    for text in lines:
        parser.feed(text, calls)
    line("live: a line of strace becomes a call", 1e6 * (time.process_time() - begin) / len(lines), "µs")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(lines))
        file.flush()
        session = LogSession(StraceLog(Path(file.name)), "")
        session.start()
        begin = time.process_time()
        while not session.advance():
            pass
        spent = time.process_time() - begin
        session.close()
    detail = f"{len(lines) / spent:,.0f} lines a second, {len(session.timeline):,} events"
    line("live: a line of a log, from the file to its events", 1e6 * spent / len(lines), "µs", 5, detail=detail)


def slowdown(server: Server) -> None:
    """Throughput bare, under plain strace, under each source: in turn, `ROUNDS` times."""
    from ioviz.live.choose import why_not

    rates: dict[str, list[float]] = {}
    said: dict[str, str] = {}
    with running(server) as (pid, port):
        sources = []
        for name in ("strace", "ebpf", "procfs"):
            refusal = why_not(name, pid)
            if refusal is None:
                sources.append(name)
            else:
                print(f"live: {server.title}, {name}: not here, {refusal.sentence()}")
        load(server, port, SECONDS)
        for _ in range(ROUNDS):
            rates.setdefault("bare", []).append(load(server, port, SECONDS))
            for pinned in (False, True) if "strace" in sources else ():
                with plain_strace(pid, pinned=pinned):
                    rates.setdefault(f"plain {pinned}", []).append(load(server, port, SECONDS))
            for name in sources:
                with watched(name, pid) as session:
                    rates.setdefault(name, []).append(load(server, port, SECONDS, pump=session.advance))
                    said[name] = _said(session)
    bare = rates.pop("bare")
    slower = {name: _slower(bare, values) for name, values in rates.items()}
    line(f"live: {server.title}, bare: thousands of round trips", statistics.median(bare) / 1000, "/s")
    for pinned, where in ((False, "anywhere"), (True, "beside it")):
        if f"plain {pinned}" in slower:
            line(f"live: {server.title}, strace > /dev/null, {where}", slower[f"plain {pinned}"], "x")
    for name in sources:
        goal = {"ebpf": EBPF_GOAL, "strace": 1.1 * slower.get("plain True", 1.0)}.get(name)
        line(f"live: {server.title}, our {name}: slower", slower[name], "x", goal, detail=said[name])


def _slower(bare: list[float], watched: list[float]) -> float:
    """The middle of the rounds: a computer's speed changes from round to round, so each has a measure of its own."""
    return statistics.median(one / other for one, other in zip(bare, watched, strict=True))


def _said(session: LiveSession) -> str:
    for _ in range(100):
        session.advance()
    status = session.status()
    slower = f", header says {status.slower:.1f}x" if status.slower else ""
    differences = f"{status.differences} differences in {status.compared}"
    return f"{status.calls:,} calls, {status.left_out:,} left out, {status.lost:,} lost, {differences}{slower}"


def probe() -> None:
    """The demo's server, bare and with the probe inside."""
    from ioviz.live.probe.source import ProbeSource

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rates: dict[bool, list[float]] = {False: [], True: []}
    command = PYTHON_ECHO.command(port, Path())
    for _ in range(ROUNDS):
        for probed in (False, True):
            source = ProbeSource(command) if probed else None
            if source is not None:
                source.start()
                process = source.process
            else:
                process = subprocess.Popen(command)
            assert process is not None
            try:
                _until_open(port)
                pump = (lambda source=source: source.take(10**6)) if source is not None else None
                rates[probed].append(load(PYTHON_ECHO, port, SECONDS, pump=pump))
            finally:
                process.kill()
                process.wait()
                if source is not None:
                    source.stop()
    line("live: Python echo, our probe: slower", _slower(rates[False], rates[True]), "x", PROBE_GOAL)


def _until_open(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)


def trips() -> None:
    """One connection to a server on one processor, as the demo's is: the round trip, and from the echo to what the
    stage would draw."""
    from ioviz.live.choose import why_not
    from ioviz.live.demo.demo import keep_on_one_processor

    with running(PYTHON_ECHO) as (pid, port):
        keep_on_one_processor(pid)
        line("live: one connection, bare: a round trip", 1e6 / load(PYTHON_ECHO, port, SECONDS, 1), "µs")
        for name in ("strace", "ebpf"):
            if why_not(name, pid) is None:
                with watched(name, pid) as session:
                    rate = load(PYTHON_ECHO, port, SECONDS, 1, session.advance)
                line(f"live: one connection, our {name}: a round trip", 1e6 / rate, "µs", 400)
        for name in ("strace", "ebpf"):
            if why_not(name, pid) is None:
                with watched(name, pid) as session:
                    delays = _delays(session, port)
                detail = f"the slowest of {len(delays)} {max(delays):.1f} ms"
                line(f"live: {name}: from the echo to its events", statistics.median(delays), "ms", 33, detail=detail)


def _delays(session: LiveSession, port: int, times: int = 200) -> list[float]:
    """Milliseconds from an echo's arrival until the mirror has its calls, if `advance` is called without a pause."""
    found = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(times):
            time.sleep(0.005)
            session.advance()
            before = session.mirror.calls
            client.send(b"x" * 32)
            client.recv(64)
            begin = time.perf_counter()
            while session.mirror.calls < before + 2 and time.perf_counter() < begin + 1:
                session.wait(0.001)
                session.advance()
            found.append(1000 * (time.perf_counter() - begin))
    return found


def exact(server: Server) -> None:
    """Ten thousand connections come and go; the mirror's interest list beside the kernel's all the while."""
    from ioviz.live.choose import why_not

    for name in ("strace", "ebpf"):
        with running(server) as (pid, port):
            if why_not(name, pid) is not None:
                continue
            with watched(name, pid, whole=True) as session:
                visit(server, port, VISITS, session.advance)
                until = time.monotonic() + 2.5  # and once more when all is quiet
                while time.monotonic() < until:
                    session.advance()
                    time.sleep(0.01)
                status = session.status()
            detail = (
                f"of {status.compared:,} items in {status.checks} looks, {status.lost} lost, {status.left_out} left out"
            )
            if status.blind:
                detail = f"blind: {status.blind}"
            line(
                f"live: {server.title}, {name}: differences in 10,000 visits", status.differences, "", 0, detail=detail
            )


def sampling() -> None:
    """procfs ten times a second on a server with a thousand connections: our share of one processor."""
    from ioviz.live.sampling import ProcfsSource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with running(PYTHON_ECHO) as (pid, port), contextlib.ExitStack() as stack:
            for _ in range(SOCKETS):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            with watched("procfs", pid) as session:
                session.advance()
                source = session.source
                assert isinstance(source, ProcfsSource)
                begin, busy, samples = time.perf_counter(), time.process_time(), source.samples
                while time.perf_counter() - begin < 5:
                    session.wait(0.05)
                    session.advance()
                    time.sleep(0.01)
                share = (time.process_time() - busy) / (time.perf_counter() - begin)
                looks = (source.samples - samples) / (time.perf_counter() - begin)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    line("live: procfs, 1,000 sockets: of one processor", 100 * share, "%", 5, detail=f"{looks:.1f} samples a second")


def main() -> None:
    """Print everything that this computer can measure."""
    offline()
    for server in here(PYTHON_ECHO, REDIS):
        slowdown(server)
    probe()
    trips()
    sampling()
    for server in here(PYTHON_ECHO, REDIS, NGINX_OK, NODE_ECHO):
        exact(server)
