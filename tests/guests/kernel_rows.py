"""What a kernel does, row by row: a program that makes the calls of each row and prints what it saw.

`ROWS` has every row: a name (B1 ready list and triggers, B2 errors, B3 dup and close, B4 waiters, B5 masks, B6 buffers,
B7 listen, connect and time), what Linux shows, and the function that looks. `tests/machine/user/test_kernel_rows.py`
runs this file on the machine and on the real kernel and compares each row.
"""
# ruff: noqa

import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

IN, PRI, OUT, ERR, HUP, NVAL, RDHUP = 1, 2, 4, 8, 16, 32, 0x2000
ET, ONESHOT, EXCLUSIVE = 1 << 31, 1 << 30, 1 << 28
ALL = IN | OUT | RDHUP | PRI
ROWS = []
NAMES = {IN: "IN", PRI: "PRI", OUT: "OUT", ERR: "ERR", HUP: "HUP", NVAL: "NVAL", RDHUP: "RDHUP"}


def row(name, expected):
    def keep(function):
        ROWS.append((name, expected, function))
        return function

    return keep


def mask(bits):
    return "|".join(text for bit, text in NAMES.items() if bits & bit) or "0"


def tried(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    except (ValueError, KeyError, TypeError) as error:
        return type(error).__name__


class End:
    """One end of a pair: a socket or an end of a pipe."""

    def __init__(self, sock=None, fd=-1):
        self.sock, self.fd = sock, fd

    def fileno(self):
        return self.sock.fileno() if self.sock else self.fd

    def send(self, data):
        return self.sock.send(data) if self.sock else os.write(self.fd, data)

    def recv(self, n):
        return self.sock.recv(n) if self.sock else os.read(self.fd, n)

    def close(self):
        self.sock.close() if self.sock else os.close(self.fd)


def listener(backlog=16):
    return socket.create_server(("127.0.0.1", 0), backlog=backlog)


def tcp():
    with listener() as server:
        client = socket.create_connection(server.getsockname())
        accepted = server.accept()[0]
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for sock in (client, accepted):
        sock.setblocking(False)
    return client, accepted


def unix(kind=socket.SOCK_STREAM):
    pair = socket.socketpair(type=kind)
    for sock in pair:
        sock.setblocking(False)
    return pair


def pair(kind):
    """(where to write, where to read)"""
    if kind == "pipe":
        r, w = os.pipe2(os.O_NONBLOCK)
        return End(fd=w), End(fd=r)
    a, b = tcp() if kind == "tcp" else unix()
    return End(a), End(b)


def every(function, kinds=("unix", "tcp", "pipe")):
    """What each kind shows, once if they agree."""
    seen = {kind: function(*pair(kind)) for kind in kinds}
    values = list(seen.values())
    return values[0] if all(value == values[0] for value in values) else seen


def watch(bits, *files):
    ep = select.epoll()
    for file in files:
        ep.register(file, bits)
    return ep


def w(ep, maxevents=-1):
    return [mask(bits) for _, bits in ep.poll(0, maxevents)]


def order(ep, files, maxevents=-1):
    numbers = {file.fileno(): number for number, file in enumerate(files)}
    return [numbers[fd] for fd, _ in ep.poll(0, maxevents)]


def fill(sock, size=65536):
    done = 0
    while True:
        try:
            done += sock.send(bytes(size))
        except BlockingIOError:
            return done


def drain(sock):
    done = 0
    while True:
        try:
            data = sock.recv(1 << 20)
        except BlockingIOError:
            return done
        if not data:
            return done
        done += len(data)


def poll(file, bits=ALL):
    poller = select.poll()
    poller.register(file, bits)
    return mask(sum(found for _, found in poller.poll(0)))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def threads(count, body):
    """`count` threads that sleep one after the other in `body(number)`; the list of what came back, as it came."""
    seen, started = [], []
    for number in range(count):
        thread = threading.Thread(target=lambda number=number: seen.append((number, tried(body, number))), daemon=True)
        thread.start()
        started.append(thread)
        time.sleep(0.03)
    return seen, started


def rest():
    time.sleep(0.06)


# -- B1: the ready list, triggers, arming


@row("B1.01 LT: send 4; w;w; recv2; w; recv2; w", [1, 1, 1, 0])
def _():
    def look(a, b):
        ep = watch(IN, b)
        a.send(b"1234")
        seen = [len(w(ep)), len(w(ep))]
        b.recv(2)
        seen.append(len(w(ep)))
        b.recv(2)
        return [*seen, len(w(ep))]

    return every(look)


@row("B1.02 ET: send; w;w; recv part; w; send; w;w", [1, 0, 0, 1, 0])
def _():
    def look(a, b):
        ep = watch(IN | ET, b)
        a.send(b"1234")
        seen = [len(w(ep)), len(w(ep))]
        b.recv(2)
        seen.append(len(w(ep)))
        a.send(b"5")
        return [*seen, len(w(ep)), len(w(ep))]

    return every(look)


@row("B1.03 ET: 3 sends; w;w", [1, 0])
def _():
    def look(a, b):
        ep = watch(IN | ET, b)
        for _ in range(3):
            a.send(b"x")
        return [len(w(ep)), len(w(ep))]

    return every(look)


@row("B1.04 ET fired, MOD same mask; w;w", [1, 0])
def _():
    def look(a, b):
        ep = watch(IN | ET, b)
        a.send(b"x")
        w(ep)
        ep.modify(b, IN | ET)
        return [len(w(ep)), len(w(ep))]

    return every(look)


@row("B1.05 send; recv all; w: a stale item is dropped", [[], []])
def _():
    def look(bits):
        def inner(a, b):
            ep = watch(bits, b)
            a.send(b"x")
            b.recv(9)
            return w(ep)

        return every(inner)

    return [look(IN), look(IN | ET)]


@row("B1.06 ET IN|OUT: the edge reports the whole mask", [["OUT"], ["IN|OUT"], []])
def _():
    def look(a, b):
        ep = watch(IN | OUT | ET, b)
        seen = [w(ep)]
        a.send(b"x")
        seen.append(w(ep))
        b.recv(1)
        return [*seen, w(ep)]

    return every(look, ("unix", "tcp"))


@row("B1.07 TCP ET OUT: an ACK is no edge", [["OUT"], []])
def _():
    a, b = tcp()
    ep = watch(OUT | ET, a)
    seen = [w(ep)]
    a.send(bytes(1000))
    b.recv(1000)
    return [*seen, w(ep)]


@row("B1.08 TCP ET OUT: fill to EAGAIN; the peer drains", [[], ["OUT"], []])
def _():
    a, b = tcp()
    ep = watch(OUT | ET, a)
    fill(a)
    seen = [w(ep)]
    drain(b)
    rest()
    drain(b)
    rest()
    return [*seen, w(ep), w(ep)]


@row("B1.09 ET: data, w, FIN, w; recv; w", [["IN"], ["IN|RDHUP"], []])
def _():
    def look(a, b):
        ep = watch(IN | RDHUP | ET, b)
        a.send(b"x")
        seen = [w(ep)]
        a.sock.shutdown(socket.SHUT_WR)
        seen.append(w(ep))
        b.recv(9)
        return [*seen, w(ep)]

    return every(look, ("unix", "tcp"))


@row("B1.10 ADD of a ready descriptor, ET", [1, 0])
def _():
    def look(a, b):
        a.send(b"x")
        ep = watch(IN | ET, b)
        return [len(w(ep)), len(w(ep))]

    return every(look)


@row("B1.11 ONESHOT fired; more data; peer close; w; ADD; MOD", [["IN"], [], [], "EEXIST", ["IN|HUP"]])
def _():
    a, b = unix()
    ep = watch(IN | ONESHOT, b)
    a.send(b"x")
    seen = [w(ep)]
    a.send(b"y")
    seen.append(w(ep))
    a.close()
    seen += [w(ep), tried(ep.register, b, IN)]
    ep.modify(b, IN | ONESHOT)
    return [*seen, w(ep)]


@row("B1.12 mask 0: data; close", [[], ["HUP"]])
def _():
    a, b = unix()
    ep = watch(0, b)
    a.send(b"x")
    seen = [w(ep)]
    a.close()
    return [*seen, w(ep)]


@row("B1.13 MOD to a mask that does not hold, and back", [[], ["IN"]])
def _():
    def look(a, b):
        ep = watch(IN, b)
        a.send(b"x")
        ep.modify(b, PRI)
        seen = [w(ep)]
        ep.modify(b, IN)
        return [*seen, w(ep)]

    return every(look)


def six():
    pairs = [unix() for _ in range(6)]
    files = [b for _, b in pairs]
    return [a for a, _ in pairs], files, watch(IN, *files)


@row("B1.14 order of first readiness, twice", [[3, 1, 5, 0, 4, 2]] * 2)
def _():
    a, b, ep = six()
    for n in (3, 1, 5, 0, 4, 2):
        a[n].send(b"x")
    return [order(ep, b), order(ep, b)]


@row("B1.15 LT, maxevents 2: round robin", [[3, 1], [5, 0], [4, 2], [3, 1]])
def _():
    a, b, ep = six()
    for n in (3, 1, 5, 0, 4, 2):
        a[n].send(b"x")
    return [order(ep, b, 2) for _ in range(4)]


@row("B1.16 5 ready ET, maxevents 2: none lost", [2, 2, 1, 0])
def _():
    pairs = [unix() for _ in range(5)]
    ep = watch(IN | ET, *[b for _, b in pairs])
    for a, _ in pairs:
        a.send(b"x")
    return [len(w(ep, 2)) for _ in range(4)]


@row("B1.17 LT a, b ready; w(1); c ready; w(1) x 4", [[0], [1], [0], [2], [1]])
def _():
    a, b, ep = six()
    a[0].send(b"x")
    a[1].send(b"x")
    seen = [order(ep, b, 1)]
    a[2].send(b"x")
    return [*seen, *[order(ep, b, 1) for _ in range(4)]]


@row("B1.18 3 ready, the middle one drained, w(2)", [0, 2])
def _():
    a, b, ep = six()
    for n in range(3):
        a[n].send(b"x")
    b[1].recv(1)
    return order(ep, b, 2)


@row("B1.19 a second send to, or MOD of, a linked item keeps its place", [[0, 1], [0, 1]])
def _():
    a, b, ep = six()
    a[0].send(b"x")
    a[1].send(b"x")
    a[0].send(b"y")
    seen = [order(ep, b)]
    ep.modify(b[0], IN)
    return [*seen, order(ep, b)]


@row("B1.20 listener ET, 3 connects; w; accept; w; connect; w", [1, 0, 1])
def _():
    server = listener()
    ep = watch(IN | ET, server)
    kept = [socket.create_connection(server.getsockname()) for _ in range(3)]
    seen = [len(w(ep))]
    kept.append(server.accept()[0])
    seen.append(len(w(ep)))
    kept.append(socket.create_connection(server.getsockname()))
    return [*seen, len(w(ep))]


@row("B1.21 SO_RCVLOWAT 10, ET: 5 bytes; 5 more; recv of 5 before that works", [[], ["IN"], 5, 5])
def _():
    a, b = tcp()
    b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 10)
    ep = watch(IN | ET, b)
    a.send(bytes(5))
    seen = [w(ep)]
    a.send(bytes(5))
    seen.append(w(ep))
    return [*seen, len(b.recv(5)), len(b.recv(5))]


