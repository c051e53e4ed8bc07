"""What poll says of sockets in every state: the table of tcp_poll and unix_poll, on both kernels."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machine.net.calls import DGRAM, RD, RDWR, UNIX, WR, Net, agree

GONE = "IN|OUT|ERR|HUP|RDHUP"


def fresh(s: Net) -> Any:
    return s.mask(s.socket()), s.mask(s.socket(family=UNIX)), s.mask(s.socket(kind=DGRAM))


def listening(s: Net) -> Any:
    server = s.listener()
    seen = [s.mask(server)]
    client = s.socket(blocking=True)
    s.connect(client, server)
    seen.append(s.mask(server))
    s.accept(server)
    seen.append(s.mask(server))
    s.shutdown(server, RD)
    return [*seen, s.mask(server), s.accept(server)]


def syn_sent(s: Net) -> Any:
    server = s.listener(backlog=0)
    s.connect(s.socket(blocking=True), server)
    client = s.socket()
    seen = [s.connect(client, server), s.mask(client), s.send(client, b"x"), s.recv(client), s.connect(client, server)]
    from tests.machine.net.calls import word

    return [*seen, word(s.syscall(52, client))]


def refused(s: Net) -> Any:
    server = s.listener()
    place = s.name(server)
    s.close(server)
    client = s.socket()
    seen = [s.connect(client, place)]
    s.settle()
    return [*seen, s.mask(client), s.error(client), s.error(client)]


def refused_blocking(s: Net) -> Any:
    server = s.listener()
    place = s.name(server)
    client = s.socket(blocking=True)
    s.close(server)
    return s.connect(client, place), s.mask(client), s.error(client)


def established(s: Net) -> Any:
    one, other = s.pair()
    return s.mask(one), s.mask(other)


def peer_shut_wr(s: Net) -> Any:
    one, other = s.pair()
    s.shutdown(other, WR)
    s.settle()
    return s.mask(one), s.recv(one), s.send(one, b"x"), s.mask(other)


def peer_closed(s: Net) -> Any:
    one, other = s.pair()
    s.close(other)
    s.settle()
    seen = [s.mask(one), s.recv(one), s.send(one, b"x")]
    s.settle()
    return [*seen, s.mask(one), s.recv(one), s.send(one, b"x"), s.mask(one)]


def both_shut(s: Net) -> Any:
    one, other = s.pair()
    s.shutdown(other, WR)
    s.shutdown(one, WR)
    s.settle()
    return s.mask(one), s.mask(other)


def own_shut_rdwr(s: Net) -> Any:
    one, other = s.pair()
    s.shutdown(one, RDWR)
    s.settle()
    return s.mask(one), s.mask(other), s.recv(other), s.send(one, b"x")


def own_shut_wr(s: Net) -> Any:
    one, other = s.pair()
    s.shutdown(one, WR)
    seen = [s.mask(one), s.send(one, b"x")]
    s.send(other, b"late")
    s.settle()
    return [*seen, s.mask(one), s.recv(one)]


def own_shut_rd(s: Net) -> Any:
    one, other = s.pair()
    s.shutdown(one, RD)
    seen = [s.mask(one), s.recv(one)]
    s.send(other, b"late")
    s.settle()
    return [*seen, s.mask(one), s.recv(one), s.recv(one), s.mask(other)]


def reset_with_data(s: Net) -> Any:
    one, other = s.pair()
    s.send(other, b"last words")
    s.settle()
    s.reset(other)
    s.settle()
    return s.mask(one), s.recv(one), s.recv(one), s.recv(one), s.send(one, b"x"), s.mask(one)


def reset_read_by_so_error(s: Net) -> Any:
    one, other = s.pair()
    s.reset(other)
    s.settle()
    return s.mask(one), s.error(one), s.mask(one), s.recv(one), s.send(one, b"x")


def closed_with_unread_data(s: Net) -> Any:
    one, other = s.pair()
    s.send(one, b"never read")
    s.send(other, b"lost?")
    s.settle()
    s.close(other)
    s.settle()
    return s.mask(one), s.recv(one), s.recv(one), s.recv(one)


def udp_to_closed_port(s: Net) -> Any:
    gone = s.socket(kind=DGRAM)
    s.syscall(49, gone, ("127.0.0.1", 0))
    one = s.socket(kind=DGRAM)
    s.connect(one, gone)
    s.close(gone)
    seen = [s.mask(one), s.send(one, b"x")]
    s.settle()
    return [*seen, s.mask(one), s.recv(one), s.mask(one), s.recv(one)]


def unix_established(s: Net) -> Any:
    one, other = s.unix()
    s.send(other, b"x")
    return s.mask(one), s.mask(other)


def unix_peer_closed(s: Net) -> Any:
    one, other = s.unix()
    s.send(other, b"last")
    s.close(other)
    return s.mask(one), s.recv(one), s.recv(one), s.send(one, b"x"), s.mask(one)


def unix_peer_left_data(s: Net) -> Any:
    one, other = s.unix()
    s.send(one, b"never read")
    s.close(other)
    return s.mask(one), s.recv(one), s.recv(one), s.mask(one)


def unix_shutdowns(s: Net) -> Any:
    one, other = s.unix()
    s.shutdown(other, WR)
    seen = [s.mask(one), s.mask(other), s.recv(one), s.send(one, b"x"), s.recv(other)]
    s.shutdown(one, WR)
    return [*seen, s.mask(one), s.mask(other)]


TABLE = [
    (fresh, ("OUT|HUP", "OUT|HUP", "OUT")),
    (listening, ["0", "IN", "0", "OUT|HUP", "EINVAL"]),
    (syn_sent, ["EINPROGRESS", "0", "EAGAIN", "EAGAIN", "EALREADY", "ENOTCONN"]),
    (refused, ["EINPROGRESS", GONE, "ECONNREFUSED", "0"]),
    (refused_blocking, ("ECONNREFUSED", "OUT|HUP", "0")),
    (established, ("OUT", "OUT")),
    (peer_shut_wr, ("IN|OUT|RDHUP", b"", 1, "IN|OUT")),
    (peer_closed, ["IN|OUT|RDHUP", b"", 1, GONE, b"", "EPIPE", "IN|OUT|HUP|RDHUP"]),
    (both_shut, ("IN|OUT|HUP|RDHUP", "IN|OUT|HUP|RDHUP")),
    (own_shut_rdwr, ("IN|OUT|HUP|RDHUP", "IN|OUT|RDHUP", b"", "EPIPE")),
    (own_shut_wr, ["OUT", "EPIPE", "IN|OUT", b"late"]),
    (own_shut_rd, ["IN|OUT|RDHUP", b"", "IN|OUT|RDHUP", b"late", b"", "OUT"]),
    (reset_with_data, (GONE, b"last words", "ECONNRESET", b"", "EPIPE", "IN|OUT|HUP|RDHUP")),
    (reset_read_by_so_error, (GONE, "ECONNRESET", "IN|OUT|HUP|RDHUP", b"", "EPIPE")),
    (closed_with_unread_data, (GONE, b"lost?", "ECONNRESET", b"")),
    (udp_to_closed_port, ["OUT", 1, "OUT|ERR", "ECONNREFUSED", "OUT", "EAGAIN"]),
    (unix_established, ("IN|OUT", "OUT")),
    (unix_peer_closed, ("IN|OUT|HUP|RDHUP", b"last", b"", "EPIPE", "IN|OUT|HUP|RDHUP")),
    (unix_peer_left_data, ("IN|OUT|ERR|HUP|RDHUP", "ECONNRESET", b"", "IN|OUT|HUP|RDHUP")),
    (unix_shutdowns, ["IN|OUT|RDHUP", "OUT", b"", 1, b"x", "IN|OUT|HUP|RDHUP", "IN|OUT|HUP|RDHUP"]),
]


@pytest.mark.parametrize(("script", "expected"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_mask(script: Any, expected: Any) -> None:
    agree(script, expected)
