"""`ioviz verify WHAT`: programs and scenes agree on both kernels, and a fault planted in the machine is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ioviz.cli import verify as command
from ioviz.cli.arguments import Request
from ioviz.machine.kernel import kernel as kernel_module
from ioviz.machine.kernel.syscalls import ENTRIES
from ioviz.model.syscalls import SYS
from ioviz.verify import real, verifying
from tests.cli.programs import ioviz

if TYPE_CHECKING:
    from collections.abc import Callable

linux = pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")
SCENES = Path(__file__).parent.parent.parent / "scenes"
QUICK = ("asyncio", "epoll-lt-et", "epoll-tree", "nonblocking-write", "race", "syscall-int80", "traps", "two-buffers")
"""Scenes that are compared in each run of the tests, and quickly; `make verify` compares all."""

PAIR = """\
import select, socket
a, b = socket.socketpair()
poller = select.epoll()
poller.register(a, select.EPOLLIN)
b.send(b"hello")
print(poller.poll())
print(a.recv(100))
a.setblocking(False)
try:
    a.recv(100)
except BlockingIOError:
    print("nothing more")
"""
TWO = """\
import select, socket
pairs = [socket.socketpair() for _ in range(2)]
poller = select.epoll()
for a, b in pairs:
    poller.register(a, select.EPOLLIN)
pairs[1][1].send(b"second")
pairs[0][1].send(b"first")
print(poller.poll(None, 1) != poller.poll(None, 1))
print(poller.poll(None, 1)[0][0] == pairs[1][0].fileno())
"""
SLEEPER = """\
import socket, threading, time
a, b = socket.socketpair()
threading.Thread(target=lambda: print(a.recv(10)), daemon=True).start()
time.sleep(0.05)
b.send(b"wake")
time.sleep(0.05)
"""
SIGNALS = """\
import os, select, signal, socket, threading, time
a, b = socket.socketpair()
b.setblocking(False)
signal.set_wakeup_fd(b.fileno())
signal.signal(signal.SIGALRM, lambda *_: print("handled"))
signal.setitimer(signal.ITIMER_REAL, 0.02)
print(select.select([a], [], [], 1)[0] == [a], a.recv(10))
signal.set_wakeup_fd(-1)
def kick():
    time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGALRM)
    time.sleep(0.02)
    b.send(b"late")
threading.Thread(target=kick).start()
print(a.recv(10))
def stop(*_): raise InterruptedError
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    a.recv(10)
except InterruptedError:
    print("stopped")
b.send(b"again")
print(a.recv(10))
"""
FILES = """\
import os, socket, tempfile
with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
    file.write(b"x")
    listener, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(folder, "name"))
    listener.listen()
    client.connect(listener.getsockname())
    client.send(b"through")
    print(listener.accept()[0].recv(10))
"""
LINES = """\
import socket, socketserver, threading
class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upper) as server:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for number in range(2):
        with socket.create_connection(server.server_address) as client, client.makefile("rw") as file:
            file.write(f"hello {number}\\n")
            file.flush()
            print(file.readline())
    server.shutdown()
    thread.join()
"""
PIPE = """\
import os, threading
r, w = os.pipe()
def lines():
    with os.fdopen(w, "w") as file:
        for number in range(3):
            print("line", number, file=file, flush=True)
thread = threading.Thread(target=lines)
thread.start()
with os.fdopen(r) as file:
    print([line.strip() for line in file])
thread.join()
"""
DATAGRAMS = """\
import socket
a, b, c = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
a.bind(("127.0.0.1", 0))
b.connect(a.getsockname())
for data in (b"one", b"", b"three"):
    b.send(data)
print(a.recvfrom(2)[0], a.recvfrom(10)[0], a.recv(10, socket.MSG_PEEK), a.recv(10))
"""


def verify(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Verify the program `text`: the exit code and the report."""
    file = tmp_path / "program.py"
    file.write_text(text, encoding="utf-8")
    code = command.run(Request("verify", "en", rest=(str(file),)))
    said = capsys.readouterr()
    return code, said.out + said.err


def plant(monkeypatch: pytest.MonkeyPatch, nr: int, wrong: Callable[[Any], Any]) -> None:
    """Let the machine's call `nr` give what `wrong` makes of its result."""
    entry = ENTRIES[nr]
    assert entry is not None
    right = entry[0]

    def call(kernel: Any, *args: Any) -> Any:
        return wrong(right(kernel, *args))

    monkeypatch.setattr(kernel_module, "ENTRIES", [*ENTRIES[:nr], (call, *entry[1:]), *ENTRIES[nr + 1 :]])
    monkeypatch.setattr(verifying, "TRIES", 1)


