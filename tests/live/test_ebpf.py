"""The eBPF source: what the kernel itself says of calls and of ready lists."""

from __future__ import annotations

import hashlib
import socket
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.live.calls import Call, Ended, LeftOut, Lost, ReadySeen
from ioviz.live.ebpf.layout import RECORD, SHAPES, address, item
from ioviz.live.ebpf.pace import LEAST, MOST, next_most
from ioviz.live.ebpf.source import OBJECT, EbpfSource, refused, why_not

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.live.calls import Item

refusal = why_not()
root = pytest.mark.skipif(refusal is not None, reason=f"eBPF: {refusal.sentence() if refusal else ''}")

SERVER = """
    import select, socket, sys
    a, b = socket.socketpair()
    c, d = socket.socketpair()
    ep = select.epoll()
    ep.register(b, select.EPOLLIN)
    ep.register(d, select.EPOLLIN | (select.EPOLLET if "et" in sys.argv else 0))
    print(b.fileno(), d.fileno(), ep.fileno(), flush=True)
    sys.stdin.readline()
    c.send(b"hello"); a.send(b"hello")
    sys.stdin.readline()
    ep.poll()
    d.recv(2)
    b.recv(5)
    sys.stdin.readline()
    ep.unregister(b)
    ep.poll()
"""


def until(source: EbpfSource, items: list[Item], fits: Callable[[Item], bool]) -> Item:
    """The first item that fits, waiting for it; what came is in `items`."""
    deadline = time.monotonic() + 15
    place = 0
    while time.monotonic() < deadline:
        for entry in items[place:]:
            if fits(entry):
                return entry
        place = len(items)
        source.wait(0.1)
        items += source.take(100_000)
    raise AssertionError(items[-20:])


@root
@pytest.mark.parametrize("trigger", ["lt", "et"])
def test_the_kernels_own_ready_list_and_who_sleeps_on_it(tmp_path: Path, trigger: str) -> None:
    file = tmp_path / "server.py"
    file.write_text(textwrap.dedent(SERVER), encoding="utf-8")
    source = EbpfSource([sys.executable, str(file), trigger], stdin=subprocess.PIPE, stdout=subprocess.PIPE, looks=100)
    source.start()
    process = source.process
    assert process is not None
    assert process.stdin is not None
    assert process.stdout is not None

    def go_on() -> None:
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()

    first, second, epfd = map(int, process.stdout.readline().split())
    items: list[Item] = []
    go_on()
    until(source, items, lambda entry: isinstance(entry, ReadySeen) and entry.fds == (second, first))
    go_on()
    # Level-triggered, what was delivered is on the list again; edge-triggered, it is not, though bytes are left.
    left = (second, first) if trigger == "lt" else (first,)
    until(source, items, lambda entry: isinstance(entry, ReadySeen) and entry.fds == left)
    go_on()
    if trigger == "et":
        asleep = until(source, items, lambda entry: isinstance(entry, ReadySeen) and bool(entry.waiters))
        assert asleep == ReadySeen(asleep.t, process.pid, epfd, (), (process.pid,))  # type: ignore[union-attr]  # found as one
    process.kill()
    process.wait()
    # Level-triggered, its last epoll_wait returned at once, so it may have ended by itself.
    until(source, items, lambda entry: isinstance(entry, Ended) and entry.signal in {0 if trigger == "lt" else 9, 9})
    process.stdin.close()
    process.stdout.close()
    while not source.ended:
        source.wait(1)
        source.take(1000)


@root
def test_calls_have_their_arguments_results_and_bytes(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import socket, select, threading\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(s.getsockname())\n"
        "d, _ = s.accept()\n"
        "ep = select.epoll(); ep.register(d, 1)\n"
        "c.send(b'hello'); ep.poll(); d.recv(3)\n"
        "p = select.poll(); p.register(d, 5); p.poll()\n"
        "t = threading.Thread(target=lambda: d.recv(99)); t.start(); t.join()\n",
        encoding="utf-8",
    )
    source = EbpfSource([sys.executable, str(file)])
    source.start()
    items: list[Item] = []
    while not source.ended:
        source.wait(5)
        items += source.take(100_000)
    assert source.process is not None
    assert source.process.wait() == 0
    calls = [entry for entry in items if isinstance(entry, Call) and not entry.entered_only]
    (listener,) = [
        call.result for call in calls if call.name == "socket" and call.result == calls_first(calls, "listen")
    ]
    connected = next(call for call in calls if call.name == "connect")
    accepted = next(call for call in calls if call.name == "accept4")
    bound = next(call for call in calls if call.name == "bind")
    assert bound.args[1].startswith("127.0.0.1:")
    assert connected.args[1].startswith("127.0.0.1:")
    assert accepted.args[0] == listener
    assert accepted.args[1].startswith("127.0.0.1:")
    (sent,) = [call for call in calls if call.name == "sendto"]
    assert (sent.args[2], sent.result, sent.data) == (5, 5, b"hello")
    waited = next(call for call in calls if call.name == "epoll_wait")
    assert [(events, data & 0xFFFFFFFF) for events, data in waited.args[1]] == [(1, accepted.result)]
    polled = [call for call in calls if call.name == "poll" and call.args[1] == 1][-1]
    assert polled.args[0] == ((accepted.result, 5, 5),)
    received = [call for call in calls if call.name == "recvfrom"]
    assert [call.data for call in received] == [b"hel", b"lo"]
    made = [call for call in calls if call.name == "clone"][-1]
    assert made.result == received[1].tid != received[0].tid
    ends = {item.tid: (item.code, item.signal) for item in items if isinstance(item, Ended)}
    assert ends == {source.process.pid: (0, 0), made.result: (0, 0)}  # join returns before the thread's end is told