@row("B1.22 SO_RCVLOWAT 10 and a blocking recv(100): 3 bytes, 7 more, 20 more", [[], [], 30])
def _():
    a, b = tcp()
    b.setblocking(True)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 10)
    a.send(bytes(3))
    rest()
    seen, _ = threads(1, lambda number: len(b.recv(100)))
    shown = [list(seen)]
    for n in (7, 20):
        a.send(bytes(n))
        rest()
        shown.append([got for _, got in seen])
    return [*shown[:2], shown[2][0] if shown[2] else None]


# -- B2: errors


@row("B2.01 ADD twice; MOD, DEL absent; bad fd; bad epfd", ["EEXIST", "ENOENT", "ENOENT", "EBADF", "EBADF", "EBADF", "EBADF"])
def _():
    a, b = unix()
    ep = watch(IN, b)
    seen = [tried(ep.register, b, IN), tried(ep.modify, a, IN), tried(ep.unregister, a)]
    seen += [tried(ep.register, 999), tried(ep.modify, 999, 1), tried(ep.unregister, 999)]
    fd = os.dup(ep.fileno())
    other = select.epoll.fromfd(fd)
    os.close(fd)
    return [*seen, tried(other.register, a, IN)]


@row("B2.02 ADD of itself; an epoll that is none; wait on one; maxevents 0", ["EINVAL", "EINVAL", "EINVAL", "ValueError"])
def _():
    a, b = unix()
    ep = select.epoll()
    fake = select.epoll.fromfd(a.fileno())
    seen = [tried(ep.register, ep, IN), tried(fake.register, b, IN), tried(fake.poll, 0), tried(ep.poll, 0, 0)]
    a.detach()
    return seen


