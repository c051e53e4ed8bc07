"""listen, connect, accept, ports and the end of connections, on both kernels."""

from __future__ import annotations

from typing import Any

import pytest

from ioviz.model.socket import FinSent, SocketOrphaned
from tests.machine.net.calls import (
    DGRAM,
    INET6,
    RD,
    RDWR,
    SO_ERROR,
    SO_REUSEADDR,
    SO_REUSEPORT,
    UNIX,
    WR,
    Net,
    agree,
    on_simulated,
    word,
)

BIND, LISTEN = 49, 50


def backlogs(s: Net) -> Any:
    """n means n + 1."""
    seen = []
    for backlog in range(4):
        server = s.listener(backlog)
        clients = [s.socket() for _ in range(7)]
        for client in clients:
            s.connect(client, server)
        s.settle()
        seen.append([s.mask(client) for client in clients].count("OUT"))
        for fd in (*clients, server):
            s.close(fd)
    return seen


def relisten(s: Net) -> Any:
    server = s.listener(0)
    place = s.name(server)
    seen = [word(s.syscall(LISTEN, server, 2))]
    clients = [s.socket() for _ in range(6)]
    for client in clients:
        s.connect(client, place)
    s.settle()
    return [*seen, [s.mask(client) for client in clients].count("OUT")]


def data_before_accept(s: Net) -> Any:
    server = s.listener()
    client = s.socket(blocking=True)
    seen = [s.connect(client, server), s.send(client, b"early")]
    s.close(client)
    s.settle()
    got = s.accept(server)
    return [*seen, s.recv(got), s.recv(got)]


def reset_before_accept(s: Net) -> Any:
    server = s.listener()
    client = s.socket(blocking=True)
    s.connect(client, server)
    s.reset(client)
    s.settle()
    seen = [s.mask(server)]
    got = s.accept(server)
    return [*seen, isinstance(got, int), s.recv(got), s.recv(got)]


def listener_closed(s: Net) -> Any:
    server = s.listener()
    client = s.socket(blocking=True)
    s.connect(client, server)
    s.close(server)
    s.settle()
    return s.mask(client), s.recv(client), s.recv(client)


def nonblocking_connect(s: Net) -> Any:
    server = s.listener()
    client = s.socket()
    seen = [s.connect(client, server)]
    s.settle()
    return [*seen, s.mask(client), s.get(client, SO_ERROR), *[s.connect(client, server) for _ in range(3)]]


def nonblocking_refused(s: Net) -> Any:
    server = s.listener()
    place = s.name(server)
    s.close(server)
    client = s.socket()
    seen = [s.connect(client, place)]
    s.settle()
    return [*seen, s.connect(client, place), s.mask(client), s.connect(client, place)]


def refused_then_accepted(s: Net) -> Any:
    server = s.listener()
    place = s.name(server)
    s.close(server)
    client = s.socket(blocking=True)
    seen = [s.connect(client, place)]
    server = s.listener()
    return [*seen, s.connect(client, server), s.connect(client, server)]


def time_wait(s: Net) -> Any:
    """The port of a connection that this end closed first stays taken, unless both sides said SO_REUSEADDR."""
    seen = []
    for before, after in ((0, 0), (1, 0), (0, 1), (1, 1)):
        server = s.listener(SO_REUSEADDR=before)
        place = s.name(server)
        client = s.socket(blocking=True)
        s.connect(client, place)
        got = s.accept(server)
        s.close(server)
        s.close(got)
        s.settle()
        s.close(client)
        s.settle()
        again = s.socket()
        s.set(again, SO_REUSEADDR, after)
        seen.append(word(s.syscall(BIND, again, place)))
    return seen


def live_connection_keeps_the_port(s: Net) -> Any:
    seen = []
    for before, after in ((0, 0), (1, 1)):
        server = s.listener(SO_REUSEADDR=before)
        place = s.name(server)
        client = s.socket(blocking=True)
        s.connect(client, place)
        s.accept(server)
        s.close(server)
        again = s.socket()
        s.set(again, SO_REUSEADDR, after)
        seen.append(word(s.syscall(BIND, again, place)))
    return seen


def ports_in_use(s: Net) -> Any:
    server = s.listener(SO_REUSEADDR=1)
    place = s.name(server)
    seen = []
    for kind, reuse, reuseport in ((1, 0, 0), (1, 1, 0), (1, 1, 1), (DGRAM, 0, 0)):
        fd = s.socket(kind=kind)
        s.set(fd, SO_REUSEADDR, reuse)
        s.set(fd, SO_REUSEPORT, reuseport)
        seen.append(word(s.syscall(BIND, fd, place)))
    wild = s.socket()
    seen.append(word(s.syscall(BIND, wild, ("0.0.0.0", place[1]))))
    elsewhere = s.socket()
    seen.append(word(s.syscall(BIND, elsewhere, ("127.0.0.2", place[1]))))
    return seen


