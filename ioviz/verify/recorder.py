"""Runs a program under the real Python and records its calls, at the boundary where the machine has its own.

This file is handed to a child process: it is no part of the package there and knows the standard library alone. It puts
itself between the program and the C modules `_socket`, `select`, `time`, `_thread` and the I/O of `posix`; each call is
announced to the process that leads (`ioviz.verify.lead`), made when that says so, and told with its result, in the form
in which the machine's log has it. What C does in one go with a time-out (wait, then call) is told as the calls it is.

    python -u recorder.py CHANNEL NUMBER SETTINGS PROGRAM [ARGS]    (PROGRAM `-m NAME` is a module)

Nothing leaves this computer: addresses of other hosts of the machine become 127.0.0.1, any other is unreachable.
"""

import errno
import fcntl
import marshal
import os
import posix
import resource
import select
import struct
import sys
import time
import _socket
import _thread

RealSocket = _socket.socket
real_epoll, real_select, real_poll = select.epoll, select.select, select.poll
SHOWN = 32
CLOEXEC = 0o2000000
HIGH = 700
POLLIN, POLLOUT, POLLERR = 1, 4, 8
SOL_SOCKET, SO_ERROR = 1, 4

channel_path, number, settings = sys.argv[1], int(sys.argv[2]), marshal.loads(bytes.fromhex(sys.argv[3]))
ports, trigger = settings["ports"], settings["trigger"]
buffers = [(option, size) for option, size in settings["buffers"] if size]
"""SO_SNDBUF and SO_RCVBUF of every new socket, if the machine's knobs are turned; Linux takes twice what it is told."""
back = {free: wanted for wanted, free in ports.items()}
HERE = __file__
"""Kept, since Python takes `__file__` away at the end of the main thread, and other threads may go on."""
own_folders = tuple(settings["folders"])
channels = {}
made = [0]
globals_ = []
"""The program's globals, which must outlive it."""
over = []
"""Not empty once the program has ended and Python takes its things apart."""
tracked = {0, 1, 2}
"""Descriptors that came of calls which are recorded."""