@row("B2.03 ADD of what can't be waited for; poll and select say ready", ["EPERM", "EPERM", "EPERM", "EPERM", "IN|OUT", True])
def _():
    ep = select.epoll()
    with open("regular", "w+") as file:
        fds = [file.fileno(), os.open("/tmp", os.O_RDONLY), os.open("/dev/null", os.O_RDWR), os.open("/dev/zero", os.O_RDWR)]
        seen = [tried(ep.register, fd, IN) for fd in fds]
        both = select.select([file], [file], [], 0)
        seen += [poll(file), both == ([file], [file], [])]
    os.remove("regular")
    return seen


def chain(count):
    made = [select.epoll() for _ in range(count)]
    return [tried(made[n].register, made[n + 1], IN) for n in range(count - 1)]


@row("B2.04 a cycle; a sixth epoll in a chain", ["ELOOP", [None] * 4, [None] * 4 + ["ELOOP"]])
def _():
    a, b = select.epoll(), select.epoll()
    a.register(b, IN)
    return [tried(b.register, a, IN), chain(5), chain(6)]


@row("B2.05 the 501st epoll that watches one with a file", [500, "EINVAL"])
def _():
    a, b = unix()
    inner = watch(IN, b)
    kept, last = [], None
    while last is None:
        kept.append(select.epoll())
        last = tried(kept[-1].register, inner, IN)
    return [len(kept) - 1, last]


@row("B2.06 EXCLUSIVE: MOD of it, MOD to it, with ONESHOT, with RDHUP, on an epoll, with IN|OUT|ET", ["EINVAL"] * 5 + [None])
def _():
    a, b = unix()
    ep, inner = select.epoll(), select.epoll()
    ep.register(a, IN | EXCLUSIVE)
    ep.register(b, IN)
    seen = [tried(ep.modify, a, IN), tried(ep.modify, b, IN | EXCLUSIVE)]
    ep.unregister(b)
    seen += [tried(ep.register, b, IN | EXCLUSIVE | more) for more in (ONESHOT, RDHUP)]
    return [*seen, tried(ep.register, inner, IN | EXCLUSIVE), tried(ep.register, b, IN | OUT | ET | EXCLUSIVE)]


@row("B2.07 read, write on an epoll descriptor", ["EINVAL", "EINVAL"])
def _():
    ep = select.epoll()
    return [tried(os.read, ep.fileno(), 1), tried(os.write, ep.fileno(), b"x")]


@row("B2.08 epoll(sizehint)", ["ValueError", None, None])
def _():
    return [tried(lambda size=size: select.epoll(size).close()) for size in (0, -1, 1)]


