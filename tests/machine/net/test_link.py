"""TCP and UDP between two hosts: the way of a packet, losses, windows, and how connections end."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.machine.kernel.config import Config
from ioviz.model.buffer import BytesCopiedIn
from ioviz.model.event import Event
from ioviz.model.nic import PacketDropped
from ioviz.model.socket import RstReceived
from ioviz.model.task import TaskWoken
from ioviz.model.tcp import RetransmitStarted, SegmentReceived
from tests.machine.net.calls import DGRAM, RDWR, SO_RCVBUF, WR, Net
from tests.machine.net.hosts import SERVER, accept_blocking, receive_all, run_hosts, serve


def _bytes(n: int) -> bytes:
    return random.Random(n).randbytes(n)


def _receiver(pause: int = 0, rcvbuf: int = 0, size: int = 65536) -> Any:
    def body(s: Net) -> bytes:
        server = serve(s)
        if rcvbuf:
            s.set(server, SO_RCVBUF, rcvbuf)
        fd = accept_blocking(s, server)
        if pause:
            s.wait(pause)
        data = receive_all(s, fd, size)
        s.syscall(3, fd)
        return data

    return body


def _sender(data: bytes, sndbuf: int = 0) -> Any:
    def body(s: Net) -> Any:
        fd = s.socket(blocking=True)
        if sndbuf:
            s.set(fd, 7, sndbuf)
        assert s.connect(fd, SERVER) == 0
        sent = s.send(fd, data)
        s.close(fd)
        return sent

    return body


def _chain(log: list[Event], event: Event) -> list[str]:
    """The kinds of events that led to `event`, nearest first."""
    names = []
    while event.cause >= 0:
        event = log[event.cause]
        names.append(type(event).__name__)
    return names


def test_the_way_of_a_packet() -> None:
    """Why does recv return? The chain of causes leads over softirq, interrupt and wire to the sender's system call."""
    got, sent, ran = run_hosts(_receiver(), _sender(b"hello"))
    assert (got, sent) == (b"hello", 5)
    received = next(event for event in ran.log if type(event) is SegmentReceived)
    woken = next(event for event in ran.log if type(event) is TaskWoken and event.seq > received.seq)
    assert _chain(ran.log, woken)[:13] == [
        "SegmentReceived",
        "DescriptorsTaken",
        "SoftirqEntered",
        "SoftirqRaised",
        "NapiScheduled",
        "IrqEntered",
        "IrqRaised",
        "DmaWritten",
        "PacketSent",
        "PacketQueued",
        "SegmentSent",
        "BytesCopiedIn",
        "TrapEntered",
    ]


def test_interrupt_returns_after_its_softirq() -> None:
    _, _, ran = run_hosts(_receiver(), _sender(b"hello"))
    names = ran.kinds()
    at = names.index("DmaWritten")
    kept = [
        name
        for name in names[at : names.index("IrqReturned", at) + 1]
        if name.startswith(("Irq", "Softirq", "Napi", "Desc", "Dma"))
    ]
    assert kept == [
        "DmaWritten",
        "IrqRaised",
        "IrqEntered",
        "NapiScheduled",
        "SoftirqRaised",
        "SoftirqEntered",
        "DescriptorsTaken",
        "NapiCompleted",
        "SoftirqRan",
        "IrqReturned",
    ]


@pytest.mark.parametrize("size", [1, 1460, 1461, 100_000, 400_000])
def test_every_byte_arrives(size: int) -> None:
    data = _bytes(size)
    got, sent, ran = run_hosts(_receiver(), _sender(data))
    assert sent == size
    assert got == data
    assert ran.reason == "exit"
    assert not ran.kernel.world.packets


def test_a_small_ring_loses_packets_and_tcp_mends_it() -> None:
    data = _bytes(200_000)
    got, _, ran = run_hosts(_receiver(), _sender(data), Config(nic_ring=2))
    assert got == data
    assert any(type(event) is PacketDropped for event in ran.log)
    assert any(type(event) is RetransmitStarted for event in ran.log)