def calls_first(calls: list[Call], name: str) -> int:
    """The descriptor of the first call of `name`."""
    return int(next(call for call in calls if call.name == name).args[0])


@root
def test_what_is_followed_in_the_middle_goes_on_unharmed() -> None:
    program = "import sys\nfor line in sys.stdin: print(len(line), flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    source = EbpfSource(pids=[process.pid])
    source.start()
    process.stdin.write("ab\n")
    process.stdin.flush()
    assert process.stdout.readline() == "3\n"
    until(source, [], lambda entry: isinstance(entry, Call) and entry.name == "read" and entry.data == b"ab\n")
    source.stop()
    process.stdin.write("abc\n")
    process.stdin.flush()
    assert process.stdout.readline() == "4\n"
    process.stdin.close()
    assert process.wait() == 0
    process.stdout.close()


def test_the_object_was_built_from_the_source_beside_it() -> None:
    text = OBJECT.with_suffix(".c").read_bytes()
    said = OBJECT.with_name("ioviz.bpf.built-from").read_text().split()[0]
    assert hashlib.sha256(text).hexdigest() == said, "run `make bpf`"
    assert OBJECT.read_bytes()[:4] == b"\x7fELF"


def test_an_old_kernel_is_named() -> None:
    error = OSError(22, "Invalid argument")
    assert "5.15.0-generic, and the eBPF programs need 5.18" in refused(error, "5.15.0-generic").sentence()
    assert "5.18" in refused(error, "5.4").sentence("zh")
    for release in ("6.1.0-28-amd64", "5.18.0", "7.0-rc1"):
        assert "Invalid argument" in refused(error, release).sentence()


@pytest.mark.parametrize(
    ("most", "waiting", "then"), [(8_000, 0.0, 10_000), (8_000, 0.5, 5_000), (40_000, 0.5, 20_000)]
)
def test_less_is_told_when_the_programs_wait_for_a_processor(most: int, waiting: float, then: int) -> None:
    assert next_most(most, waiting) == then


def test_the_pace_has_bounds() -> None:
    assert next_most(LEAST, 1.0) == LEAST
    assert next_most(MOST, 0.0) == MOST


@root
def test_of_a_busy_program_the_calm_calls_are_counted_and_the_others_told(tmp_path: Path) -> None:
    file = tmp_path / "busy.py"
    file.write_text(
        "import os\nr, w = os.pipe()\n"
        "for turn in range(40_000):\n"
        "    os.write(w, b'x')\n    os.read(r, 1)\n"
        "    if turn % 100 == 0: os.close(os.dup(r))\n"
    )
    source = EbpfSource([sys.executable, "-S", "-I", str(file)])
    source.start()
    items: list[Item] = []
    while not source.ended:
        source.wait(0.5)
        items += source.take(100_000)
    source.stop()
    assert source.process is not None
    source.process.wait()
    told = Counter(item.name for item in items if isinstance(item, Call) and not item.entered_only)
    left_out = sum(item.count for item in items if isinstance(item, LeftOut))
    assert not any(isinstance(item, Lost) for item in items)
    assert left_out > 0
    assert told["fcntl"] >= 400  # os.dup is one
    assert told["close"] >= 400
    assert told["read"] + told["write"] + left_out >= 80_000
    assert source.spent > 0


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the sentence on Linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    refusal = why_not()
    assert refusal is not None
    assert "sudo" in refusal.mend
    assert "sudo" in refusal.mend_zh


def test_addresses() -> None:
    port = struct.pack(">H", 80)
    four = struct.pack("<H", socket.AF_INET) + port + bytes([127, 0, 0, 1]) + bytes(8)
    six = struct.pack("<H", socket.AF_INET6) + port + bytes(4) + bytes(15) + b"\x01" + bytes(4)
    assert address(four) == "127.0.0.1:80"
    assert address(six) == "[::1]:80"
    assert address(struct.pack("<H", socket.AF_UNIX) + b"/run/x\0rest") == "/run/x"
    assert address(struct.pack("<H", socket.AF_UNIX) + b"\0name") == "@name"
    assert address(b"\x01") is None


@given(
    st.integers(0, 5),
    st.sampled_from([shape.nr for shape in SHAPES] + [999]),
    st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6),
    st.integers(-4095, 2**31),
    st.binary(max_size=255),
)
def test_any_record_becomes_a_call_or_nothing(kind: int, nr: int, args: list[int], result: int, memory: bytes) -> None:
    record = RECORD.pack(kind, len(memory), 7, 8, nr, result, 1, 2, *args) + memory
    entry = item(record)
    assert entry is None or entry.tid == 8