@row("B2.09 too many descriptors; accept then, the connection stays", ["EMFILE", "EMFILE", ["IN"], ["IN"], True])
def _():
    import resource

    server = listener()
    client = socket.create_connection(server.getsockname())
    ep = watch(IN, server)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = os.dup(0)
    os.close(low)
    kept = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, limits[1]))
    try:
        seen = [tried(os.dup, 0), tried(server.accept), w(ep), w(ep)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    return [*seen, server.accept()[1] == client.getsockname()]


@row("B2.10 unregister of a closed descriptor", "EBADF")
def _():
    a, b = unix()
    ep = watch(IN, b)
    fd = b.fileno()
    b.close()
    return tried(ep.unregister, fd)


@row("B2.11 select of 1024, of -1, for -1 s; poll.unregister, modify of what is absent", ["ValueError"] * 3 + ["KeyError", "ENOENT"])
def _():
    seen = [tried(select.select, [1024], [], []), tried(select.select, [-1], [], []), tried(select.select, [], [], [], -1)]
    return [*seen, tried(select.poll().unregister, 0), tried(select.poll().modify, 0, IN)]


# -- B3: dup, close, other processes


@row("B3.01 a ghost: close of one of two names", [True, "EBADF", "ENOENT", 2, True, 0])
def _():
    a, b = unix()
    ep = watch(IN, b)
    fd, copy = b.fileno(), os.dup(b.fileno())
    b.close()
    a.send(b"x")
    seen = [[one for one, _ in ep.poll(0)] == [fd], tried(ep.unregister, fd), tried(ep.unregister, copy)]
    ep.register(copy, IN)
    seen.append(len(w(ep)))
    other = os.open("/dev/null", os.O_RDONLY)
    seen.append(other == fd and (fd, IN) in ep.poll(0))
    os.close(other)
    os.close(copy)
    return [*seen, len(w(ep))]


@row("B3.02 ADD a descriptor and its copy: both reported, then under a dead number", [2, 2])
def _():
    a, b = unix()
    copy = os.dup(b.fileno())
    ep = watch(IN, b, copy)
    a.send(b"x")
    seen = [len(w(ep))]
    os.close(copy)
    return [*seen, len(w(ep))]


@row("B3.03 close of the only name, dup2 over it: the item goes silently", [[], []])
def _():
    seen = []
    for over in (False, True):
        a, b = unix()
        ep = watch(IN, b)
        a.send(b"x")
        if over:
            os.dup2(a.fileno(), b.fileno())
        else:
            b.close()
        seen.append(w(ep))
    return seen


@row("B3.04 ADD, close, and a child still holds it: a ghost until the child ends", [["IN"], []])
def _():
    a, b = unix()
    ep = watch(IN, b)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[b.fileno()])
    b.close()
    a.send(b"x")
    seen = [w(ep)]
    child.communicate(b"\n")
    return [*seen, w(ep)]


