"""Options, sequenced packets, other corners of sockets, locks of files: a program prints the same on both kernels."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ioviz.model.cpu import SyscallReturned
from tests.machine.user.both import agree, on_linux, on_the_machine

GUESTS = Path(__file__).parents[2] / "guests"
PRELUDE = """\
import errno, fcntl, os, select, socket, struct, termios, threading, time

def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]

def mask(sock):
    poller = select.poll()
    poller.register(sock, 0x2FFF)
    return next((bits for _, bits in poller.poll(0)), 0)
"""

PACKETS = """\
KIND, NOW, PEEK = socket.SOCK_SEQPACKET, socket.MSG_DONTWAIT, socket.MSG_PEEK
a, b = socket.socketpair(socket.AF_UNIX, KIND)
print(a.getsockopt(1, 3), a.getsockopt(1, 38), a.send(b"hello"), a.send(b"world!"), a.send(b""))
print(struct.unpack("i", fcntl.ioctl(b, termios.FIONREAD, bytes(4)))[0])
print(b.recv(2), b.recvmsg(100)[:3], b.recvfrom(10), named(b.recv, 1, NOW), mask(a), mask(b))
print(a.sendmsg([b"x" * 10, b"y"]), b.recvmsg(4)[:3], named(a.sendto, b"z", "/nowhere"), b.recv(9))
print(named(a.send, b"q" * 300000), named(b.recv, 10, PEEK | NOW))
a.send(b"12345"); print(b.recv(3, PEEK), b.recv(3), named(b.recv, 3, NOW))
a.send(b"last"); a.shutdown(socket.SHUT_WR)
print(mask(a), mask(b), b.recv(9), b.recv(9), named(b.recv, 9, NOW), named(a.send, b"x"), b.send(b"back"), a.recv(9))
b.close(); print(mask(a), a.recv(3), named(a.send, b"x"))
a, b = socket.socketpair(socket.AF_UNIX, KIND)
a.send(b"unread"); b.send(b"u2"); b.close()
print(mask(a), named(a.recv, 9), named(a.recv, 9), named(a.send, b"1"), named(a.recv, 9))
a, b = socket.socketpair(socket.AF_UNIX, KIND)
a.send(b"unread"); b.close(); print(mask(a), named(a.send, b"1"), named(a.send, b"1"), a.recv(9))
server = socket.socket(socket.AF_UNIX, KIND)
print(mask(server), named(server.listen, 1), named(server.recv, 1), named(server.send, b"1"))
server.bind("\\0packets"); server.listen(1); print(mask(server), named(server.recv, 1), named(server.send, b"1"))
stream = socket.socket(socket.AF_UNIX); print(named(stream.connect, "\\0packets"), named(stream.bind, "\\0packets"))
client = socket.socket(socket.AF_UNIX, KIND); client.connect("\\0packets"); print(mask(server))
one, address = server.accept(); print(repr(address), client.getpeername(), one.getsockname())
client.setblocking(False)
count = 0
while named(client.send, b"m" * 100) == 100:
    count += 1
print(count, mask(client))
for _ in range(count):
    one.recv(200)
print(mask(client), named(one.recv, 1, NOW), named(client.connect, "\\0packets"))
client.settimeout(9)
sender = threading.Thread(target=lambda: [client.send(b"%d" % n) for n in range(count + 5)])
sender.start(); print(b"".join(one.recv(9) for n in range(count + 5)) == b"".join(b"%d" % n for n in range(count + 5)))
sender.join()
r, w = os.pipe(); socket.send_fds(client, [b"fd"], [w]); print(socket.recv_fds(one, 10, 2)[0])
me = os.getpid(), os.getuid(), os.getgid()
print([struct.unpack("iii", each.getsockopt(1, 17, 12)) == me for each in (client, one, server, stream)])
print(struct.unpack("iii", stream.getsockopt(1, 17, 12)))
print(named(socket.socket, socket.AF_INET, KIND), named(socket.socket, socket.AF_UNIX, 4))
print(named(socket.socket, socket.AF_INET, 1, 17), named(socket.socket, socket.AF_INET, 2, 6))
"""
PACKETS_SHOW = """\
5 0 5 6 0
11
b'he' (b'world!', [], 0) (b'', None) EAGAIN 772 772
11 (b'xxxx', [], 32) 1 b'z'
EMSGSIZE EAGAIN
b'123' b'123' EAGAIN
772 9029 b'last' b'' b'' EPIPE 4 b'back'
9045 b'' EPIPE
9053 ECONNRESET b'u2' EPIPE b''
9053 ECONNRESET EPIPE b''
788 EINVAL ENOTCONN ENOTCONN
0 ENOTCONN ENOTCONN
ECONNREFUSED None
65
'' b'\\x00packets' b'\\x00packets'
278 0
772 EAGAIN EISCONN
True
b'fd'
[True, True, True, False]
(0, -1, -1)
ESOCKTNOSUPPORT ESOCKTNOSUPPORT
EPROTONOSUPPORT EPROTONOSUPPORT
"""

ERRORS_FIRST = """\
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 0)); b.bind(("127.0.0.1", 0)); a.connect(b.getsockname()); b.connect(a.getsockname())
b.send(b"one"); b.close(); a.send(b"x")
print(named(a.recv, 9), named(a.recv, 9, 64), named(a.recv, 9, 64))
"""


ANCILLARY = """\
def pair(family, host, kind=socket.SOCK_DGRAM, protocol=0):
    a, b = (socket.socket(family, kind, protocol) for _ in range(2))
    a.bind((host, 0)); b.bind((host, 0)); a.connect(b.getsockname())
    return a, b

