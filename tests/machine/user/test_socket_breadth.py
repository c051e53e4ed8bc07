"""Options, sequenced packets and other corners of sockets: the same program prints the same on both kernels."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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


def test_sequenced_packets(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + PACKETS, PACKETS_SHOW)


def test_a_datagram_socket_tells_its_error_before_its_data(tmp_path: Path) -> None:
    agree(tmp_path, PRELUDE + ERRORS_FIRST, "ECONNREFUSED b'one' EAGAIN\n")


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the kernel that runs us")
def test_options_are_taken_and_refused_as_by_linux(tmp_path: Path) -> None:
    text = (GUESTS / "socket_options.py").read_text(encoding="utf-8")
    assert on_the_machine(tmp_path, text).out.splitlines() == on_linux(tmp_path, text).out.splitlines()
