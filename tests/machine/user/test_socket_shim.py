"""The shim of `_socket` beside the C module: on the real kernel the same calls give the same results and words."""

from __future__ import annotations

import _socket as c_module
from collections.abc import Callable, Iterator
from errno import EAGAIN, EINTR
from types import ModuleType
from typing import Any

import pytest

from ioviz.machine.user.shims import _socket as shim
from ioviz.model.syscalls import SYS
from tests.machine.user.real_kernel import FakeGuest, RealKernel

HELLO = b"hello"
Case = Callable[[Any, Any], object]


@pytest.fixture
def made() -> ModuleType:
    return shim.build(FakeGuest(RealKernel()))  # type: ignore[arg-type]


def outcome(case: Callable[[], object]) -> object:
    """What a call gives or how it fails, in a form that can be compared."""
    try:
        return case()
    except Exception as error:
        return type(error).__name__, str(error)


NAMES: dict[str, Callable[[Any], object]] = {
    "numeric": lambda m: m.getaddrinfo("1.2.3.4", 80, type=1),
    "numeric6": lambda m: m.getaddrinfo("::1", 80, type=1),
    "raw": lambda m: m.getaddrinfo("1.2.3.4", 1, type=3),
    "raw without port": lambda m: m.getaddrinfo("1.2.3.4", None, type=3),
    "all types": lambda m: m.getaddrinfo("1.2.3.4", 80),
    "udp by proto": lambda m: m.getaddrinfo("1.2.3.4", 1, proto=17),
    "wrong proto": lambda m: m.getaddrinfo("1.2.3.4", 1, type=1, proto=17),
    "no host": lambda m: m.getaddrinfo(None, 80, type=1),
    "passive": lambda m: m.getaddrinfo(None, 80, type=1, flags=1),
    "no such service": lambda m: m.getaddrinfo("127.0.0.1", "nosuch"),
    "service, numeric only": lambda m: m.getaddrinfo("127.0.0.1", "http", flags=1024),
    "digits": lambda m: m.getaddrinfo("127.0.0.1", "443", type=1),
    "nothing": lambda m: m.getaddrinfo(None, None),
    "host is int": lambda m: m.getaddrinfo(1, 1),
    "port is list": lambda m: m.getaddrinfo("1.2.3.4", []),
    "large port": lambda m: m.getaddrinfo("1.2.3.4", 99999, type=1),
    **{
        f"port {port}": lambda m, port=port: m.getaddrinfo("1.2.3.4", port, type=1)  # type: ignore[misc]
        for port in (-1, 1 << 31, (1 << 32) + 5, 1 << 63, 1 << 64, -(1 << 64))
    },
    "scope": lambda m: m.getaddrinfo("ff02::1%1", 80, type=1),
    "scope by name": lambda m: m.getaddrinfo("ff02::1%lo", 80, type=1),
    "no such scope": lambda m: m.getaddrinfo("ff02::1%nosuch", 80, type=1),
    "nameinfo of scope": lambda m: m.getnameinfo(("ff02::1", 80, 0, 1), 3),
    "wrong family": lambda m: m.getaddrinfo("1.2.3.4", 1, 10, 1),
    "bad family": lambda m: m.getaddrinfo("1.2.3.4", 1, 99),
    "bad type": lambda m: m.getaddrinfo("1.2.3.4", 1, 0, 99),
    "bad flags": lambda m: m.getaddrinfo("1.2.3.4", 1, flags=99999999),
    "numeric host only": lambda m: m.getaddrinfo("localhost", 1, flags=4),
    "nameinfo": lambda m: m.getnameinfo(("127.0.0.1", 80), 3),
    "nameinfo of str": lambda m: m.getnameinfo("x", 0),
    "byname": lambda m: m.gethostbyname("1.2.3.4"),
    "byname any": lambda m: m.gethostbyname(""),
    "byname short": lambda m: m.gethostbyname("127.1"),
    "byname_ex": lambda m: m.gethostbyname_ex("1.2.3.4"),
    "servbyname none": lambda m: m.getservbyname("nosuch"),
    "servbyport range": lambda m: m.getservbyport(70000),
    "protobyname none": lambda m: m.getprotobyname("nosuch"),
    "if none": lambda m: m.if_nametoindex("nosuch0"),
    "cmsg_len": lambda m: [m.CMSG_LEN(n) for n in (0, 1, 4, 8, 9)],
    "cmsg_space": lambda m: [m.CMSG_SPACE(n) for n in (0, 1, 4, 8, 9)],
    "cmsg_len negative": lambda m: m.CMSG_LEN(-1),
    "cmsg_space negative": lambda m: m.CMSG_SPACE(-1),
    "default timeout": lambda m: (m.setdefaulttimeout(2), m.getdefaulttimeout(), m.setdefaulttimeout(None)),
    "default timeout negative": lambda m: m.setdefaulttimeout(-1),
    "inet_aton": lambda m: m.inet_aton("127.0.0.1"),
    "bad fileno": lambda m: m.socket(fileno=-1),
    "closed fileno": lambda m: m.socket(fileno=99999),
    "float fileno": lambda m: m.socket(fileno=1.5),
    "str fileno": lambda m: m.socket(fileno="x"),
    "bad proto": lambda m: m.socket(1, 2, 3),
    "bad class": lambda m: m.socket("x"),
    "dup str": lambda m: m.dup("x"),
    "close closed": lambda m: m.close(99999),
}