class Channel:
    """The way of one thread to the process that leads."""

    def __init__(self, label):
        link = RealSocket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        link.connect(channel_path)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:  # above what the program may open, if that can be
            resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
            self.fd = fcntl.fcntl(link.fileno(), fcntl.F_DUPFD_CLOEXEC, max(limits[0], HIGH))
        except (OSError, ValueError):
            self.fd = fcntl.fcntl(link.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        link.close()
        self.send(("hello", number, label, posix.getpid()))

    def send(self, message):
        raw = marshal.dumps(message)
        raw = struct.pack("=I", len(raw)) + raw
        while raw:
            raw = raw[posix_write(self.fd, raw) :]

    def wait(self):
        if not posix_read(self.fd, 1):
            posix._exit(0)


posix_read, posix_write = posix.read, posix.write


def call(name, args, do, shown):
    """Announce a call, make it when it is due, tell what came of it."""
    channel = channels.get(_thread.get_ident())
    if channel is None or over:
        return do()
    channel.send(("enter", name, args, where()))
    channel.wait()
    try:
        result = do()
    except OSError as error:
        raised = error.errno is None and not isinstance(error, TimeoutError)  # by a handler of the program
        if raised or isinstance(error, _socket.gaierror):
            channel.send(("never",))
        else:
            channel.send(("return", -(error.errno or errno.ETIMEDOUT), None))
        raise
    except BaseException:
        channel.send(("never",))  # C refused the arguments
        raise
    channel.send(("return", *shown(result)))
    return result


def told(name, args, ret, out=None):
    """A call that C made on the way: announce and tell it."""
    call(name, args, lambda: None, lambda _: (ret, out))


def where():
    """File and line of the program."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(own_folders) and name != HERE:
            return os.path.basename(name), frame.f_lineno
        frame = frame.f_back
    return "", 0


def text(data):
    return bytes(data[:SHOWN]).decode("latin-1")


def outward(address):
    """An address as it is used here."""
    if not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port, *rest = address
    if host in ("", "0.0.0.0", "localhost", "<broadcast>") or (isinstance(host, str) and host.startswith("10.0.0.")):
        host = "127.0.0.1"
    elif host in ("::", "ip6-localhost"):
        host = "::1"
    if isinstance(host, str) and not host.startswith("127.") and host != "::1":
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    return (host, ports.get(port, port), *rest)


def inward(address):
    """An address as the program knows it."""
    if isinstance(address, tuple) and len(address) >= 2 and address[1] in back:
        return (address[0], back[address[1]], *address[2:])
    return address


def atom(address):
    if isinstance(address, bytes):
        return text(address)
    return address if isinstance(address, (tuple, str)) else None


def length(result):
    return result, None


def done(result):
    return 0, None


class socket(RealSocket):
    """`_socket.socket`, recorded."""

    __slots__ = ()

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is not None:
            super().__init__(family, type, proto, fileno)
            return
        args = (2 if family == -1 else int(family), (1 if type == -1 else int(type)) | CLOEXEC, max(int(proto), 0))
        call(
            "socket", args, lambda: RealSocket.__init__(self, family, type, proto), lambda _: (own(self.fileno()), None)
        )
        if self.family != _socket.AF_UNIX:
            for option, size in buffers:
                RealSocket.setsockopt(self, SOL_SOCKET, option, size // 2)

    def __del__(self):
        if RealSocket.fileno(self) >= 0:
            if not over:
                repr(self)  # CPython's finalizer makes the text of its warning, which asks for the addresses
            self.close()

    def timed_(self, writing, name, args, do, shown):
        """A call that waits first if there is a time-out (`sock_call_ex`)."""
        timeout = self.gettimeout()
        if not timeout:
            return call(name, args, do, shown)
        outcome = []

        def both():
            try:
                outcome.append(do())
            except OSError as error:
                if error.errno is None:  # the time is up
                    raise
                outcome.append(error)

        wanted = ((self.fileno(), POLLOUT if writing else POLLIN),)
        channel = channels.get(_thread.get_ident())
        if channel is None or over:
            return do()
        channel.send(("enter", "poll", (wanted, 1, int(timeout * 1e9)), where()))
        channel.wait()
        try:
            both()
        except OSError:
            channel.send(("return", 0, ()))
            raise
        channel.send(("return", 1, None))
        result = outcome[0]
        if isinstance(result, OSError):
            told(name, args, -result.errno)
            raise result
        told(name, args, *shown(result))
        return result

    def _accept(self):
        fd, address = self.timed_(
            False,
            "accept4",
            (self.fileno(), CLOEXEC),
            lambda: RealSocket._accept(self),
            lambda result: (own(result[0]), atom(inward(result[1]))),
        )
        return fd, inward(address)

    def bind(self, address):
        call("bind", (self.fileno(), atom(address)), lambda: RealSocket.bind(self, outward(address)), done)

    def connect_(self, address, do):
        fd, timeout = self.fileno(), self.gettimeout()
        args = (fd, atom(address))
        if not timeout or self.family == _socket.AF_UNIX:
            return call("connect", args, do, lambda result: (-(result or 0), None))
        outcome = []

        def attempt():
            try:
                outcome.append(do())
            except OSError as error:
                outcome.append(error)

        channel = channels.get(_thread.get_ident())
        if channel is None or over:
            return do()
        channel.send(("enter", "connect", args, where()))
        channel.wait()
        attempt()
        channel.send(("return", -errno.EINPROGRESS, None))
        result = outcome[0]
        code = result if isinstance(result, int) else (result.errno if isinstance(result, OSError) else 0)
        if code is None or code == errno.EAGAIN:
            told("poll", (((fd, POLLOUT | POLLERR),), 1, int(timeout * 1e9)), 0, ())
        else:
            told("poll", (((fd, POLLOUT | POLLERR),), 1, int(timeout * 1e9)), 1)
            told("getsockopt", (fd, SOL_SOCKET, SO_ERROR, 0), 0, code)
        if isinstance(result, OSError):
            raise result
        return result

    def connect(self, address):
        self.connect_(address, lambda: RealSocket.connect(self, outward(address)))

    def connect_ex(self, address):
        return self.connect_(address, lambda: RealSocket.connect_ex(self, outward(address)))

    def listen(self, backlog=128):
        args = (self.fileno(), max(int(backlog), 0))
        call("listen", args, lambda: RealSocket.listen(self, min(backlog, settings["somaxconn"])), done)

    def shutdown(self, how):
        call("shutdown", (self.fileno(), int(how)), lambda: RealSocket.shutdown(self, how), done)

    def close(self):
        if self.fileno() >= 0:
            call("close", (given_up(self.fileno()),), lambda: RealSocket.close(self), done)

    def getsockname(self):
        return inward(RealSocket.getsockname(self))

    def getpeername(self):
        return inward(
            call("getpeername", (self.fileno(),), lambda: RealSocket.getpeername(self), lambda a: (0, atom(inward(a))))
        )

    def recv(self, bufsize, flags=0):
        if bufsize == 0:
            return RealSocket.recv(self, bufsize, flags)
        args = (self.fileno(), int(bufsize), int(flags))
        return self.timed_(
            False, "recvfrom", args, lambda: RealSocket.recv(self, bufsize, flags), lambda d: (len(d), (text(d), None))
        )

    def recv_into(self, buffer, nbytes=0, flags=0):
        size = nbytes or memoryview(buffer).nbytes
        if size == 0:
            return 0
        args = (self.fileno(), size, int(flags))
        view = memoryview(buffer).cast("B")
        return self.timed_(
            False,
            "recvfrom",
            args,
            lambda: RealSocket.recv_into(self, buffer, nbytes, flags),
            lambda n: (n, (text(view[: min(n, SHOWN)]), None)),
        )

    def recvfrom(self, bufsize, flags=0):
        args = (self.fileno(), int(bufsize), int(flags))
        data, sender = self.timed_(
            False,
            "recvfrom",
            args,
            lambda: RealSocket.recvfrom(self, bufsize, flags),
            lambda r: (len(r[0]), (text(r[0]), atom(inward(r[1])))),
        )
        return data, inward(sender)

    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        args = (self.fileno(), nbytes or view.nbytes, int(flags))
        n, sender = self.timed_(
            False,
            "recvfrom",
            args,
            lambda: RealSocket.recvfrom_into(self, buffer, nbytes, flags),
            lambda r: (r[0], (text(view[: min(r[0], SHOWN)]), atom(inward(r[1])))),
        )
        return n, inward(sender)

    def send(self, data, flags=0):
        args = (self.fileno(), text(data), memoryview(data).nbytes, int(flags), None)
        return self.timed_(True, "sendto", args, lambda: RealSocket.send(self, data, flags), length)

    def sendall(self, data, flags=0):
        size = memoryview(data).nbytes
        args = (self.fileno(), text(data), size, int(flags), None)
        self.timed_(True, "sendto", args, lambda: RealSocket.sendall(self, data, flags), lambda _: (size, None))

    def sendto(self, data, *rest):
        flags, address = (0, rest[0]) if len(rest) == 1 else rest
        args = (self.fileno(), text(data), memoryview(data).nbytes, int(flags), atom(address))
        return self.timed_(True, "sendto", args, lambda: RealSocket.sendto(self, data, flags, outward(address)), length)

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None):
        buffers = list(buffers)
        joined = b"".join(bytes(piece) for piece in buffers)
        args = (self.fileno(), text(joined), len(joined), int(flags), atom(address))
        rest = () if address is None else (outward(address),)
        return self.timed_(
            True, "sendmsg", args, lambda: RealSocket.sendmsg(self, buffers, ancdata, flags, *rest), length
        )

    def recvmsg(self, bufsize, ancbufsize=0, flags=0):
        args = (self.fileno(), int(bufsize), int(ancbufsize), int(flags))
        return self.timed_(
            False,
            "recvmsg",
            args,
            lambda: RealSocket.recvmsg(self, bufsize, ancbufsize, flags),
            lambda r: (len(r[0]), (text(r[0]), int(r[2]), atom(inward(r[3])))),
        )

    def setsockopt(self, level, option, value, *rest):
        shown = text(value) if isinstance(value, (bytes, bytearray)) else 0 if value is None else int(value)
        args = (self.fileno(), int(level), int(option), shown)
        call("setsockopt", args, lambda: RealSocket.setsockopt(self, level, option, value, *rest), done)

    def getsockopt(self, level, option, buflen=0):
        args = (self.fileno(), int(level), int(option), int(buflen))
        return call(
            "getsockopt",
            args,
            lambda: RealSocket.getsockopt(self, level, option, *((buflen,) if buflen else ())),
            lambda value: (0, text(value) if isinstance(value, bytes) else value),
        )


real_socketpair, real_socket_close = _socket.socketpair, _socket.close


def socketpair(family=_socket.AF_UNIX, type=_socket.SOCK_STREAM, proto=0):
    args = (int(family), int(type) | CLOEXEC, int(proto))
    return call(
        "socketpair",
        args,
        lambda: real_socketpair(family, type, proto),
        lambda pair: (0, (own(pair[0].fileno()), own(pair[1].fileno()))),
    )


class epoll:
    """`select.epoll`, recorded."""

    def __init__(self, sizehint=-1, flags=0):
        self.ep = None
        call("epoll_create1", (CLOEXEC,), lambda: self.take_(real_epoll(sizehint, flags)), lambda fd: (own(fd), None))

    def take_(self, ep):
        self.ep = ep
        return ep.fileno()

    @classmethod
    def fromfd(cls, fd):
        self = object.__new__(cls)
        self.ep = real_epoll.fromfd(fd)
        return self

    def close(self):
        if not self.ep.closed:
            call("close", (given_up(self.ep.fileno()),), self.ep.close, done)

    @property
    def closed(self):
        return self.ep.closed

    def fileno(self):
        return self.ep.fileno()

    def mask_(self, mask):
        return mask if trigger == "as-written" else mask | 1 << 31 if trigger == "et" else mask & ~(1 << 31)

    def ctl_(self, op, fd, mask, do):
        number = fd if isinstance(fd, int) else fd.fileno()
        mask &= 0xFFFFFFFF
        args = (self.ep.fileno(), op, number, 0 if op == 2 else mask, 0 if op == 2 else number)
        call("epoll_ctl", args, do, done)

    def register(self, fd, eventmask=7):
        self.ctl_(1, fd, eventmask, lambda: self.ep.register(fd, self.mask_(eventmask)))

    def modify(self, fd, eventmask):
        self.ctl_(3, fd, eventmask, lambda: self.ep.modify(fd, self.mask_(eventmask)))

    def unregister(self, fd):
        self.ctl_(2, fd, 0, lambda: self.ep.unregister(fd))

    def poll(self, timeout=None, maxevents=-1):
        wait = -1 if timeout is None or timeout < 0 else -int(-timeout * 1000 // 1) * 1_000_000
        args = (self.ep.fileno(), 1023 if maxevents == -1 else maxevents, wait)
        return call(
            "epoll_wait",
            args,
            lambda: self.ep.poll(timeout, maxevents),
            lambda found: (len(found), tuple(found[:SHOWN])),
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        if self.ep is not None and not self.ep.closed:
            self.close()


class poll_object:
    """What `select.poll()` gives, recorded."""

    def __init__(self):
        self.real = real_poll()
        self.fds = {}

    def register(self, fd, eventmask=7):
        self.real.register(fd, eventmask)
        self.fds[fd if isinstance(fd, int) else fd.fileno()] = int(eventmask)

    def modify(self, fd, eventmask):
        self.real.modify(fd, eventmask)
        self.fds[fd if isinstance(fd, int) else fd.fileno()] = int(eventmask)

    def unregister(self, fd):
        self.real.unregister(fd)
        del self.fds[fd if isinstance(fd, int) else fd.fileno()]

    def poll(self, timeout=None):
        wait = None if timeout is None or timeout < 0 else int(timeout * 1_000_000)
        args = (tuple(self.fds.items())[:SHOWN], len(self.fds), wait)
        return call("poll", args, lambda: self.real.poll(timeout), lambda found: (len(found), tuple(found[:SHOWN])))


def recorded_select(rlist, wlist, xlist, timeout=None, /):
    lists = [list(each) for each in (rlist, wlist, xlist)]
    numbers = [tuple(one if isinstance(one, int) else one.fileno() for one in each) for each in lists]
    if any(not 0 <= one < 1024 for each in numbers for one in each):
        return real_select(*lists, timeout)  # which refuses them before any call
    nfds = max([*numbers[0], *numbers[1], *numbers[2], -1]) + 1
    args = (nfds, *(each[:SHOWN] for each in numbers), None if timeout is None else int(timeout * 1e9))

    def shown(sets):
        fds = [tuple(one if isinstance(one, int) else one.fileno() for one in each)[:SHOWN] for each in sets]
        return sum(map(len, sets)), tuple(fds)

    return call("select", args, lambda: real_select(*lists, timeout), shown)


real_sleep = time.sleep


def sleep(seconds):
    return call("clock_nanosleep", (int(seconds * 1e9),), lambda: real_sleep(seconds), done)


real = {name: getattr(posix, name) for name in dir(posix) if callable(getattr(posix, name, None))}


def own(fd):
    tracked.add(fd)
    return fd


def given_up(fd):
    tracked.discard(fd)  # its number may be that of a file next
    return fd


def read(fd, n):
    if fd not in tracked or fd in (1, 2):
        return real["read"](fd, n)
    return call("read", (fd, n), lambda: real["read"](fd, n), lambda data: (len(data), text(data)))


def write(fd, data):
    if fd not in tracked:
        return real["write"](fd, data)
    return call("write", (fd, text(data), memoryview(data).nbytes), lambda: real["write"](fd, data), length)


def close(fd):
    if fd not in tracked or fd in (1, 2):
        return real["close"](fd)
    return call("close", (given_up(fd),), lambda: real["close"](fd), done)


def pipe():
    return pipe2(CLOEXEC)


def pipe2(flags):
    return call("pipe2", (flags,), lambda: real["pipe2"](flags), lambda ends: (0, (own(ends[0]), own(ends[1]))))


def eventfd(initval, flags=CLOEXEC):
    return call("eventfd2", (initval, flags), lambda: real["eventfd"](initval, flags), lambda fd: (own(fd), None))


def eventfd_read(fd):
    return int.from_bytes(read(fd, 8), sys.byteorder)


def eventfd_write(fd, value):
    write(fd, value.to_bytes(8, sys.byteorder))


def dup(fd):
    return call("fcntl", (fd, 1030, 0), lambda: real["dup"](fd), lambda new: (own(new), None))


real_dup = _socket.dup


def socket_dup(fd):
    return call("fcntl", (fd, 1030, 0), lambda: real_dup(fd), lambda new: (own(new), None))


real_input = input


def recorded_input(prompt=""):
    if prompt:
        sys.stdout.write(str(prompt))
        sys.stdout.flush()

    got = call("read", (0, 8192), lambda: sys.stdin.readline(), lambda data: (len(data.encode()), None))
    if not got:
        raise EOFError("EOF when reading a line")
    return got.rstrip("\n")


def starter(real_start):
    """`start_new_thread` and its kin: the new thread has its way to us before it runs."""

    def start(function, *rest, **named):
        made[0] += 1
        channel = Channel(made[0])

        def body(*args, **kwargs):
            me = _thread.get_ident()
            channels[me] = channel
            try:
                return function(*args, **kwargs)
            finally:
                del channels[me]
                channel.send(("end",))
                real["close"](channel.fd)

        return real_start(body, *rest, **named)

    return start


def install():
    _socket.socket = _socket.SocketType = socket
    _socket.socketpair, _socket.dup = socketpair, socket_dup
    _socket.close = lambda fd: call("close", (given_up(fd),), lambda: real_socket_close(fd), done)
    select.select, select.poll, select.epoll = recorded_select, poll_object, epoll
    time.sleep = sleep
    for name in ("read", "write", "close", "pipe", "pipe2", "dup", "eventfd", "eventfd_read", "eventfd_write"):
        if name in real:
            setattr(posix, name, globals()[name])
            setattr(os, name, globals()[name])
    for name in ("start_new_thread", "start_joinable_thread"):
        if hasattr(_thread, name):
            setattr(_thread, name, starter(getattr(_thread, name)))
    import builtins

    builtins.input = recorded_input


def main():
    import atexit
    import runpy

    atexit.register(over.append, True)  # it comes last of all
    name, args = sys.argv[4], sys.argv[5:]
    channels[_thread.get_ident()] = Channel(0)
    install()
    if name == "-m":
        sys.argv = [args[0], *args[1:]]
        globals_.append(runpy.run_module(args[0], run_name="__main__", alter_sys=True))
    else:
        sys.argv = [settings["shown"], *args]
        sys.path[0] = os.path.dirname(name)
        globals_.append(runpy.run_path(name, run_name="__main__"))


if __name__ == "__main__":
    main()
