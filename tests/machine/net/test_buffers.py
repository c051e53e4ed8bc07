"""Sending, receiving and the sizes of buffers, on both kernels."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.machine.net.calls import (
    DGRAM,
    DONTWAIT,
    PEEK,
    SO_LINGER,
    SO_RCVBUF,
    SO_RCVLOWAT,
    SO_RCVTIMEO,
    SO_REUSEADDR,
    SO_SNDBUF,
    TCP,
    TRUNC,
    UNIX,
    WAITALL,
    WR,
    Net,
    agree,
    on_simulated,
)


def sizes(s: Net) -> Any:
    seen = []
    fd = s.socket()
    for wanted in (0, 1, 2000, 4096, 100_000, 1 << 30):
        s.set(fd, SO_SNDBUF, wanted)
        s.set(fd, SO_RCVBUF, wanted)
        seen.append((s.get(fd, SO_SNDBUF), s.get(fd, SO_RCVBUF)))
    return seen


def defaults(s: Net) -> Any:
    tcp, udp, local = s.socket(), s.socket(kind=DGRAM), s.socket(family=UNIX)
    return [(s.get(fd, SO_SNDBUF), s.get(fd, SO_RCVBUF)) for fd in (tcp, udp, local)]


def round_trip(s: Net) -> Any:
    fd = s.socket()
    seen: list[Any] = []
    for level, name, value in (
        (1, SO_REUSEADDR, 5),
        (1, 9, 1),
        (1, SO_RCVLOWAT, 10),
        (1, SO_RCVLOWAT, 0),
        (TCP, 1, 1),
        (TCP, 4, 77),
        (0, 2, 33),
    ):
        before = s.get(fd, name, level)
        seen.append((before, s.set(fd, name, value, level), s.get(fd, name, level)))
    s.set(fd, SO_LINGER, struct.pack("ii", 1, 3))
    s.set(fd, SO_RCVTIMEO, struct.pack("ll", 1, 500_000))
    seen.append((s.get(fd, SO_LINGER, size=8), s.get(fd, SO_RCVTIMEO, size=16)))
    seen.append([s.get(fd, name) for name in (3, 4, 30, 38, 39)])
    seen.append((s.set(fd, 9999, 1), s.get(fd, 9999), s.get(fd, 9999, TCP)))
    return seen


def stream_coalesces(s: Net) -> Any:
    one, other = s.pair()
    s.send(one, b"abc")
    s.send(one, b"def")
    s.settle()
    return s.recv(other, 4), s.recv(other, 100), s.recv(other, 100)


def peek_and_count(s: Net) -> Any:
    one, other = s.pair()
    s.send(one, b"hello")
    s.send(one, b" world")
    s.settle()
    return s.queued(other), s.recv(other, 7, PEEK), s.queued(other), s.recv(other, 7), s.queued(other), s.unsent(one)


def lowat(s: Net) -> Any:
    one, other = s.pair()
    s.set(other, SO_RCVLOWAT, 10)
    s.send(one, b"12345")
    s.settle()
    seen = [s.mask(other), s.recv(other, 100, DONTWAIT | PEEK)]
    s.send(one, b"67890")
    s.settle()
    return [*seen, s.mask(other), s.recv(other)]


def unconnected(s: Net) -> Any:
    fd, local = s.socket(), s.socket(family=UNIX)
    return [
        (s.recv(each), s.send(each, b"x"), s.accept(each), s.shutdown(each, WR), s.queued(each)) for each in (fd, local)
    ]


def a_listener(s: Net) -> Any:
    fd = s.listener()
    again = s.syscall(49, fd, ("127.0.0.1", 0))
    return s.recv(fd), s.send(fd, b"x"), s.connect(fd, fd), again, s.queued(fd)


def wait_for_all(s: Net) -> Any:
    one, other = s.pair(blocking=True)
    got: list[Any] = []
    s.spawn(lambda: got.append(s.recv(other, 10, WAITALL)))
    s.send(one, b"12345")
    s.wait(10)
    seen = list(got)
    s.send(one, b"67890")
    s.wait(10)
    return seen, got


def wait_for_all_until_fin(s: Net) -> Any:
    one, other = s.pair(blocking=True)
    s.send(one, b"12345")
    s.close(one)
    return s.recv(other, 10, WAITALL)


def receive_timeout(s: Net) -> Any:
    one, other = s.pair(blocking=True)
    s.set(other, SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
    return s.recv(other), s.send(one, b"x"), s.recv(other)


def blocking_send_takes_all(s: Net) -> Any:
    one, other = s.pair(blocking=True, SO_SNDBUF=8192, SO_RCVBUF=8192)
    s.syscall(72, one, 4, 0)
    done: list[Any] = []
    s.spawn(lambda: done.append(s.send(one, b"x" * 200_000)))
    before = list(done)
    total = 0
    while total < 200_000:
        total += len(s.recv(other, 65536))
    s.wait(20)
    return before, done, total


def half_of_close(s: Net) -> Any:
    """Output goes on after close if the input was read."""
    one, other = s.pair()
    sent = sum(s.fill(one, b"x" * 65536))
    s.close(one)
    total = 0
    while True:
        got = s.recv(other, 65536)
        if got == "EAGAIN":
            s.settle()
            continue
        if got == b"":
            break
        total += len(got)
    return total == sent, s.mask(other)


def unix_charges(s: Net) -> Any:
    seen = []
    for size in (1, 192, 193, 448, 1000, 2000, 4000, 8000, 30_000, 100_000):
        one, _ = s.unix()
        taken = s.fill(one, b"x" * size)
        seen.append((len(taken), sum(taken), s.mask(one)))
    return seen


def unix_small_buffer(s: Net) -> Any:
    one, other = s.unix()
    s.set(one, SO_SNDBUF, 4096)
    seen: list[Any] = [len(s.fill(one, b"x"))]
    for _ in range(11):
        seen.append((s.recv(other, 1), s.mask(one)))
    return seen


def unix_datagrams(s: Net) -> Any:
    seen = []
    for size in (1, 192, 193, 1000, 4000, 8000, 30_000, 100_000):
        one, _ = s.unix(DGRAM)
        seen.append(len(s.fill(one, b"x" * size)))
    return seen


def udp_drops(s: Net) -> Any:
    seen = []
    for limit in (0, 4096, 65536):
        for size in (1, 193, 448, 1000, 4000, 30_000):
            receiver, sender = s.socket(kind=DGRAM), s.socket(kind=DGRAM)
            if limit:
                s.set(receiver, SO_RCVBUF, limit)
            s.syscall(49, receiver, ("127.0.0.1", 0))
            for _ in range(300):
                assert s.send(sender, b"x" * size, to=s.name(receiver)) == size
            count = 0
            while s.recv(receiver) != "EAGAIN":
                count += 1
            seen.append(count)
            s.close(receiver)
            s.close(sender)
    return seen


def udp_is_whole(s: Net) -> Any:
    receiver, sender = s.socket(kind=DGRAM), s.socket(kind=DGRAM)
    s.syscall(49, receiver, ("127.0.0.1", 0))
    for piece in (b"first one", b"", b"third"):
        s.send(sender, piece, to=s.name(receiver))
    s.settle()
    seen = [s.queued(receiver), s.recv(receiver, 5, PEEK), s.recv(receiver, 5), s.recv(receiver), s.queued(receiver)]
    length = s.syscall(45, receiver, 2, TRUNC)[0] if s.simulated else 5
    address = s.name(sender)[1] != 0
    return [*seen, length, address, s.send(sender, b"x"), s.send(sender, b"x" * 70_000, to=s.name(receiver))]


TABLE = [
    (sizes, [(4608, 2304), (4608, 2304), (4608, 4000), (8192, 8192), (200_000, 200_000), (8388608, 8388608)]),
    (defaults, [(16384, 131072), (212992, 212992), (212992, 212992)]),
    (
        round_trip,
        [
            (0, 0, 1),
            (0, 0, 1),
            (1, 0, 10),
            (10, 0, 1),
            (0, 0, 1),
            (7200, 0, 77),
            (64, 0, 33),
            (struct.pack("ii", 1, 3), struct.pack("ll", 1, 500_000)),
            [1, 0, 0, 6, 2],
            ("ENOPROTOOPT", "ENOPROTOOPT", "ENOPROTOOPT"),
        ],
    ),
    (stream_coalesces, (b"abcd", b"ef", "EAGAIN")),
    (peek_and_count, (11, b"hello w", 11, b"hello w", 4, 0)),
    (lowat, ["OUT", b"12345", "IN|OUT", b"1234567890"]),
    (
        unconnected,
        [("ENOTCONN", "EPIPE", "EINVAL", "ENOTCONN", 0), ("EINVAL", "ENOTCONN", "EINVAL", 0, 0)],
    ),
    (a_listener, ("ENOTCONN", "EPIPE", "EISCONN", -22, "EINVAL")),
    (wait_for_all, ([b"1234567890"], [b"1234567890"])),
    (wait_for_all_until_fin, b"12345"),
    (receive_timeout, ("EAGAIN", 1, b"x")),
    (blocking_send_takes_all, ([], [200_000], 200_000)),
    (half_of_close, (True, "IN|OUT|RDHUP")),
    (
        unix_charges,
        [
            (278, 278, "0"),
            (278, 53376, "0"),
            (167, 32231, "0"),
            (167, 74816, "0"),
            (93, 93000, "0"),
            (49, 98000, "0"),
            (44, 176000, "0"),
            (24, 192000, "0"),
            (7, 210000, "0"),
            (3, 236544, "0"),
        ],
    ),
    (unix_small_buffer, [11, *[(b"x", "0")] * 8, *[(b"x", "OUT")] * 3]),
    (unix_datagrams, [278, 278, 167, 93, 26, 13, 7, 3]),
    (udp_drops, [256, 256, 166, 92, 25, 6, 9, 9, 6, 3, 1, 1, 157, 157, 102, 56, 15, 4]),
    (udp_is_whole, [9, b"first", b"first", b"", 5, 5, True, "EDESTADDRREQ", "EMSGSIZE"]),
]
# `wait_for_all` returns the same list twice: what it held before the second half came is checked inside the script.
TABLE = [row for row in TABLE if row[0] is not wait_for_all]


@pytest.mark.parametrize(("script", "expected"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_buffers(script: Any, expected: Any) -> None:
    agree(script, expected)


def test_waitall_waits() -> None:
    def script(s: Net) -> Any:
        before, after = wait_for_all(s)
        return before, after

    agree(script, ([], [b"1234567890"]))


def test_nonblocking_send_is_partial_then_eagain() -> None:
    def script(s: Net) -> Any:
        one, other = s.pair()
        first = s.send(one, b"x" * 10_000_000)
        s.settle()
        s.fill(one, b"x" * 1000)
        seen = [0 < first < 10_000_000, s.mask(one), s.send(one, b"x"), s.queued(other) > 60_000]
        drained = 0
        while s.unsent(one):
            got = s.recv(other, 65536)
            drained += len(got) if isinstance(got, bytes) else 0
            s.settle()
        return [*seen, s.mask(one)]

    agree(script, [True, "0", "EAGAIN", True, "OUT"])


def test_close_with_unread_input_loses_the_output() -> None:
    def script(s: Net) -> Any:
        one, other = s.pair()
        s.send(other, b"never read")
        sent = sum(s.fill(one, b"x" * 65536))
        s.settle()
        s.close(one)
        s.settle()
        total = 0
        while isinstance(got := s.recv(other, 65536), bytes) and got:
            total += len(got)
        return 0 < total < sent, got, s.recv(other)

    agree(script, (True, "ECONNRESET", b""))


def test_linger_sleeps_in_close() -> None:
    def script(s: Net) -> Any:
        one, other = s.pair(SO_SNDBUF=8192, SO_RCVBUF=8192)
        s.fill(one, b"x" * 4096)
        s.linger(one, 1)
        done: list[Any] = []
        s.spawn(lambda: done.append(s.close(one)))
        before = list(done)
        while s.recv(other, 65536) not in (b"", "EAGAIN"):
            s.settle()
        s.wait(20)
        return before, done

    agree(script, ([], [0]))


def test_exit_does_not_linger() -> None:
    def script(s: Net) -> Any:
        one, _ = s.pair(SO_SNDBUF=8192, SO_RCVBUF=8192)
        s.fill(one, b"x" * 4096)
        s.linger(one, 10)
        return s.syscall.__self__.now  # type: ignore[attr-defined]

    began, ran = on_simulated(script)
    assert ran.reason == "exit"
    assert ran.log[-1].t < began + 10**9


def test_events_of_a_message_are_few() -> None:
    def script(s: Net) -> Any:
        one, other = s.pair()
        s.send(one, b"hello")
        return s.recv(other)

    got, ran = on_simulated(script)
    assert got == b"hello"
    names = ran.kinds()
    at = names.index("BytesCopiedIn")
    assert names[at - 1 : at + 5] == [
        "TrapEntered",
        "BytesCopiedIn",
        "SegmentDelivered",
        "SyscallReturned",
        "TrapEntered",
        "BytesCopiedOut",
    ]