@row("B3.05 an instance shared with a child, which adds a socket of its own", [[77], 0])
def _():
    ep = select.epoll()
    os.set_inheritable(ep.fileno(), True)
    code = (
        "import os, select, socket, sys; a, b = socket.socketpair(); os.dup2(b.fileno(), 77);"
        "select.epoll.fromfd(os.dup(int(sys.argv[1]))).register(77, 1); a.send(b'x'); print('up', flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(ep.fileno())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    )
    child.stdout.readline()
    seen = [[fd for fd, _ in ep.poll(0)]]
    child.communicate(b"\n")
    return [*seen, len(w(ep))]


@row("B3.06 close while another thread waits for it: not woken; data comes late", [[], [(0, 1)], [], [b"late"], [], [(0, "NVAL")], [], True])
def _():
    seen = []
    a, b = tcp()
    ep = watch(IN, b)
    got, _ = threads(1, lambda number: len(ep.poll(0.3)) or 1)
    b.close()
    rest()
    seen.append(list(got))
    time.sleep(0.35)
    seen.append(list(got))
    a, b = tcp()
    b.setblocking(True)
    fd = b.fileno()
    got, _ = threads(1, lambda number: os.read(fd, 9))
    b.close()
    rest()
    seen.append(list(got))
    ended = a.send(b"late")
    rest()
    seen.append([data for _, data in got])
    a, b = unix()
    fd = b.detach()
    poller = select.poll()
    poller.register(fd, IN)
    got, _ = threads(1, lambda number: "|".join(mask(bits) for _, bits in poller.poll()))
    os.close(fd)
    rest()
    seen.append(list(got))
    a.send(b"x")
    rest()
    seen.append(list(got))
    a, b = unix()
    fd = b.detach()
    got, _ = threads(1, lambda number: select.select([fd], [], [], 0.3)[0] == [fd])
    os.close(fd)
    rest()
    seen.append(list(got))
    time.sleep(0.35)
    return [*seen, bool(got) and ended == 4]


@row("B3.07 close of the instance while another thread waits: not woken, the event is still delivered", [[], [(0, 1)]])
def _():
    a, b = unix()
    ep = watch(IN, b)
    got, _ = threads(1, lambda number: len(ep.poll()))
    ep.close()
    rest()
    seen = [list(got)]
    a.send(b"x")
    rest()
    return [*seen, list(got)]


@row("B3.08 shutdown while another thread is in recv, accept", [[(0, b"")], [(0, "EINVAL")]])
def _():
    a, b = tcp()
    b.setblocking(True)
    got, _ = threads(1, lambda number: b.recv(9))
    b.shutdown(socket.SHUT_RDWR)
    rest()
    server = listener()
    more, _ = threads(1, lambda number: server.accept())
    server.shutdown(socket.SHUT_RDWR)
    rest()
    return [got, more]


# -- B4: who is woken


def sleepers(bits, drains=False):
    a, b = unix()
    ep = watch(bits, b)

    def body(number):
        found = len(ep.poll(1))
        if drains:
            tried(b.recv, 9)
        return found

    got, started = threads(3, body)
    a.send(b"x")
    for thread in started:
        thread.join()
    return sum(found for _, found in got)


@row("B4.01 one instance, 3 threads, LT, nobody drains", 3)
def _():
    return sleepers(IN)


@row("B4.02 one instance, 3 threads, ET; ONESHOT", [1, 1])
def _():
    return [sleepers(IN | ET), sleepers(IN | ONESHOT)]


@row("B4.03 the last to sleep wakes first", [2, 1, 0])
def _():
    a, b = unix()
    ep = watch(IN | ET, b)
    got, _ = threads(3, lambda number: len(ep.poll()))
    for _ in range(3):
        a.send(b"x")
        rest()
    return [number for number, _ in got]


def instances(bits, count=3, sends=1):
    a, b = unix()
    eps = [watch(bits, b) for _ in range(count)]
    got, started = threads(count, lambda number: len(eps[number].poll(0.5)))
    for _ in range(sends):
        a.send(b"x")
        rest()
    for thread in started:
        thread.join()
    return [number for number, found in got if found]


@row("B4.04 3 instances on one descriptor, LT, ET: all", [[0, 1, 2], [0, 1, 2]])
def _():
    return [sorted(instances(IN)), sorted(instances(IN | ET))]


@row("B4.05 3 instances, EXCLUSIVE: the first registered; 3 events wake 3", [[0], [0, 1, 2]])
def _():
    return [instances(IN | EXCLUSIVE), sorted(instances(IN | EXCLUSIVE, sends=3))]


@row("B4.06 listener, 3 instances LT, the winner accepts at once: 1 returns", 1)
def _():
    server = listener()
    server.setblocking(False)
    eps = [watch(IN, server) for _ in range(3)]
    won = []

    def body(number):
        while eps[number].poll(0.4):
            try:
                won.append(server.accept())
            except BlockingIOError:
                pass

    _, started = threads(3, body)
    kept = socket.create_connection(server.getsockname())
    for thread in started:
        thread.join()
    return len(won)


@row("B4.07 blocking accept: one, first come", [0, 1, 2])
def _():
    server = listener()
    got, _ = threads(3, lambda number: server.accept())
    kept = []
    for _ in range(3):
        kept.append(socket.create_connection(server.getsockname()))
        rest()
    return [number for number, _ in got]


@row("B4.08 3 threads in recv of one socket: one gets the data", [1, 0])
def _():
    a, b = tcp()
    b.setblocking(True)
    got, _ = threads(3, lambda number: b.recv(9))
    a.send(b"x")
    rest()
    first = [data for _, data in got]
    return [len(first), len([data for data in first if not data])]


@row("B4.09 select, poll: all", [3, 3])
def _():
    seen = []
    for call in (lambda fd: select.select([fd], [], [], 1), lambda fd: poller.poll(1000)):
        a, b = unix()
        poller = select.poll()
        poller.register(b, IN)
        pollers = [select.poll() for _ in range(3)]
        for one in pollers:
            one.register(b, IN)
        if seen:
            got, started = threads(3, lambda number: len(pollers[number].poll(1000)))
        else:
            got, started = threads(3, lambda number: len(select.select([b], [], [], 1)[0]))
        a.send(b"x")
        for thread in started:
            thread.join()
        seen.append(sum(found for _, found in got))
    return seen


def nested(outer_bits, inner_bits):
    a, b = unix()
    inner = watch(inner_bits, b)
    outer = watch(outer_bits, inner)
    a.send(b"x")
    return a, b, inner, outer


@row("B4.10 nested: outer LT over LT until drained; over ET until waited; outer ET at each callback", [[1, 1, 0], [1, 1, 0], [1, 0, 1, 0]])
def _():
    a, b, inner, outer = nested(IN, IN)
    one = [len(w(outer)), len(w(outer))]
    b.recv(9)
    one.append(len(w(outer)))
    a, b, inner, outer = nested(IN, IN | ET)
    two = [len(w(outer)), len(w(outer))]
    w(inner)
    two.append(len(w(outer)))
    a, b, inner, outer = nested(IN | ET, IN)
    three = [len(w(outer)), len(w(outer))]
    a.send(b"y")
    return [one, two, [*three, len(w(outer)), len(w(outer))]]


# -- B5: masks


@row("B5.01 fresh, unconnected", ["OUT|HUP", "OUT|HUP"])
def _():
    return [poll(socket.socket()), poll(socket.socket(socket.AF_UNIX))]


@row("B5.02 listening: idle, pending, after shutdown", ["0", "IN", "OUT|HUP"])
def _():
    server = listener()
    seen = [poll(server)]
    kept = socket.create_connection(server.getsockname())
    seen.append(poll(server))
    idle = listener()
    idle.shutdown(socket.SHUT_RDWR)
    return [*seen, poll(idle, IN | OUT)]


@row("B5.03 SYN_SENT: 0; send, recv, connect, getpeername", ["0", "EAGAIN", "EAGAIN", "EALREADY", "ENOTCONN"])
def _():
    server = listener(0)
    kept = [socket.create_connection(server.getsockname())]
    late = socket.socket()
    late.setblocking(False)
    late.connect_ex(server.getsockname())
    rest()
    return [poll(late), tried(late.send, b"x"), tried(late.recv, 1), tried(late.connect, server.getsockname()), tried(late.getpeername)]


@row("B5.04 connect refused; SO_ERROR, then 0", ["IN|OUT|ERR|HUP|RDHUP", "ECONNREFUSED", 0])
def _():
    server = listener()
    address = server.getsockname()
    server.close()
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(address)
    rest()
    seen = [poll(sock)]
    return [*seen, *(errno.errorcode.get(n, n) for n in (sock.getsockopt(1, socket.SO_ERROR), sock.getsockopt(1, socket.SO_ERROR)))]


def pairs_say(look):
    return [look(*tcp()), look(*unix())]


@row("B5.05 established", ["OUT", "OUT"])
def _():
    return pairs_say(lambda a, b: poll(b))


@row("B5.06 peer SHUT_WR", ["IN|OUT|RDHUP"] * 2)
def _():
    return pairs_say(lambda a, b: (a.shutdown(socket.SHUT_WR), poll(b))[1])


@row("B5.07 peer close; local: with HUP, and ERR if it left our data", ["IN|OUT|RDHUP", "IN|OUT|HUP|RDHUP", "IN|OUT|ERR|HUP|RDHUP", "ECONNRESET"])
def _():
    seen = pairs_say(lambda a, b: (a.close(), poll(b))[1])
    a, b = unix()
    b.send(b"unread")
    a.close()
    return [*seen, poll(b), tried(b.recv, 1)]


@row("B5.08 send after the peer's close: TCP once, local never", [1, "IN|OUT|ERR|HUP|RDHUP", b"", "EPIPE", "EPIPE"])
def _():
    a, b = tcp()
    a.close()
    seen = [b.send(b"x")]
    rest()
    seen += [poll(b), tried(b.recv, 1)]
    seen.append(tried(b.send, b"x"))
    a, b = unix()
    a.close()
    return [*seen, tried(b.send, b"x")]


@row("B5.09 both sides shut; own SHUT_RDWR", ["IN|OUT|HUP|RDHUP"] * 4)
def _():
    def both(a, b):
        a.shutdown(socket.SHUT_WR)
        b.shutdown(socket.SHUT_WR)
        return poll(b)

    return [*pairs_say(both), *pairs_say(lambda a, b: (b.shutdown(socket.SHUT_RDWR), poll(b))[1])]


@row("B5.10 own SHUT_WR: send EPIPE, still receives", ["OUT", "EPIPE", b"x"])
def _():
    a, b = tcp()
    b.shutdown(socket.SHUT_WR)
    seen = [poll(b), tried(b.send, b"x")]
    a.send(b"x")
    return [*seen, b.recv(9)]


@row("B5.11 own SHUT_RD: end of file, later data is readable", ["IN|OUT|RDHUP", b"", b"late"])
def _():
    a, b = tcp()
    b.shutdown(socket.SHUT_RD)
    seen = [poll(b), b.recv(9)]
    a.send(b"late")
    return [*seen, b.recv(9)]


@row("B5.12 RST: data first? then ECONNRESET once, then end, EPIPE", ["IN|OUT|ERR|HUP|RDHUP", "ECONNRESET", b"", "EPIPE"])
def _():
    a, b = tcp()
    reset(a)
    rest()
    return [poll(b), tried(b.recv, 9), tried(b.recv, 9), tried(b.send, b"x")]


@row("B5.13 reading SO_ERROR clears ERR", ["ECONNRESET", "IN|OUT|HUP|RDHUP"])
def _():
    a, b = tcp()
    reset(a)
    rest()
    return [errno.errorcode[b.getsockopt(1, socket.SO_ERROR)], poll(b)]


@row("B5.14 an urgent byte: PRI; select: exceptfds only", ["PRI|OUT", [0, 0, 1]])
def _():
    a, b = tcp()
    a.send(b"!", socket.MSG_OOB)
    rest()
    return [poll(b), [len(fds) for fds in select.select([b], [], [b], 0)]]


@row("B5.15 an error in select: readable and writable, not exceptional", [1, 1, 0])
def _():
    a, b = tcp()
    reset(a)
    rest()
    return [len(fds) for fds in select.select([b], [b], [b], 0)]


@row("B5.16 UDP to a closed port", ["OUT|ERR", "ECONNREFUSED", "OUT"])
def _():
    a = socket.socket(type=socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0))
    b = socket.socket(type=socket.SOCK_DGRAM)
    b.setblocking(False)
    b.connect(a.getsockname())
    a.close()
    b.send(b"x")
    rest()
    return [poll(b), tried(b.recv, 1), poll(b)]