def test_a_slow_reader_stops_the_sender() -> None:
    """Windows: both buffers fill, the sender sleeps, nothing is lost."""
    data = _bytes(150_000)
    got, sent, ran = run_hosts(_receiver(300, rcvbuf=8192, size=3000), _sender(data, sndbuf=8192))
    assert sent == len(data)
    assert got == data
    asleep = [event for event in ran.log if type(event).__name__ == "TaskSlept" and event.task == 102]
    assert any(getattr(event, "wchan", "") == "sk_stream_wait_memory" for event in asleep)
    assert max(_held(ran.log)) <= 8192


def _held(log: list[Event]) -> list[int]:
    held, most = 0, []
    for event in log:
        if type(event) is SegmentReceived:
            held += len(event.data)
        elif type(event).__name__ == "BytesCopiedOut" and event.cpu == 1:
            held -= event.n  # type: ignore[attr-defined]
        most.append(held)
    return most


def test_nobody_listens() -> None:
    def client(s: Net) -> Any:
        blocking = s.connect(s.socket(blocking=True), SERVER)
        fd = s.socket()
        seen = [blocking, s.connect(fd, SERVER), s.mask(fd)]
        s.wait(5)
        return [*seen, s.mask(fd), s.error(fd)]

    _, seen, _ = run_hosts(lambda s: s.wait(50), client)
    assert seen == ["ECONNREFUSED", "EINPROGRESS", "0", "IN|OUT|ERR|HUP|RDHUP", "ECONNREFUSED"]


def test_nonblocking_connect_takes_a_round_trip() -> None:
    def server(s: Net) -> None:
        accept_blocking(s, serve(s))

    def client(s: Net) -> Any:
        fd = s.socket()
        seen = [s.connect(fd, SERVER), s.connect(fd, SERVER), s.mask(fd), s.send(fd, b"x")]
        s.wait(2)
        return [*seen, s.mask(fd), s.connect(fd, SERVER), s.connect(fd, SERVER)]

    _, seen, _ = run_hosts(server, client)
    assert seen == ["EINPROGRESS", "EALREADY", "0", "EAGAIN", "OUT", 0, "EISCONN"]


def test_no_route() -> None:
    def client(s: Net) -> Any:
        return s.connect(s.socket(), ("192.0.2.1", 80)), s.connect(s.socket(), ("10.0.0.77", 80))

    _, seen, _ = run_hosts(lambda s: s.wait(5), client)
    assert seen == ("ENETUNREACH", "EHOSTUNREACH")


def test_masks_over_the_link() -> None:
    def server(s: Net) -> Any:
        listener = serve(s)
        fd = accept_blocking(s, listener)
        seen = [s.mask(fd)]
        s.wait(5)
        seen += [s.mask(fd), s.recv(fd), s.mask(fd)]
        s.wait(20)
        seen += [s.mask(fd), s.recv(fd), s.send(fd, b"answer")]
        s.wait(20)
        return [*seen, s.mask(fd), s.send(fd, b"x")]

    def client(s: Net) -> Any:
        fd = s.socket(blocking=True)
        s.connect(fd, SERVER)
        s.wait(1)
        s.send(fd, b"hello")
        s.wait(10)
        s.shutdown(fd, WR)
        s.wait(20)
        seen = [s.mask(fd), s.recv(fd)]
        s.shutdown(fd, RDWR)
        s.wait(1)
        s.close(fd)
        return seen

    one, other, _ = run_hosts(server, client)
    assert one == ["OUT", "IN|OUT", b"hello", "OUT", "IN|OUT|RDHUP", b"", 6, "IN|OUT|RDHUP", 1]
    assert other == ["IN|OUT", b"answer"]


def test_data_after_close_is_answered_with_a_reset() -> None:
    def server(s: Net) -> Any:
        listener = serve(s)
        s.close(accept_blocking(s, listener))

    def client(s: Net) -> Any:
        fd = s.socket(blocking=True)
        s.connect(fd, SERVER)
        s.wait(5)
        seen = [s.mask(fd), s.send(fd, b"x")]
        s.wait(5)
        return [*seen, s.mask(fd), s.recv(fd), s.send(fd, b"x")]

    _, seen, ran = run_hosts(server, client)
    assert seen == ["IN|OUT|RDHUP", 1, "IN|OUT|ERR|HUP|RDHUP", b"", "EPIPE"]
    assert any(type(event) is RstReceived for event in ran.log)