def bound_but_not_listening(s: Net) -> Any:
    """Two sockets with SO_REUSEADDR may bind one port; the second to listen may not."""
    one, other = s.socket(), s.socket()
    for fd in (one, other):
        s.set(fd, SO_REUSEADDR, 1)
    seen = [word(s.syscall(BIND, one, ("127.0.0.1", 0)))]
    seen.append(word(s.syscall(BIND, other, s.name(one))))
    seen.append(word(s.syscall(LISTEN, one, 1)))
    return [*seen, word(s.syscall(LISTEN, other, 1))]


def shared_port(s: Net) -> Any:
    one = s.listener(64, SO_REUSEPORT=1)
    other = s.socket()
    s.set(other, SO_REUSEPORT, 1)
    seen = [word(s.syscall(BIND, other, s.name(one))), word(s.syscall(LISTEN, other, 64))]
    for _ in range(40):
        s.connect(s.socket(blocking=True), one)
    s.settle()
    counts = []
    for fd in (one, other):
        count = 0
        while isinstance(s.accept(fd), int):
            count += 1
        counts.append(count)
    return [*seen, sum(counts) >= 16, min(counts) > 0]


def names(s: Net) -> Any:
    fresh = s.socket()
    seen: list[Any] = [s.name(fresh), word(s.syscall(52, fresh))]
    server = s.listener()
    client = s.socket(blocking=True)
    s.connect(client, server)
    got = s.accept(server)
    seen.append(s.name(client) == s.syscall(52, got)[1])
    seen.append(s.syscall(52, client)[1] == s.name(server) == s.name(got))
    seen.append(s.name(client)[1] >= 32768)
    return seen


def ipv6(s: Net) -> Any:
    server = s.socket(family=INET6)
    seen = [word(s.syscall(BIND, server, ("::1", 0, 0, 0))), word(s.syscall(LISTEN, server, 1))]
    client = s.socket(family=INET6, blocking=True)
    seen.append(s.connect(client, server))
    got = s.accept(server)
    seen.append(s.send(client, b"six"))
    s.settle()
    return [*seen, s.recv(got), s.name(got)[0], len(s.name(client))]


def dual_stack(s: Net) -> Any:
    server = s.socket(family=INET6)
    s.set(server, 26, 0, 41)
    s.syscall(BIND, server, ("::", 0, 0, 0))
    s.syscall(LISTEN, server, 1)
    client = s.socket(blocking=True)
    seen = [s.connect(client, ("127.0.0.1", s.name(server)[1]))]
    got = s.accept(server)
    seen.append(s.syscall(52, got)[1][0])
    four = s.socket()
    seen.append(word(s.syscall(BIND, four, ("0.0.0.0", s.name(server)[1]))))
    only = s.socket(family=INET6)
    s.set(only, 26, 1, 41)
    s.syscall(BIND, only, ("::", 0, 0, 0))
    s.syscall(LISTEN, only, 1)
    beside = s.socket()
    seen.append(word(s.syscall(BIND, beside, ("0.0.0.0", s.name(only)[1]))))
    seen.append(s.connect(s.socket(blocking=True), ("127.0.0.1", s.name(only)[1])))
    return seen


def bad_calls(s: Net) -> Any:
    fd = s.socket()
    pipe = s.socket(kind=DGRAM)
    return [
        word(s.syscall(BIND, fd, ("192.0.2.1", 0))),
        word(s.syscall(LISTEN, pipe, 1)),
        s.accept(pipe),
        word(s.syscall(41, 99, 1, 0)),
        word(s.syscall(41, 2, 1, 17)),
        s.shutdown(fd, 7),
        s.connect(pipe, ("127.0.0.1", 9)),
        s.accept(9999),
    ]


def accept_wakes_on_shutdown(s: Net) -> Any:
    server = s.listener()
    s.syscall(72, server, 4, 0)
    got: list[Any] = []
    s.spawn(lambda: got.append(s.accept(server)))
    s.shutdown(server, RD)
    s.wait(10)
    return got


def recv_wakes_on_shutdown(s: Net) -> Any:
    one, other = s.pair(blocking=True)
    got: list[Any] = []
    s.spawn(lambda: got.append(s.recv(other)))
    s.shutdown(other, RDWR)
    s.wait(10)
    return got, s.recv(one, 5, 0x40)


def close_does_not_wake_recv(s: Net) -> Any:
    """A close while another thread sleeps in recv releases nothing: no FIN, and the data still arrives."""
    one, other = s.pair(blocking=True)
    got: list[Any] = []
    s.spawn(lambda: got.append(s.recv(other)))
    s.close(other)
    s.wait(10)
    seen = [list(got), s.recv(one, 5, 0x40)]
    s.send(one, b"late")
    s.wait(10)
    return [*seen, got, s.recv(one, 5, 0x40)]


def half_close(s: Net) -> Any:
    one, other = s.pair()
    s.send(one, b"question")
    s.shutdown(one, WR)
    s.settle()
    seen = [s.recv(other), s.recv(other), s.send(other, b"answer")]
    s.close(other)
    s.settle()
    return [*seen, s.recv(one), s.recv(one), s.mask(one)]