@row("B5.17 pipe: empty; writer gone with data, drained; reader gone", ["0", "OUT", "IN|HUP", "HUP", "OUT|ERR", "EPIPE"])
def _():
    r, wr = os.pipe()
    seen = [poll(r), poll(wr)]
    os.write(wr, b"x")
    os.close(wr)
    seen.append(poll(r))
    os.read(r, 1)
    seen.append(poll(r))
    r, wr = os.pipe()
    os.close(r)
    return [*seen, poll(wr), tried(os.write, wr, b"x")]


@row("B5.18 without RDHUP in the mask a FIN is IN", ["IN"])
def _():
    a, b = tcp()
    ep = watch(IN, b)
    a.shutdown(socket.SHUT_WR)
    return w(ep)


# -- B6: buffers


@row("B6.01 SO_SNDBUF, SO_RCVBUF: doubled, never below", [8192, 8192, 4608, 2304])
def _():
    sock = socket.socket()
    seen = []
    for name, value in ((socket.SO_SNDBUF, 4096), (socket.SO_RCVBUF, 4096), (socket.SO_SNDBUF, 1), (socket.SO_RCVBUF, 1)):
        sock.setsockopt(1, name, value)
        seen.append(sock.getsockopt(1, name))
    return seen


@row("B6.02 POLLOUT goes before EAGAIN comes: no POLLOUT and send ok coexist", True)
def _():
    a, b = tcp()
    while poll(a) == "OUT":
        a.send(bytes(4096))
    return a.send(b"x") == 1


