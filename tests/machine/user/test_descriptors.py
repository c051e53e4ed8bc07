"""Pipes, sendfile, splice, vectors, eventfd, timerfd and the counts of unread bytes: on the machine as on Linux."""
# ruff: noqa: E501  # the programs' lines

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.machine.user.both import agree

START = """
import array, errno, fcntl, os, select, socket, struct, sys, termios, threading, time
def count(fd, request):
    room = array.array("i", [-7])
    try: fcntl.ioctl(fd, request, room); return room[0]
    except OSError as e: return errno.errorcode[e.errno]
def tried(call, *args):
    try: return call(*args)
    except OSError as e: return errno.errorcode[e.errno]
def later(call, after=0.05): threading.Timer(after, call).start()
FIONREAD, TIOCOUTQ, TCGETS, F_SETPIPE_SZ, F_GETPIPE_SZ = 0x541b, 0x5411, 0x5401, 1031, 1032
"""
PROGRAMS = {
    "unread bytes of each kind": (
        """
r, w = os.pipe(); os.write(w, b"abc"); a, b = socket.socketpair(); a.send(b"hello")
d, e = socket.socketpair(type=socket.SOCK_DGRAM); d.send(b"hello"); d.send(b"xx")
ls = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(ls.getsockname()); s = ls.accept()[0]
c.send(b"12345"); u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); v = socket.socket(type=socket.SOCK_DGRAM)
v.sendto(b"abcd", u.getsockname()); v.sendto(b"xx", u.getsockname()); f = open("some", "w+b"); f.write(b"x" * 10); f.flush(); f.seek(3)
null, zero, folder, urandom = (os.open(n, 0) for n in ("/dev/null", "/dev/zero", "/tmp", "/dev/urandom"))
all = dict(r=r, w=w, a=a, b=b, e=e, ls=ls, c=c, s=s, u=u, v=v, n=socket.socket(), ev=os.eventfd(3), ep=select.epoll(), f=f, null=null,
    zero=zero, folder=folder, urandom=urandom)
for name, one in all.items():
    fd = one if type(one) is int else one.fileno()
    queued = count(fd, TIOCOUTQ)
    print(name, count(fd, FIONREAD), "some" if name == "a" and queued > 0 else queued, count(fd, TCGETS))
os.remove("some")
""",
        "r 3 ENOTTY ENOTTY\nw 3 ENOTTY ENOTTY\na 0 some ENOTTY\nb 5 0 ENOTTY\ne 5 0 ENOTTY\nls EINVAL EINVAL ENOTTY\n"
        "c 0 0 ENOTTY\ns 5 0 ENOTTY\nu 4 0 ENOTTY\nv 0 0 ENOTTY\nn 0 0 ENOTTY\nev ENOTTY ENOTTY ENOTTY\n"
        "ep EINVAL EINVAL EINVAL\nf 7 ENOTTY ENOTTY\nnull ENOTTY ENOTTY ENOTTY\nzero ENOTTY ENOTTY ENOTTY\n"
        "folder ENOTTY ENOTTY ENOTTY\nurandom EINVAL EINVAL EINVAL\n",
    ),
    "the size of a pipe": (
        """
r, w = os.pipe(); os.set_blocking(w, False)
print(fcntl.fcntl(w, F_GETPIPE_SZ), [fcntl.fcntl(r, F_SETPIPE_SZ, n) for n in (0, 1, 4096, 5000, 8192, 1 << 20, 65536)])
print(tried(fcntl.fcntl, w, F_SETPIPE_SZ, -1))
os.write(w, b"x" * 20000); print(tried(fcntl.fcntl, w, F_SETPIPE_SZ, 4096), fcntl.fcntl(w, F_SETPIPE_SZ, 32768))
done = 0
while (n := tried(os.write, w, b"y" * 1000)) != "EAGAIN": done += n
print(done, count(r, FIONREAD), select.select([], [w], [], 0)[1]); fcntl.fcntl(w, F_SETPIPE_SZ, 65536); print(select.select([], [w], [], 0)[1] == [w])
later(lambda: fcntl.fcntl(r, F_SETPIPE_SZ, 1 << 20)); os.set_blocking(w, True); print(os.write(w, b"z" * 200000))
print(tried(fcntl.fcntl, 0, F_GETPIPE_SZ))
""",
        "65536 [4096, 4096, 4096, 8192, 8192, 1048576, 65536]\nEINVAL\nEBUSY 32768\n12000 32000 []\nTrue\n200000\nEBADF\n",
    ),
    "a pipe of packets": (
        """
r, w = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
for n in (10, 20, 5000, 3): os.write(w, b"a" * n)
print(count(r, FIONREAD), [len(os.read(r, n)) for n in (8000, 8000, 100, 5000, 8000)])
for _ in range(3): os.write(w, b"0123456789")
print(os.read(r, 4), os.read(r, 4), os.read(r, 20))
n = 0
while tried(os.write, w, b"z") == 1: n += 1
print(n, hex(fcntl.fcntl(w, fcntl.F_GETFL)), hex(fcntl.fcntl(r, fcntl.F_GETFL)))
r, w = os.pipe2(os.O_NONBLOCK); os.write(w, b"ab"); fcntl.fcntl(w, fcntl.F_SETFL, os.O_DIRECT); os.write(w, b"cd"); os.write(w, b"ef")
fcntl.fcntl(w, fcntl.F_SETFL, 0); os.write(w, b"gh"); os.write(w, b"ij"); print(*(tried(os.read, r, 9) for _ in range(5)))
""",
        "5033 [10, 20, 100, 904, 3]\nb'0123' b'0123' b'0123456789'\n16 0x4801 0x800\nb'abcdefghi' b'j' EAGAIN EAGAIN EAGAIN\n",
    ),
    "sendfile": (
        """
f = open("data", "w+b"); f.write(bytes(range(256)) * 1000); f.flush(); f.seek(10)
a, b = socket.socketpair(); r, w = os.pipe()
print(os.sendfile(a.fileno(), f.fileno(), 0, 100), os.lseek(f.fileno(), 0, 1), b.recv(200)[:3])
print(os.sendfile(w, f.fileno(), None, 100), os.lseek(f.fileno(), 0, 1), os.read(r, 200)[:3])
print(os.sendfile(w, f.fileno(), 256000, 5), os.sendfile(w, f.fileno(), 255998, 5), os.read(r, 9))
os.set_blocking(w, False); print(os.sendfile(w, f.fileno(), 0, 200000), tried(os.sendfile, w, f.fileno(), 0, 10))
print(tried(os.sendfile, a.fileno(), r, None, 1), tried(os.sendfile, a.fileno(), b.fileno(), None, 1), tried(os.sendfile, w, r, 5, 1), tried(os.sendfile, 999, f.fileno(), 0, 1), tried(os.sendfile, r, f.fileno(), 0, 1))
r2, w2 = os.pipe(); print(os.sendfile(w2, f.fileno(), 0, 200000), end=" "); os.read(r2, 65536); b.send(b"hello"); print(os.sendfile(w2, a.fileno(), None, 9))
o = open("copy", "wb"); print(os.sendfile(o.fileno(), f.fileno(), 0, 1 << 30), os.path.getsize("copy"))
got = []
def drain():
    while data := b.recv(1 << 16): got.append(len(data))
t = threading.Thread(target=drain); t.start(); print(a.sendfile(f, 6, 150000)); a.close(); t.join(); print(sum(got))
os.remove("data"); os.remove("copy")
""",
        "100 10 b'\\x00\\x01\\x02'\n100 110 b'\\n\\x0b\\x0c'\n0 2 b'\\xfe\\xff'\n65536 EAGAIN\n"
        "EINVAL EINVAL ESPIPE EBADF EBADF\n65536 5\n256000 256000\n150000\n150000\n",
    ),
    "splice": (
        """
r, w = os.pipe(); r2, w2 = os.pipe(); a, b = socket.socketpair(); f = open("data", "w+b"); f.write(b"0123456789"); f.flush()
os.write(w, b"hello"); print(os.splice(r, a.fileno(), 3), b.recv(9), os.splice(r, w2, 9), os.read(r2, 9))
b.send(b"from socket"); print(os.splice(a.fileno(), w, 100), os.read(r, 100))
print(os.splice(f.fileno(), w, 4, offset_src=2), os.read(r, 9), os.lseek(f.fileno(), 0, 1)); os.write(w, b"XY")
print(os.splice(r, f.fileno(), 9, offset_dst=5), os.pread(f.fileno(), 20, 0))
print(tried(lambda: os.splice(r, w2, 1, flags=2)), tried(lambda: os.splice(a.fileno(), b.fileno(), 1)), tried(lambda: os.splice(r, w, 1)), tried(lambda: os.splice(r, w2, 1, offset_src=0)))
later(lambda: os.write(w, b"late")); print(os.splice(r, a.fileno(), 9), b.recv(9)); os.close(w); print(os.splice(r, w2, 9))
os.remove("data")
""",
        "3 b'hel' 2 b'lo'\n11 b'from socket'\n4 b'2345' 10\n2 b'01234XY789'\nEAGAIN EINVAL EINVAL ESPIPE\n4 b'late'\n0\n",
    ),
    "several pieces and places": (
        """
f = open("data", "w+b"); fd = f.fileno()
print(os.writev(fd, [b"abc", bytearray(b"de"), b""]), os.pwrite(fd, b"X", 1), os.pwritev(fd, [b"y", b"z"], 7), os.lseek(fd, 0, 1))
one, two = bytearray(2), bytearray(9); print(os.preadv(fd, [one, two], 0), one, two, os.pread(fd, 3, 4), os.lseek(fd, 0, 1))
os.lseek(fd, 0, 0); one = bytearray(4); print(os.readv(fd, [one]), one, os.lseek(fd, 0, 1))
r, w = os.pipe(); os.write(w, b"abcdef"); one, two = bytearray(2), bytearray(9); print(os.readv(r, [one, two]), one, bytes(two[:4]))
print(tried(os.pread, r, 1, 0), tried(os.pwrite, w, b"x", 0), tried(os.pread, fd, 1, -1), tried(os.writev, r, [b"x"]), tried(os.pread, 999, 1, 0))
os.remove("data")
""",
        "5 1 2 5\n9 bytearray(b'aX') bytearray(b'cde\\x00\\x00yz\\x00\\x00') b'e\\x00\\x00' 5\n4 bytearray(b'aXcd') 4\n"
        "6 bytearray(b'ab') b'cdef'\nESPIPE ESPIPE EINVAL EBADF EBADF\n",
    ),
    "accept": (
        """
import socket, threading
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); mine = s.fileno() + 1
t = threading.Thread(target=lambda: print(s.accept()[0].fileno() - mine)); t.start(); time.sleep(0.1)
print(os.dup(0) - mine, tried(os.dup2, 0, mine), tried(os.close, mine))
c = socket.create_connection(s.getsockname()); t.join(); print(c.fileno() - mine)
s.setblocking(False); print(tried(s.accept), os.dup(0) - mine)
""",
        "1 EBUSY EBADF\n0\n2\nEAGAIN 0\n",
    ),
    "eventfd": (
        """
e = os.eventfd(3, os.EFD_NONBLOCK); print(os.eventfd_read(e), tried(os.eventfd_read, e)); os.eventfd_write(e, 5); os.eventfd_write(e, 6)
print(select.select([e], [e], [], 0) == ([e], [e], []), os.eventfd_read(e), tried(os.read, e, 7), tried(os.write, e, b"1234567"))
os.eventfd_write(e, 2 ** 64 - 2); print(tried(os.eventfd_write, e, 1), select.select([e], [e], [], 0) == ([e], [], []), tried(os.write, e, b"\\xff" * 8))
s = os.eventfd(2, os.EFD_SEMAPHORE | os.EFD_NONBLOCK); print(os.eventfd_read(s), os.eventfd_read(s), tried(os.eventfd_read, s))
b = os.eventfd(0); later(lambda: os.eventfd_write(b, 7)); print(os.eventfd_read(b), tried(os.eventfd, 0, 4))
""",
        "3 EAGAIN\nTrue 11 EINVAL EINVAL\nEAGAIN True EINVAL\n1 1 EAGAIN\n7 EINVAL\n",
    ),
    "timerfd": (
        """
t = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC); read = lambda: int.from_bytes(os.read(t, 8), "little")
print(tried(read), os.timerfd_settime(t, initial=0.05, interval=0.02), select.select([t], [], [], 0)[0])
time.sleep(0.1); print(select.select([t], [], [], 0)[0] == [t], read(), tried(read)); left, again = os.timerfd_gettime(t); print(0 < left <= 0.02, again)
before = os.timerfd_settime(t, initial=0); print(0 < before[0] <= 0.02, before[1], os.timerfd_gettime(t), tried(read))
os.set_blocking(t, True); os.timerfd_settime_ns(t, flags=os.TFD_TIMER_ABSTIME, initial=time.monotonic_ns() + 30_000_000); print(read(), os.timerfd_gettime_ns(t))
r = os.timerfd_create(time.CLOCK_REALTIME); os.timerfd_settime(r, flags=os.TFD_TIMER_ABSTIME, initial=time.time() - 5); ep = select.epoll(); ep.register(r, 1); print(len(ep.poll(1)))
print(tried(os.write, t, b"x" * 8), tried(os.read, r, 7), tried(os.timerfd_create, 99), tried(os.timerfd_gettime, 0))
""",
        "EAGAIN (0.0, 0.0) []\nTrue 3 EAGAIN\nTrue 0.02\nTrue 0.02 (0.0, 0.0) EAGAIN\n1 (0, 0)\n1\nEINVAL EINVAL EINVAL EINVAL\n",
    ),
}
NEEDS_MORE = {"timerfd": "timerfd_create"}


@pytest.mark.parametrize("name", [one for one in PROGRAMS if hasattr(os, NEEDS_MORE.get(one, "open"))])
def test_as_on_linux(name: str, tmp_path: Path) -> None:
    text, expected = PROGRAMS[name]
    agree(tmp_path, START + text, expected)