FILES: dict[str, tuple[Callable[[Any], object], object]] = {
    "service": (
        lambda m: m.getaddrinfo("127.0.0.1", "http"),
        [(2, 1, 6, "", ("127.0.0.1", 80))],
    ),
    "nameinfo": (lambda m: m.getnameinfo(("127.0.0.1", 80), 0), ("localhost", "http")),
    "localhost": (lambda m: m.gethostbyname("localhost"), "127.0.0.1"),
    "localhost of IPv6": (lambda m: m.getaddrinfo("localhost", 1, 10, 1), [(10, 1, 6, "", ("::1", 1, 0, 0))]),
    "own address": (lambda m: m.gethostbyname("host1"), "127.0.0.1"),
    "unknown": (lambda m: m.gethostbyname("nosuch.example"), ("gaierror", "[Errno -2] Name or service not known")),
    "servbyname": (lambda m: m.getservbyname("http", "tcp"), 80),
    "servbyport": (lambda m: m.getservbyport(80), "http"),
    "protobyname": (lambda m: m.getprotobyname("tcp"), 6),
}


@pytest.mark.parametrize(("case", "wanted"), FILES.values(), ids=FILES)
def test_names_that_a_real_host_has_in_files(made: ModuleType, case: Callable[[Any], object], wanted: object) -> None:
    assert outcome(lambda: case(made)) == wanted


@pytest.mark.parametrize("case", NAMES.values(), ids=NAMES)
def test_functions(made: ModuleType, case: Callable[[Any], object]) -> None:
    assert outcome(lambda: case(made)) == outcome(lambda: case(c_module))


def _timeout_huge(s: Any) -> None:
    """Builds of 3.11 word it differently."""
    with pytest.raises(OverflowError):
        s.settimeout(1e300)


def _detached(sock: Any) -> int:
    """What `fileno` says after `detach`."""
    c_module.close(sock.detach())
    return int(sock.fileno())