@row("B6.03 local stream: 278 one-byte sends of 212992", 278)
def _():
    a, b = unix()
    a.setsockopt(1, socket.SO_SNDBUF, 106496)
    done = 0
    while tried(a.send, b"x") == 1:
        done += 1
    return done


@row("B6.04 a blocking send copies all; SO_SNDTIMEO and a signal leave the partial count", [True, True, "EAGAIN"])
def _():
    seen = []
    a, b = unix()
    a.setblocking(True)
    a.setsockopt(1, socket.SO_SNDTIMEO, struct.pack("ll", 0, 50_000))
    n = a.send(bytes(10_000_000))
    seen.append(0 < n < 10_000_000)
    again = tried(a.send, b"x" * 1000)
    signal.signal(signal.SIGALRM, lambda *args: None)
    a, b = unix()
    a.setblocking(True)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    n = a.send(bytes(10_000_000))
    return [*seen, 0 < n < 10_000_000, again]


@row("B6.05 settimeout: send partial, sendall TimeoutError", [True, "TimeoutError"])
def _():
    a, b = unix()
    a.settimeout(0.05)
    n = a.send(bytes(10_000_000))
    try:
        a.sendall(bytes(10_000_000))
    except TimeoutError:
        return [0 < n < 10_000_000, "TimeoutError"]


@row("B6.06 recv of nothing: O_NONBLOCK, MSG_DONTWAIT, SO_RCVTIMEO; poll ignores that", ["EAGAIN", "EAGAIN", "EAGAIN", True])
def _():
    a, b = tcp()
    seen = [tried(b.recv, 1)]
    b.setblocking(True)
    seen.append(tried(b.recv, 1, socket.MSG_DONTWAIT))
    b.setsockopt(1, socket.SO_RCVTIMEO, struct.pack("ll", 0, 30_000))
    seen.append(tried(b.recv, 1))
    start = time.monotonic()
    poller = select.poll()
    poller.register(b, IN)
    poller.poll(100)
    return [*seen, time.monotonic() - start >= 0.1]


@row("B6.07 MSG_PEEK takes nothing and is no edge; FIONREAD", [b"abc", 3, [], b"abc"])
def _():
    a, b = tcp()
    ep = watch(IN | ET, b)
    a.send(b"abc")
    w(ep)
    seen = [b.recv(9, socket.MSG_PEEK)]
    room = bytearray(4)
    fcntl.ioctl(b, 0x541B, room)
    return [*seen, struct.unpack("i", room)[0], w(ep), b.recv(9)]


@row("B6.08 MSG_WAITALL: until full, FIN", [b"abcdef", b"gh"])
def _():
    seen = []
    a, b = tcp()
    b.setblocking(True)
    got, _ = threads(1, lambda number: b.recv(6, socket.MSG_WAITALL))
    for piece in (b"abc", b"def"):
        a.send(piece)
        rest()
    more, _ = threads(1, lambda number: b.recv(6, socket.MSG_WAITALL))
    a.send(b"gh")
    a.close()
    rest()
    return [got[0][1], more[0][1]]


@row("B6.09 close with unread input: RST, the output is lost; without: it is delivered", ["ECONNRESET", 100000])
def _():
    a, b = tcp()
    b.send(b"unread")
    rest()
    a.close()
    rest()
    seen = [tried(b.recv, 9)]
    a, b = tcp()
    a.send(bytes(100000))
    a.close()
    rest()
    return [*seen, drain(b)]


@row("B6.10 SO_LINGER (1, 0): RST", "ECONNRESET")
def _():
    a, b = tcp()
    reset(a)
    rest()
    return tried(b.recv, 1)


@row("B6.11 pipe: 64 KiB; room after a page, not after 100 bytes; a small write is whole or not at all, a large one partial", [65536, "0", "OUT", "EAGAIN", 11808])
def _():
    r, wr = os.pipe2(os.O_NONBLOCK)
    seen = [sum(iter(lambda: n if isinstance(n := tried(os.write, wr, bytes(4096)), int) else 0, 0))]
    os.read(r, 100)
    seen.append(poll(wr))
    os.read(r, 3996)
    seen.append(poll(wr))
    os.write(wr, bytes(100))
    seen.append(tried(os.write, wr, bytes(4096)))
    os.read(r, 8192)
    return [*seen, tried(os.write, wr, bytes(20000))]


@row("B6.12 UDP, full receive buffer: the sender succeeds, the datagram is lost", [True, True])
def _():
    a = socket.socket(type=socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0))
    a.setsockopt(1, socket.SO_RCVBUF, 4096)
    a.setblocking(False)
    b = socket.socket(type=socket.SOCK_DGRAM)
    sent = sum(b.sendto(bytes(1000), a.getsockname()) == 1000 for _ in range(50))
    got = 0
    while isinstance(tried(a.recv, 2000), bytes):
        got += 1
    return [sent == 50, 0 < got < 50]


@row("B6.13 unconnected: recv, send, accept, shutdown", ["ENOTCONN", "EPIPE", "EINVAL", "ENOTCONN"])
def _():
    sock = socket.socket()
    return [tried(sock.recv, 1), tried(sock.send, b"x"), tried(sock.accept), tried(sock.shutdown, 2)]


