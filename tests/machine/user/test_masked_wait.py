"""ppoll, pselect6, epoll_pwait, epoll_pwait2 and signalfd: the same program prints the same on both kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.user.both import agree, on_the_machine

PRELUDE = """\
import errno, ioviz, os, select, signal, socket, struct, threading, time

def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]

got = []
U1, U2 = int(signal.SIGUSR1), int(signal.SIGUSR2)
signal.signal(U1, lambda number, frame: got.append(number))
signal.signal(U2, lambda number, frame: got.append(number))
me, main = os.getpid(), threading.get_ident()
r, w = os.pipe()
signal.pthread_sigmask(signal.SIG_BLOCK, [U1, U2])
ep = select.epoll()

def blocked():
    return sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))

def later(act, *args):
    thread = threading.Thread(target=lambda: (time.sleep(0.03), act(*args)))
    thread.start()
    return thread
"""

SIGNALFD = """\
print([named(ioviz.signalfd, *args) for args in (([U1], r), ([U1], 77), ([U1], -1, 1), ([U1], -2))])
s = ioviz.signalfd([U1, U2, 9], -1, os.O_NONBLOCK)
print(named(os.read, s, 128), named(os.read, s, 127), named(os.write, s, b"x" * 8), select.select([s], [], [], 0)[0])
os.kill(me, U1); signal.raise_signal(U2); os.kill(me, U1)
print(select.select([s], [s], [], 0) == ([s], [], []))
poller = select.poll(); poller.register(s); print(poller.poll(0) == [(s, 1)])
ep.register(s, select.EPOLLIN | select.EPOLLET); print(len(ep.poll(0)), ep.poll(0))
data = os.read(s, 1000)
print(len(data), [(*struct.unpack_from("<Iii", data, at), struct.unpack_from("<I", data, at + 12)[0] == me)
                  for at in range(0, len(data), 128)], signal.sigpending(), ep.poll(0), got)
os.kill(me, U1); print(len(ep.poll(1)))
print(ioviz.signalfd([U2], s) == s, poller.poll(0), ioviz.signalfd([U1], s) == s, poller.poll(0) == [(s, 1)])
os.read(s, 128)
ep.close()
b = ioviz.signalfd([U1, U2])
thread = later(signal.pthread_kill, main, U2); print(len(os.read(b, 128)), got); thread.join()
thread = later(os.kill, me, U2); print(len(ioviz.ppoll([(b, 1)])), len(os.read(b, 128)), got); thread.join()
seen = threading.Event(); read = threading.Event()
def other():
    signal.raise_signal(U1); print("own", len(ioviz.ppoll([(b, 1)], 0))); seen.set(); read.wait(); os.read(b, 128)
thread = threading.Thread(target=other); thread.start()
seen.wait(); print("another's", ioviz.ppoll([(b, 1)], 0)); read.set(); thread.join()
"""
SIGNALFD_SHOWS = """\
['EINVAL', 'EBADF', 'EINVAL', 'EBADF']
EAGAIN EINVAL EINVAL []
True
True
1 []
256 [(12, 0, -6, True), (10, 0, 0, True)] set() [] []
1
True [] True True
128 []
1 128 []
own 1
another's []
"""

MASKS = """\
os.kill(me, U1)
print(named(ioviz.ppoll, [(r, 1)], 0, []), got, blocked())
print(named(ioviz.ppoll, [(r, 1)], 0, []), named(ioviz.ppoll, [(r, 1)], 1000, []))
os.kill(me, U1); os.write(w, b"x")
print("ready wins", named(ioviz.ppoll, [(r, 1)], 0, []) == [(r, 1)], got, len(signal.sigpending()))
print("epoll that does not wait", named(ioviz.epoll_pwait, ep.fileno(), 5, 0, []), got)
print(named(ioviz.epoll_pwait, ep.fileno(), 5, 5, []), got, signal.sigpending())
os.kill(me, U1)
print(named(ioviz.epoll_pwait2, ep.fileno(), 5, 0, []), named(ioviz.epoll_pwait2, ep.fileno(), 5, 1, []), len(got))
print([named(ioviz.epoll_pwait2, *args) for args in ((ep.fileno(), 5, -1), (ep.fileno(), 0, 1), (r, 1, 1), (99, 1, 1))])
os.kill(me, U2)
print(named(ioviz.pselect, [r], [], [], 0, [U1]) == ([r], [], []), named(ioviz.pselect, [], [r], [], 0, [U1]), got)
print(named(ioviz.pselect, [], [r], [], -5, [U1]), named(ioviz.pselect, [50], [], [], 0),
      named(ioviz.ppoll, [(99, 1), (-1, 1)], -1), named(ioviz.ppoll, [(99, 1), (-1, 1)]))
for call in (lambda: ioviz.ppoll([], None, [U2]), lambda: ioviz.pselect([], [], [], None, [U2]),
             lambda: ioviz.epoll_pwait(ep.fileno(), 1, -1, [U2]),
             lambda: ioviz.epoll_pwait2(ep.fileno(), 1, None, [U2])):
    got.clear(); thread = later(signal.pthread_kill, main, U1); print(named(call), got, blocked()); thread.join()
start = time.monotonic_ns(); ioviz.epoll_pwait2(ep.fileno(), 1, 300_000); print(time.monotonic_ns() - start >= 300_000)
listener = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(listener.getsockname())
one = ioviz.accept4(listener.fileno(), socket.SOCK_NONBLOCK)
print(os.get_blocking(one), os.get_inheritable(one), named(ioviz.accept4, listener.fileno(), 1),
      named(ioviz.accept4, r), named(os.read, one, 1))
"""
MASKS_SHOW = """\
EINTR [10] [10, 12]
[] []
ready wins True [10] 1
epoll that does not wait [] [10]
EINTR [10, 10] set()
[] EINTR 3
['EINVAL', 'EINVAL', 'EINVAL', 'EBADF']
True EINTR [10, 10, 10, 12]
EINVAL EBADF EINVAL [(99, 32)]
EINTR [10] [10, 12]
EINTR [10] [10, 12]
EINTR [10] [10, 12]
EINTR [10] [10, 12]
True
False True EINVAL ENOTSOCK EAGAIN
"""


def test_signalfd(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + SIGNALFD, SIGNALFD_SHOWS)


def test_waits_with_a_mask(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + MASKS, MASKS_SHOW)


def test_select_of_a_number_beyond_linux_own_table(tmp_path: Path) -> None:
    """Linux looks no further than the descriptor table reaches, which depends on what the parents had open."""
    ended = on_the_machine(tmp_path, "import select\nselect.select([1000], [], [], 0)\n")
    assert ended.err.endswith("OSError: [Errno 9] Bad file descriptor\n")


def test_a_signal_let_in_by_the_mask_ends_the_process(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + "signal.signal(U1, signal.SIG_DFL); os.kill(me, U1); ioviz.ppoll([], 0, [])", "", -10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("ioviz.ppoll([], 0, [65])", "ValueError: a signal is 1 to 64, not 65"),
        ("ioviz.pselect([1024], [], [])", "ValueError: select takes descriptors from 0 to 1023, not 1024"),
    ],
)
def test_bad_arguments(call: str, message: str, tmp_path: Path) -> None:
    assert on_the_machine(tmp_path, f"import ioviz\n{call}\n").err.endswith(message + "\n")
    agree(tmp_path, f"import ioviz\n{call}\n", "", 1)