def test_close_with_unread_data_resets() -> None:
    def server(s: Net) -> Any:
        listener = serve(s)
        fd = accept_blocking(s, listener)
        s.wait(5)
        s.close(fd)

    def client(s: Net) -> Any:
        fd = s.socket(blocking=True)
        s.connect(fd, SERVER)
        s.send(fd, b"never read")
        s.wait(10)
        return s.recv(fd), s.recv(fd)

    _, seen, _ = run_hosts(server, client)
    assert seen == ("ECONNRESET", b"")


def test_a_full_accept_queue_delays_over_the_link() -> None:
    def server(s: Net) -> Any:
        fd = serve(s)
        s.syscall(50, fd, 0)
        s.wait(500)
        return [s.syscall(288, fd, 0)[1][0] for _ in range(2)]

    def client(s: Net) -> Any:
        first, second = s.socket(), s.socket()
        s.connect(first, SERVER)
        s.wait(5)
        s.connect(second, SERVER)
        s.wait(5)
        seen = [s.mask(first), s.mask(second)]
        s.wait(1200)
        return [*seen, s.mask(second)]

    got, seen, _ = run_hosts(server, client)
    assert seen == ["OUT", "0", "OUT"]
    assert got == ["10.0.0.2", "10.0.0.2"]


def test_udp_over_the_link() -> None:
    def server(s: Net) -> Any:
        fd = s.socket(kind=DGRAM, blocking=True)
        s.syscall(49, fd, SERVER)
        data, sender = s.syscall(45, fd, 100, 0)[1]
        s.send(fd, data.upper(), to=sender)
        s.close(fd)
        s.wait(10)
        return sender[0]

    def client(s: Net) -> Any:
        fd = s.socket(kind=DGRAM, blocking=True)
        s.connect(fd, SERVER)
        s.send(fd, b"datagram")
        seen = [s.recv(fd)]
        s.send(fd, b"too late")
        s.wait(5)
        return [*seen, s.recv(fd)]

    got, seen, _ = run_hosts(server, client)
    assert got == "10.0.0.2"
    assert seen == [b"DATAGRAM", "ECONNREFUSED"]


def test_small_segments_wait_for_the_acknowledgement() -> None:
    """Nagle: of many one-byte sends the first travels alone, the others together; TCP_NODELAY sends each."""

    def client(nodelay: int) -> Any:
        def body(s: Net) -> None:
            fd = s.socket(blocking=True)
            s.connect(fd, SERVER)
            s.set(fd, 1, nodelay, 6)
            for _ in range(10):
                s.send(fd, b"x")
            s.close(fd)

        return body

    counts = []
    for nodelay in (0, 1):
        got, _, ran = run_hosts(_receiver(), client(nodelay), Config(nic_ring=64))
        assert got == b"x" * 10
        counts.append(sum(type(event) is SegmentReceived for event in ran.log))
    assert counts[0] <= 3
    assert counts[1] == 10


@given(
    size=st.integers(1, 120_000),
    ring=st.integers(2, 6),
    sndbuf=st.sampled_from([0, 4608, 30_000]),
    rcvbuf=st.sampled_from([0, 2304, 16_384]),
    reads=st.sampled_from([100_000, 1000, 7777]),
    pause=st.sampled_from([0, 1, 400]),
)
def test_the_stream_is_what_was_sent(size: int, ring: int, sndbuf: int, rcvbuf: int, reads: int, pause: int) -> None:
    data = _bytes(size)
    got, sent, ran = run_hosts(_receiver(pause, rcvbuf, reads), _sender(data, sndbuf), Config(nic_ring=ring))
    assert sent == size
    assert got == data
    copied = sum(len(event.data) for event in ran.log if type(event) is BytesCopiedIn)
    assert copied == size