def unix_names(s: Net) -> Any:
    server = s.socket(family=UNIX)
    client = s.socket(family=UNIX)
    path = "\0ioviz-test"
    seen = [s.connect(client, path), word(s.syscall(BIND, server, path)), s.connect(client, path)]
    seen.append(word(s.syscall(LISTEN, server, 1)))
    seen += [s.connect(s.socket(family=UNIX), path) for _ in range(4)]
    again = s.socket(family=UNIX)
    seen.append(word(s.syscall(BIND, again, path)))
    got = s.accept(server)
    seen += [s.send(got, b"hi"), s.name(server), s.name(again)]
    s.close(server)
    seen.append(s.connect(client, path))
    return seen


TABLE = [
    (backlogs, [1, 2, 3, 4]),
    (relisten, [0, 3]),
    (data_before_accept, [0, 5, b"early", b""]),
    (reset_before_accept, ["IN", True, "ECONNRESET", b""]),
    (listener_closed, ("IN|OUT|ERR|HUP|RDHUP", "ECONNRESET", b"")),
    (nonblocking_connect, ["EINPROGRESS", "OUT", 0, 0, "EISCONN", "EISCONN"]),
    (nonblocking_refused, ["EINPROGRESS", "ECONNREFUSED", "OUT|HUP", "EINPROGRESS"]),
    (refused_then_accepted, ["ECONNREFUSED", 0, "EISCONN"]),
    (time_wait, ["EADDRINUSE", "EADDRINUSE", "EADDRINUSE", 0]),
    (live_connection_keeps_the_port, ["EADDRINUSE", 0]),
    (ports_in_use, ["EADDRINUSE", "EADDRINUSE", "EADDRINUSE", 0, "EADDRINUSE", 0]),
    (bound_but_not_listening, [0, 0, 0, "EADDRINUSE"]),
    (shared_port, [0, 0, True, True]),
    (names, [("0.0.0.0", 0), "ENOTCONN", True, True, True]),
    (ipv6, [0, 0, 0, 3, b"six", "::1", 4]),
    (dual_stack, [0, "::ffff:127.0.0.1", "EADDRINUSE", 0, "ECONNREFUSED"]),
    (
        bad_calls,
        ["EADDRNOTAVAIL", "ENOTSUP", "ENOTSUP", "EAFNOSUPPORT", "EPROTONOSUPPORT", "EINVAL", 0, "EBADF"],
    ),
    (accept_wakes_on_shutdown, ["EINVAL"]),
    (recv_wakes_on_shutdown, ([b""], b"")),
    (half_close, [b"question", b"", 6, b"answer", b"", "IN|OUT|HUP|RDHUP"]),
    (
        unix_names,
        [
            "ECONNREFUSED",
            0,
            "ECONNREFUSED",
            0,
            0,
            0,
            "EAGAIN",
            "EAGAIN",
            "EADDRINUSE",
            2,
            b"\0ioviz-test",
            "",
            "ECONNREFUSED",
        ],
    ),
]


@pytest.mark.parametrize(("script", "expected"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_connect(script: Any, expected: Any) -> None:
    agree(script, expected)


def test_close_while_another_thread_receives() -> None:
    # The calls of the real side go through a duplicate, which would itself keep the file: see KERNEL.md, A2 35.
    got, ran = on_simulated(close_does_not_wake_recv)
    assert got == [[], "EAGAIN", [b"late"], b""]
    kinds = [type(event) for event in ran.log]
    assert kinds.index(SocketOrphaned) < kinds.index(FinSent)


def test_syn_is_sent_again_after_one_and_three_seconds() -> None:
    def script(s: Net) -> Any:
        server = s.listener(0)
        s.connect(s.socket(blocking=True), server)
        late = s.socket()
        s.connect(late, server)
        seen = [s.mask(late)]
        s.wait(900)
        seen.append(s.mask(late))
        s.accept(server)
        s.wait(50)
        seen.append(s.mask(late))
        s.wait(300)
        return [*seen, s.mask(late)]

    agree(script, ["0", "0", "0", "OUT"])


def test_a_connect_that_nobody_answers_gives_up() -> None:
    def script(s: Net) -> Any:
        server = s.listener(0)
        s.connect(s.socket(blocking=True), server)
        return s.connect(s.socket(blocking=True), server), s.syscall(202, 1, 1, 1, None)

    got, ran = on_simulated(script)
    assert got[0] == "ETIMEDOUT"
    assert 127e9 <= ran.log[-1].t < 128e9


def test_ports_follow_from_the_seed() -> None:
    def script(s: Net) -> Any:
        return [s.name(s.listener()) for _ in range(3)]

    assert on_simulated(script)[0] == on_simulated(script)[0]


def test_many_ports() -> None:
    """More connections, one after the other, than there are ports: the oldest TIME-WAIT gives way."""

    def script(s: Net) -> Any:
        server = s.listener(64)
        place = s.name(server)
        for number in range(30_000):
            client = s.socket(blocking=True)
            if s.connect(client, place) != 0:
                return number
            got = s.syscall(288, server, 0)[0]
            s.syscall(3, client)
            s.syscall(3, got)
        return "all"

    assert on_simulated(script)[0] == "all"