def ints(*numbers):
    return struct.pack("%di" % len(numbers), *numbers)

NOW, V6 = socket.MSG_DONTWAIT, 41
for protocol in (0, socket.IPPROTO_UDPLITE):
    a, b = pair(socket.AF_INET, "127.0.0.1", socket.SOCK_DGRAM, protocol)
    for option in (8, 12, 13):
        b.setsockopt(0, option, 1)
    a.send(b"plain"); print(b.recvmsg(9, 200)[:3])
    a.setsockopt(0, 2, 9); a.setsockopt(0, 1, 16)
    a.send(b"set"); print(b.recvmsg(9, 200)[1][1:])
    print(a.sendmsg([b"cmsg"], [(0, 2, ints(5)), (0, 1, ints(33)), (6, 1, b"?")]), b.recvmsg(9, 200)[1][1:])
    for item in ((0, 2, ints(0)), (0, 2, ints(256)), (0, 2, b"1"), (0, 1, ints(300)), (0, 77, ints(1)), (1, 1, ints(0)),
                 (1, 2, b""), (1, 55, b""), (0, 8, bytes(12)), (0, 8, ints(0) + bytes((8, 8, 8, 8)) + ints(0))):
        print(named(a.sendmsg, [b"x"], [item]), end=" ")
        named(b.recv, 9, NOW)
    print()
    for room in (0, 15, 16, 20, 28, 32, 48, 60, 71, 72, 100):
        a.send(b"cut"); _, items, flags, _ = b.recvmsg(9, room)
        print(room, [(kind, len(data)) for _, kind, data in items], flags)
    a.sendmsg([b"from"], [(0, 8, ints(0) + bytes((127, 0, 0, 9)) + ints(0))]); print(b.recvfrom(9)[1][0])
a, b = pair(socket.AF_INET6, "::1")
for option in (49, 51, 66):
    b.setsockopt(V6, option, 1)
a.send(b"plain"); print(b.recvmsg(9, 200)[:3])
print(a.sendmsg([b"cmsg"], [(V6, 52, ints(5)), (V6, 67, ints(7)), (V6, 62, ints(1))]), b.recvmsg(9, 200)[1][1:])
for item in ((V6, 52, ints(-1)), (V6, 52, ints(-2)), (V6, 52, b""), (V6, 67, ints(256)), (V6, 62, ints(2)),
             (V6, 99, b""),
             (0, 2, ints(0)), (V6, 50, bytes(20)), (V6, 50, bytes(19)), (V6, 50, bytes(15) + b"\\2" + ints(0))):
    print(named(a.sendmsg, [b"x"], [item]), end=" ")
    named(b.recv, 9, NOW)