TCP: dict[str, Callable[[Any], object]] = {
    "repr": lambda s: repr(s).partition("family")[2],
    "attributes": lambda s: (s.family, s.type, s.proto, s.timeout, s.gettimeout(), s.getblocking()),
    "bind int": lambda s: s.bind(1),
    "bind one": lambda s: s.bind(("a",)),
    "bind str port": lambda s: s.bind(("127.0.0.1", "x")),
    "bind large port": lambda s: s.bind(("127.0.0.1", 70000)),
    "bind None": lambda s: s.bind((None, 2)),
    "bind null": lambda s: s.bind(("x\0", 1)),
    "bind v6": lambda s: s.bind(("::1", 1)),
    "bind any": lambda s: (s.bind(("", 0)), s.getsockname()[0]),
    "bind twice": lambda s: (s.bind(("127.0.0.1", 0)), s.bind(("127.0.0.1", 0))),
    "connect int host": lambda s: s.connect((1, 2)),
    "connect refused": lambda s: s.connect(("127.0.0.1", 1)),
    "connect_ex refused": lambda s: s.connect_ex(("127.0.0.1", 1)),
    "connect refused in time": lambda s: (s.settimeout(5), s.connect(("127.0.0.1", 1))),
    "recv negative": lambda s: s.recv(-1),
    "recv str": lambda s: s.recv("x"),
    "recv zero": lambda s: s.recv(0),
    "recv unconnected": lambda s: s.recv(1),
    "recv_into bytes": lambda s: s.recv_into(b"x"),
    "recv_into short": lambda s: s.recv_into(bytearray(3), 4),
    "recv_into negative": lambda s: s.recv_into(bytearray(3), -4),
    "recv_into nothing": lambda s: s.recv_into(bytearray()),
    "recvfrom negative": lambda s: s.recvfrom(-1),
    "recvfrom_into short": lambda s: s.recvfrom_into(bytearray(3), 4),
    "recvfrom_into negative": lambda s: s.recvfrom_into(bytearray(3), -4),
    "send str": lambda s: s.send("x"),
    "sendall str": lambda s: s.sendall("x"),
    "send strided": lambda s: s.send(memoryview(bytearray(10))[::2]),
    "sendto one": lambda s: s.sendto(b"x"),
    "sendto str": lambda s: s.sendto("x", ("1.2.3.4", 5)),
    "sendto bad address": lambda s: s.sendto(b"x", "y"),
    "sendto None flags": lambda s: s.sendto(b"x", None, ("1.2.3.4", 5)),
    "sendto four": lambda s: s.sendto(b"x", 1, 2, 3),
    "setsockopt two": lambda s: s.setsockopt(1, 2),
    "setsockopt str": lambda s: s.setsockopt(1, 2, "x"),
    "setsockopt None": lambda s: s.setsockopt(1, 2, None),
    "setsockopt": lambda s: (s.setsockopt(1, 2, 1), s.getsockopt(1, 2), s.getsockopt(1, 2, 4)),
    "setsockopt bytes": lambda s: (s.setsockopt(1, 2, b"\1\0\0\0"), s.getsockopt(1, 2)),
    "getsockopt negative": lambda s: s.getsockopt(1, 2, -1),
    "getsockopt large": lambda s: s.getsockopt(1, 2, 5000),
    "settimeout negative": lambda s: s.settimeout(-1),
    "settimeout str": lambda s: s.settimeout("x"),
    "settimeout huge": _timeout_huge,
    "settimeout nan": lambda s: s.settimeout(float("nan")),
    "settimeout": lambda s: (s.settimeout(1.5), s.gettimeout(), s.timeout, s.getblocking()),
    "setblocking": lambda s: (s.setblocking(False), s.gettimeout(), s.getblocking(), s.setblocking(True), s.timeout),
    "setblocking str": lambda s: s.setblocking("x"),
    "listen str": lambda s: s.listen("x"),
    "sendmsg bytes": lambda s: s.sendmsg(b"x"),
    "sendmsg of ints": lambda s: s.sendmsg([1]),
    "sendmsg int": lambda s: s.sendmsg(1),
    "sendmsg items int": lambda s: s.sendmsg([b"x"], 1),
    "sendmsg item int": lambda s: s.sendmsg([b"x"], [1]),
    "sendmsg item pair": lambda s: s.sendmsg([b"x"], [(1, 2)]),
    "recvmsg negative": lambda s: s.recvmsg(-1),
    "recvmsg negative room": lambda s: s.recvmsg(1, -1),
    "recvmsg_into int": lambda s: s.recvmsg_into(1),
    "recvmsg_into bytes": lambda s: s.recvmsg_into([b"x"]),
    "shutdown str": lambda s: s.shutdown("x"),
    "shutdown unconnected": lambda s: s.shutdown(2),
    "getpeername unconnected": lambda s: s.getpeername(),
    "accept unbound": lambda s: s._accept(),
    "closed": lambda s: (s.close(), s.fileno(), s.close(), s.recv(1)),
    "detached": _detached,
    "read-only": lambda s: setattr(s, "family", 1),
}


@pytest.mark.parametrize("case", TCP.values(), ids=TCP)
def test_methods(made: ModuleType, case: Callable[[Any], object]) -> None:
    ours, theirs = made.socket(), c_module.socket()
    try:
        mine, wanted = outcome(lambda: case(ours)), outcome(lambda: case(theirs))
        if isinstance(mine, tuple) and mine[0] == "AttributeError":
            mine = wanted = (mine[0], wanted[0] if isinstance(wanted, tuple) else wanted)
            assert mine[0] == mine[1]
        assert mine == wanted
    finally:
        ours.close()
        theirs.close()


UNIX: dict[str, Callable[[Any], object]] = {
    "bind int": lambda s: s.bind(1),
    "bind pair": lambda s: s.bind(("a", 1)),
    "bind long": lambda s: s.bind("x" * 200),
    "connect nowhere": lambda s: s.connect("/nosuch/socket"),
    "abstract": lambda s: (s.bind(b"\0ioviz-test-abstract"), s.getsockname(), s.close()),
    "unnamed": lambda s: s.getsockname(),
}


@pytest.mark.parametrize("case", UNIX.values(), ids=UNIX)
def test_unix_addresses(made: ModuleType, case: Callable[[Any], object]) -> None:
    results = []
    for module in (made, c_module):
        sock = module.socket(1, 1)
        results.append(outcome(lambda sock=sock: case(sock)))  # type: ignore[misc]
        sock.close()
    assert results[0] == results[1]


@pytest.fixture
def pair(made: ModuleType) -> Iterator[tuple[Any, Any]]:
    first, second = made.socketpair()
    yield first, second
    first.close()
    second.close()


