"""Open files that travel over local sockets, on both kernels."""

from __future__ import annotations

from array import array
from typing import Any

from ioviz.model.syscalls import SYS
from tests.machine.net.calls import DGRAM, DONTWAIT, PEEK, Net, agree, on_simulated, word


def _pass(s: Net, fd: int, data: bytes, *fds: int) -> Any:
    items = ((1, 1, array("i", fds).tobytes()),)
    return word(s.syscall(SYS.sendmsg, fd, data, items, 0, None))


def _take(s: Net, fd: int, n: int = 100, room: int = 100, flags: int = 0) -> Any:
    """Data, how many descriptors came, and whether some were cut off; the descriptors are appended to `s.opened`."""
    got = s.syscall(SYS.recvmsg, fd, n, room, flags | DONTWAIT)
    if isinstance(got, int):
        return word(got)
    data, items, seen, _ = got[1]
    fds = array("i")
    for _, _, packed in items:
        fds.frombytes(packed[: len(packed) // 4 * 4])
    s.opened.extend(fds)
    return data, len(fds), bool(seen & 8)


def test_a_descriptor_arrives_and_works() -> None:
    def script(s: Net) -> Any:
        one, other = s.unix()
        passed, far = s.unix()
        seen = [_pass(s, one, b"take it", passed), s.close(passed), _take(s, other)]
        seen += [s.send(s.opened[-1], b"through"), s.recv(far)]
        s.close(s.opened[-1])
        return [*seen, s.recv(far)]

    agree(script, [7, 0, (b"take it", 1, False), 7, b"through", b""])


def test_nobody_takes_it() -> None:
    """A file whose message is thrown away is closed: its peer sees the end."""

    def script(s: Net) -> Any:
        one, other = s.unix()
        passed, far = s.unix()
        _pass(s, one, b"x", passed)
        s.close(passed)
        seen = [s.recv(far)]
        s.close(other)
        return [*seen, s.recv(far), s.send(one, b"x")]

    agree(script, ["EAGAIN", b"", "EPIPE"])


def test_plain_recv_throws_it_away() -> None:
    def script(s: Net) -> Any:
        one, other = s.unix()
        passed, far = s.unix()
        _pass(s, one, b"x", passed)
        s.close(passed)
        return s.recv(other), s.recv(far)

    agree(script, (b"x", b""))


def test_reading_stops_behind_it() -> None:
    def script(s: Net) -> Any:
        one, other = s.unix()
        s.send(one, b"before")
        _pass(s, one, b"with", one)
        s.send(one, b"after")
        return _take(s, other, 100), _take(s, other, 100), _take(s, other, 100)

    agree(script, ((b"beforewith", 1, False), (b"after", 0, False), "EAGAIN"))


def test_room_for_some() -> None:
    def script(s: Net) -> Any:
        one, other = s.unix(DGRAM)
        _pass(s, one, b"three", one, one, one)
        _pass(s, one, b"none", one)
        return _take(s, other, 100, 16 + 8), _take(s, other, 100, 0)

    agree(script, ((b"three", 2, True), (b"none", 0, True)))


def test_bad_items() -> None:
    def script(s: Net) -> Any:
        one, _ = s.unix()
        return _pass(s, one, b"x", 9999), word(s.syscall(SYS.sendmsg, one, b"x", ((1, 77, b"abcd"),), 0, None))

    agree(script, ("EBADF", "EINVAL"))


def test_peek_leaves_it() -> None:
    def script(s: Net) -> Any:
        one, other = s.unix()
        _pass(s, one, b"x", one)
        return _take(s, other, flags=PEEK), _take(s, other)

    got, ran = on_simulated(script)
    assert got == ((b"x", 1, False), (b"x", 1, False))
    assert not ran.kernel.world.rights
    agree(script, got)