@row("B6.14 listener: recv, send, connect, bind again", ["ENOTCONN", "EPIPE", "EISCONN", "EINVAL"])
def _():
    server = listener()
    seen = [tried(server.recv, 1), tried(server.send, b"x"), tried(server.connect, server.getsockname())]
    return [*seen, tried(server.bind, ("127.0.0.1", 0))]


# -- B7: listen, connect, time


@row("B7.01 listen(n), no accept: n + 1 established, the others SYN_SENT", [1, 2, 4])
def _():
    seen = []
    for backlog in (0, 1, 3):
        server = listener(backlog)
        kept = []
        for _ in range(6):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
            kept.append(sock)
            time.sleep(0.005)
        seen.append(sum(isinstance(tried(sock.getpeername), tuple) for sock in kept))
    return seen


@row("B7.02 local listen(n): n + 1, then EAGAIN", [1, 2, 4])
def _():
    seen = []
    for backlog in (0, 1, 3):
        server = socket.socket(socket.AF_UNIX)
        server.bind(f"\0rows{os.getpid()}{backlog}")
        server.listen(backlog)
        kept, done = [], 0
        while True:
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            kept.append(sock)
            if tried(sock.connect, server.getsockname()) is not None:
                break
            done += 1
        seen.append(done)
    return seen


@row("B7.03 listen again changes it; listen(-1) is 0", [2, 1])
def _():
    seen = []
    for first, second in ((0, 1), (5, -1)):
        server = listener(first)
        server.listen(second)
        kept = []
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
            kept.append(sock)
            time.sleep(0.005)
        seen.append(sum(isinstance(tried(sock.getpeername), tuple) for sock in kept))
    return seen


@row("B7.04 the client sends and closes before accept; RST before accept", [b"early", b"", "ECONNRESET"])
def _():
    server = listener()
    client = socket.create_connection(server.getsockname())
    client.send(b"early")
    client.close()
    accepted = server.accept()[0]
    seen = [accepted.recv(9), accepted.recv(9)]
    reset(socket.create_connection(server.getsockname()))
    return [*seen, tried(server.accept()[0].recv, 9)]


@row("B7.05 a listener closed with connections pending", "ECONNRESET")
def _():
    server = listener()
    client = socket.create_connection(server.getsockname())
    server.close()
    rest()
    return tried(client.recv, 1)


@row("B7.06 non-blocking connect: EINPROGRESS, 0, EISCONN", ["EINPROGRESS", None, "EISCONN"])
def _():
    server = listener()
    sock = socket.socket()
    sock.setblocking(False)
    seen = [tried(sock.connect, server.getsockname())]
    rest()
    return [*seen, tried(sock.connect, server.getsockname()), tried(sock.connect, server.getsockname())]


@row("B7.07 settimeout connect to a full queue", "TimeoutError")
def _():
    server = listener(0)
    kept = socket.create_connection(server.getsockname())
    sock = socket.socket()
    sock.settimeout(0.1)
    try:
        sock.connect(server.getsockname())
    except TimeoutError:
        return "TimeoutError"


@row("B7.08 bind in TIME_WAIT: EADDRINUSE unless both set SO_REUSEADDR", ["EADDRINUSE", "EADDRINUSE", None])
def _():
    seen = []
    for old, new in ((False, False), (False, True), (True, True)):
        server = socket.socket()
        server.setsockopt(1, socket.SO_REUSEADDR, old)
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = server.getsockname()
        client = socket.create_connection(address)
        accepted = server.accept()[0]
        accepted.close()
        client.recv(1)
        client.close()
        server.close()
        rest()
        again = socket.socket()
        again.setsockopt(1, socket.SO_REUSEADDR, new)
        seen.append(tried(again.bind, address))
        again.close()
    return seen


@row("B7.09 epoll_wait: 0 polls, a time is never cut short, a time-out is empty", [[], True, [], True])
def _():
    ep = watch(IN, unix()[0])
    start = time.monotonic()
    first = ep.poll(0)
    quick = time.monotonic() - start < 0.05
    start = time.monotonic()
    second = ep.poll(0.0305)
    return [first, quick, second, time.monotonic() - start >= 0.0305]


@row("B7.10 a signal: EINTR, which Python answers by calling again", [[], True, 1])
def _():
    hits = []
    signal.signal(signal.SIGALRM, lambda *args: hits.append(1))
    ep = watch(IN, unix()[0])
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    start = time.monotonic()
    found = ep.poll(0.1)
    return [found, time.monotonic() - start >= 0.1, len(hits)]


@row("B7.11 order: select as given, poll as registered, epoll as it became ready", [[2, 0, 1], [2, 0, 1], [1, 2, 0]])
def _():
    pairs = [unix() for _ in range(3)]
    files = [b for _, b in pairs]
    numbers = {file.fileno(): n for n, file in enumerate(files)}
    given = [files[n] for n in (2, 0, 1)]
    ep = watch(IN, *given)
    for n in (1, 2, 0):
        pairs[n][0].send(b"x")
    poller = select.poll()
    for file in given:
        poller.register(file, IN)
    return [
        [files.index(file) for file in select.select(given, [], [], 0)[0]],
        [numbers[fd] for fd, _ in poller.poll(0)],
        order(ep, files),
    ]


def main(wanted):
    for name, _, function in ROWS:
        if wanted and not name.startswith(tuple(wanted)):
            continue
        try:
            seen = function()
        except BaseException as error:
            seen = f"{type(error).__name__}: {error}"
        print(f"{name[:5]}\t{seen!r}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