def test_data_goes_through(pair: tuple[Any, Any]) -> None:
    a, b = pair
    assert a.send(HELLO) == 5
    assert b.recv(3) == b"hel"
    assert b.recv(10, 2) == b"lo"
    buffer = bytearray(8)
    assert b.recv_into(buffer, 1) == 1
    assert b.recv_into(memoryview(buffer)[4:]) == 1
    assert bytes(buffer) == b"l\0\0\0o\0\0\0"
    assert a.sendall(bytearray(HELLO)) is None
    assert b.recvfrom(2) == (b"he", None)
    assert b.recvfrom_into(buffer) == (3, None)
    assert a.sendmsg([b"ab", memoryview(b"cd")]) == 4
    assert b.recvmsg_into([buffer[:0], memoryview(buffer)[:1], memoryview(buffer)[4:6]])[0] == 3
    assert bytes(buffer[:1] + buffer[4:6]) == b"abc"
    assert b.recvmsg(10)[0] == b"d"
    a.shutdown(1)
    assert b.recv(1) == b""


def test_usual_calls_are_one_system_call(pair: tuple[Any, Any], made: ModuleType) -> None:
    a, b = pair
    calls = a.port_.guest.kernel.calls
    calls.clear()
    a.send(HELLO)
    b.recv(10)
    a.sendall(HELLO)
    b.recv_into(bytearray(9))
    assert [nr for nr, *_ in calls] == [SYS.sendto, SYS.recvfrom, SYS.sendto, SYS.recvfrom]


def test_timeout_waits_by_poll(pair: tuple[Any, Any]) -> None:
    a, b = pair
    b.settimeout(0.001)
    calls = a.port_.guest.kernel.calls
    calls.clear()
    with pytest.raises(TimeoutError, match=r"^timed out$"):
        b.recv(1)
    assert [nr for nr, *_ in calls] == [SYS.poll]
    a.send(HELLO)
    calls.clear()
    assert b.recv(9) == HELLO
    assert [nr for nr, *_ in calls] == [SYS.poll, SYS.recvfrom]


def test_not_blocking(pair: tuple[Any, Any]) -> None:
    _, b = pair
    b.setblocking(False)
    with pytest.raises(BlockingIOError) as caught:
        b.recv(1)
    assert caught.value.errno == EAGAIN
    assert caught.value.strerror == "Resource temporarily unavailable"


def test_accepted(made: ModuleType) -> None:
    server = made.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    client = made.socket()
    client.settimeout(5)
    client.connect(server.getsockname())
    fd, address = server._accept()
    assert address == client.getsockname()
    accepted = made.socket(fileno=fd)
    assert (accepted.family, accepted.type, accepted.proto) == (2, 1, 6)
    for sock in (accepted, client, server):
        sock.close()


class Interrupting(RealKernel):
    """Every other call of `nr` is interrupted by a signal."""

    def __init__(self, nr: int) -> None:
        super().__init__()
        self.nr = nr
        self.interrupted = False

    def syscall(self, nr: int, *args: Any) -> Any:
        if nr == self.nr:
            self.interrupted = not self.interrupted
            if self.interrupted:
                return -EINTR
        return super().syscall(nr, *args)


@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("nr", [SYS.recvfrom, SYS.sendto, SYS.poll])
def test_interrupted_calls_are_made_again(nr: int, timeout: float | None) -> None:
    guest = FakeGuest(Interrupting(nr))
    a, b = shim.build(guest).socketpair()  # type: ignore[arg-type]
    a.settimeout(timeout)
    b.settimeout(timeout)
    a.send(HELLO)
    a.sendall(HELLO)
    assert b.recv(20) == HELLO * 2
    if timeout is not None or nr != SYS.poll:
        assert guest.signals_checked
    a.close()
    b.close()


def test_hash_is_the_order_of_making(made: ModuleType) -> None:
    socks = [made.socket() for _ in range(3)]
    assert [hash(sock) for sock in socks] == [1, 2, 3]
    assert len({*socks, socks[0]}) == 3
    for sock in socks:
        sock.close()


def test_lost_socket_is_closed(made: ModuleType) -> None:
    sock = made.socket()
    fd, guest = sock.fileno(), sock.port_.guest
    del sock
    assert guest.kernel.calls[-1] == (SYS.close, fd)
    assert guest.warnings == []
    guest.modules["warnings"] = made
    sock = made.socket()
    text = f"unclosed {sock!r}"
    del sock
    assert guest.warnings == [(text, ResourceWarning, __file__)]


def test_lost_socket_of_another_process_is_closed_later(made: ModuleType) -> None:
    sock = made.socket()
    fd, kernel = sock.fileno(), sock.port_.guest.kernel
    kernel.pid = 2
    del sock
    assert (SYS.close, fd) not in kernel.calls
    kernel.pid = 1
    made.socket().close()
    assert (SYS.close, fd) in kernel.calls