print()
b.setsockopt(V6, 49, 0); a.send(b"peek"); print(b.recvmsg(9, 200, socket.MSG_PEEK)[1], b.recvmsg(9, 200)[1])
b.close(); any6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); any6.bind(("::", 0))
any6.setsockopt(V6, 49, 1); any6.setsockopt(V6, 51, 1); any6.setsockopt(0, 12, 1)
mapped = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); mapped.sendto(b"v4", ("127.0.0.1", any6.getsockname()[1]))
print(any6.recvmsg(9, 200)[:3])
server = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(server.getsockname())
print([named(client.sendmsg, [b"tcp"], [item]) for item in ((1, 1, ints(0)), (1, 55, b""), (0, 2, b""))])
lite, plain = pair(socket.AF_INET, "127.0.0.1", socket.SOCK_DGRAM, 136)[1], socket.socket(type=socket.SOCK_DGRAM)
place = lite.getsockname()
print(named(plain.bind, place), plain.sendto(b"udp", place), plain.recv(9), named(lite.recv, 9, NOW))
"""


def test_ancillary_data_of_datagrams(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, PRELUDE + ANCILLARY, lines=39)


def both_print_the_same(folder: Path, text: str, lines: int) -> None:
    ended = on_the_machine(folder, text)
    assert (len(ended.out.splitlines()), ended.status) == (lines, 0), ended.err
    if sys.platform == "linux":
        real = on_linux(folder, text)
        if real.out != ended.out:  # a port of its own choice may be somebody else's under another address
            real = on_linux(folder, text)
        assert ended.out.splitlines() == real.out.splitlines()


FREE = """\
for family, host, option in ((2, "8.8.8.8", (0, 15, 1)), (2, "8.8.8.8", (0, 19, 1)), (10, "2001:db8::1", (41, 78, 1))):
    for kind in (1, 2):
        sock = socket.socket(family, kind)
        print(named(sock.bind, (host, 0)), sock.setsockopt(*option), named(sock.bind, (host, 0)), sock.getsockname()[0])
"""


AS_ROOT = pytest.mark.skipif(
    sys.platform == "linux" and os.geteuid() != 0, reason="a program on the machine is root: compare with root"
)


@AS_ROOT
def test_any_address_may_be_bound_freely(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, PRELUDE + FREE, lines=6)


def test_sequenced_packets(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + PACKETS, PACKETS_SHOW)


SLEEPERS = """\
import signal
signal.signal(signal.SIGPIPE, lambda *_: print("SIGPIPE"))
def close(b): b.close()
def shut(b): b.shutdown(socket.SHUT_RD)
def drain(b): b.recv(70000); b.close()
for last in (1, 70000):
    for end in (close, shut, drain):
        a, b = socket.socketpair()
        for _ in range(3): a.send(bytes(70000))
        told = []
        sleeper = threading.Thread(target=lambda: told.append(named(a.send, bytes(last))))
        sleeper.start(); time.sleep(0.1); end(b); sleeper.join()
        print(told, a.getsockopt(1, 4), mask(a)); print(named(a.send, b"x"))
a, b = socket.socketpair(); told = []
sleeper = threading.Thread(target=lambda: told.append(named(a.send, bytes(300000)) < 300000))
sleeper.start(); time.sleep(0.1); b.close(); sleeper.join(); print(told, a.getsockopt(1, 4))
"""


def test_a_sender_that_sleeps_is_told_why_its_peer_went(tmp_path: Path) -> None:
    """Which a sender that comes later is not."""
    reset, over = "['ECONNRESET'] 0 9045\nSIGPIPE\nEPIPE\n", "['EPIPE'] 0 0\nSIGPIPE\nEPIPE\n"
    agree(tmp_path, PRELUDE + SLEEPERS, (reset + over + reset) * 2 + "[True] 0\n")


def test_a_datagram_socket_tells_its_error_before_its_data(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + ERRORS_FIRST, "ECONNREFUSED b'one' EAGAIN\n")


def test_corners_of_tcp(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, (GUESTS / "socket_corners.py").read_text(encoding="utf-8"), lines=40)


def test_corners_of_other_sockets(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, (GUESTS / "socket_kinds.py").read_text(encoding="utf-8"), lines=47)


def test_locks_of_files(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, (GUESTS / "flocks.py").read_text(encoding="utf-8"), lines=11)


def test_corners_of_epoll(tmp_path: Path) -> None:
    both_print_the_same(tmp_path, (GUESTS / "epoll_corners.py").read_text(encoding="utf-8"), lines=26)


@AS_ROOT
@pytest.mark.skipif(sys.platform != "linux", reason="compares with the kernel that runs us")
def test_options_are_taken_and_refused_as_by_linux(tmp_path: Path) -> None:
    text = (GUESTS / "socket_options.py").read_text(encoding="utf-8")
    assert on_the_machine(tmp_path, text).out.splitlines() == on_linux(tmp_path, text).out.splitlines()


def test_recv_does_not_ask_who_sent_it(tmp_path: Path) -> None:
    text = """
import socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 0))
for _ in range(4): b.sendto(b"hi", a.getsockname())
port = b.getsockname()[1]
print(a.recv(9), a.recv_into(bytearray(9)), a.recvfrom(9)[1][1] == port, a.recvmsg(9)[3][1] == port)
"""
    ended = agree(tmp_path, text, "b'hi' 2 True True\n")
    outs: list[Any] = [event.out for event in ended.log if isinstance(event, SyscallReturned) and event.nr == 45]
    named = [sender is not None for _, sender in outs]
    assert named == [False, False, True]