@linux
@pytest.mark.parametrize("text", [PAIR, TWO, SLEEPER, SIGNALS, FILES, LINES, PIPE, DATAGRAMS])
def test_programs_agree(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(tmp_path, text, capsys)
    assert code == 0, said
    assert "✓ All agree: " in said


@linux
@pytest.mark.parametrize(
    ("nr", "wrong", "line", "why", "machine", "really"),
    [
        pytest.param(SYS.sendto, lambda got: got - 1, "b.send(b", "gives another result", "= 4", "= 5", id="result"),
        pytest.param(
            SYS.recvfrom,
            lambda got: -104 if got == -11 else got,
            "    a.recv(100)",
            "gives another result",
            "ECONNRESET",
            "EAGAIN",
            id="errno",
        ),
        pytest.param(
            SYS.recvfrom,
            lambda got: got if isinstance(got, int) else (got[0], (b"jello", None)),
            "print(a.recv(100))",
            "hands over something else",
            '"jello"',
            '"hello"',
            id="bytes",
        ),
        pytest.param(
            SYS.epoll_wait,
            lambda got: got if isinstance(got, int) else (got[0], tuple((fd, mask | 4) for fd, mask in got[1])),
            "print(poller.poll())",
            "hands over something else",
            "EPOLLIN|EPOLLOUT",
            "EPOLLIN",
            id="ready set",
        ),
    ],
)
def test_a_planted_difference_is_shown_where_it_is(
    nr: int,
    wrong: Callable[[Any], Any],
    line: str,
    why: str,
    machine: str,
    really: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, nr, wrong)
    code, said = verify(tmp_path, PAIR, capsys)
    assert code == 1
    assert "✗ They differ" in said
    assert why in said
    (marked,) = [each for each in said.splitlines() if "▸" in each]
    assert line in marked
    sides = {each.split()[0]: each for each in said.splitlines() if each.strip().startswith(("the machine", "Linux"))}
    assert machine in sides["the"]
    assert really in sides["Linux"]
    assert machine not in sides["Linux"]


@linux
def test_a_wrong_order_of_the_ready_list_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that are ready, one by one: the kernel guarantees who comes first."""
    seen: list[Any] = []

    def swapped(got: Any) -> Any:
        """The first event comes again in the place of the second."""
        if isinstance(got, int):
            return got
        seen.append(got)
        return seen[0]

    plant(monkeypatch, SYS.epoll_wait, swapped)
    code, said = verify(tmp_path, TWO, capsys)
    assert code == 1
    assert "hands over something else" in said


@linux
def test_who_sleeps_and_should_not_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAIR.replace("a.setblocking(False)", "a.settimeout(0.05)").replace("BlockingIOError", "TimeoutError")
    plant(monkeypatch, SYS.poll, lambda got: (1, ((3, 1),)) if got == 0 or got == (0, ()) else got)
    code, said = verify(tmp_path, text, capsys)
    assert code == 1, said


@linux
def test_what_a_program_prints_and_how_it_ends_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(tmp_path, "import sys\nprint('ioviz' in repr(sys.modules['os']))\n", capsys)
    assert code == 0
    assert "It agrees in what it prints" in said
    code, said = verify(tmp_path, "import sys\nsys.exit('socket' not in sys.__dict__ and 3)\n", capsys)
    assert code == 3
    assert "there is nothing to compare: " in said
    known = "import sys, threading\nprint(hasattr(sys, '_debugmallocstats'))\n"
    code, said = verify(tmp_path, known, capsys)
    assert "0 calls" not in said


@linux
def test_write_is_compared_if_the_program_calls_it_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import os\nprint('printed')\nn = os.write(1, b'written')\n"
    code, said = verify(tmp_path, text, capsys)
    assert code == 0, said
    assert "All agree: 1 calls" in said
    plant(monkeypatch, SYS.write, lambda got: 3 if got == 7 else got)
    code, said = verify(tmp_path, text, capsys)
    assert code == 1
    assert "▸    3 n = os.write(1, b'written')" in said


@linux
def test_an_uncaught_exception_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "import socket\n\ndef serve():\n    held = socket.socketpair()\n    held[0].bind(('', 1))\n\nserve()\n"
    code, said = verify(tmp_path, text, capsys)
    assert code == 0, said


@linux
def test_a_thread_that_goes_on_after_the_main_one_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "import socket, threading, time\n\ndef late():\n    time.sleep(0.1)\n    ours, theirs = socket.socketpair()\n"
        "    ours.send(b'late')\n    print(theirs.recv(9))\n\nthreading.Thread(target=late).start()\n"
    )
    code, said = verify(tmp_path, text, capsys)
    assert code == 0, said


@linux
@pytest.mark.parametrize("scene", QUICK)
def test_scenes_agree(scene: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = command.run(Request("verify", "en", rest=(scene,)))
    assert code == 0, capsys.readouterr().out


@linux
@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("bio_server.py", "bio_client.py"),
        ("nio_server.py", "bio_client.py"),
        ("select_server.py", "bio_client.py"),
        ("epoll_server.py", "epoll_client.py"),
    ],
)
def test_the_articles_programs_agree(
    server: str, client: str, guests: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = tmp_path / "typed.txt"
    typed.write_text("hello\n你好\n\n", encoding="utf-8")
    folder = guests / "article"
    args = ("--max-time", "3", "--peer", str(folder / client), "--peer-stdin", str(typed), str(folder / server))
    code = command.run(Request("verify", "en", rest=args))
    assert code == 0, capsys.readouterr().out


def test_without_epoll_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "EPOLL", False)
    code, said = verify(tmp_path, PAIR, capsys)
    assert code == 3
    assert "has no epoll, so there is nothing to compare with" in said
    assert command.run(Request("verify", "en", rest=("--random", "10"))) == 3


@linux
def test_what_only_the_machine_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(tmp_path, "import ioviz\n", capsys)
    assert code == 3
    assert said.count("\n") == 1
    assert "program.py uses the module ioviz" in said


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def (:\n")
    binary = tmp_path / "binary.py"
    binary.write_bytes(b"\x00\xff" * 100)
    for args in (("no-such-thing",), ("--limit", "never", "epoll"), (tmp_path,), (binary,), ("epoll", "more")):
        done = ioviz("verify", *args)
        assert done.code == 2, (args, done)
        assert done.err.startswith("ioviz: ")
        assert done.err.count("\n") == 1, done.err
    assert ioviz("verify", broken).code in (1, 2, 3)
