"""TCP between hosts: what a connection remembers of its sequence numbers, windows and timers (`tcp_sock`).

Only connections over the link have a row; on loopback a segment moves from buffer to buffer at once and nothing can be
lost. Sequence numbers are relative: the SYN is 0, the first byte is 1. The send buffer holds the bytes from `snd_una`
on. Invariant: `snd_una <= snd_nxt <= snd_max`; what lies between the latter two was sent before and will be sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.buffer import consume, push
from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World


class Tcp(msgspec.Struct, frozen=True, gc=False):
    """`snd_una`: first byte not acknowledged; `snd_nxt`: next to send; `snd_wnd`: the window that the peer offers,
    counted from `snd_una`; `rcv_nxt`: next byte expected; `rcv_adv`: the edge of the window that we have offered;
    `cwnd`: the congestion window in bytes; `dupacks`: acknowledgements without progress in a row; `backoff`:
    time-outs in a row."""

    id: int
    snd_una: int
    snd_nxt: int
    snd_wnd: int
    rcv_nxt: int
    rcv_adv: int
    cwnd: int
    dupacks: int = 0
    backoff: int = 0
    fin: int = 0
    """The sequence number of our FIN, once it has been sent (0: not yet)."""
    snd_max: int = 0
    """Everything before this was sent at least once."""


class TcpOpened(Event):
    """A connection over the link: first window offered, congestion window of `cwnd` bytes."""

    sock: int
    rcv_nxt: int
    window: int
    cwnd: int

    def apply(self, world: World) -> None:
        world.tcps[self.sock] = Tcp(self.sock, 0, 0, 0, self.rcv_nxt, self.rcv_nxt + self.window, self.cwnd)


class SegmentSent(Event):
    """TCP made a segment of `n` bytes from `number` on and gave it to the driver as `packet`; it offers the peer a
    window up to `edge`. `again`: it had been sent before (retransmission)."""

    sock: int
    packet: int
    flags: str
    number: int
    n: int
    edge: int
    again: bool

    def apply(self, world: World) -> None:
        row = world.tcps[self.sock]
        end = self.number + self.n + (1 if "S" in self.flags or "F" in self.flags else 0)
        most = end if end > row.snd_max else row.snd_max
        nxt = end if end > self.number else row.snd_nxt
        adv = self.edge if self.edge > row.rcv_adv else row.rcv_adv
        world.tcps[self.sock] = Tcp(
            row.id, row.snd_una, nxt, row.snd_wnd, row.rcv_nxt, adv, row.cwnd, row.dupacks, row.backoff,
            self.number + self.n if "F" in self.flags else row.fin, most,
        )  # fmt: skip


class SegmentReceived(Event):
    """From another host: TCP put the payload of a packet, in order, at the tail of the receive buffer of `sock`."""

    sock: int
    segment: int
    data: bytes
    truesize: int

    def apply(self, world: World) -> None:
        push(world, self.sock * 2, self.segment, self.data, self.truesize)
        row = world.tcps[self.sock]
        world.tcps[self.sock] = Tcp(
            row.id, row.snd_una, row.snd_nxt, row.snd_wnd, row.rcv_nxt + len(self.data), row.rcv_adv, row.cwnd,
            row.dupacks, row.backoff, row.fin, row.snd_max,
        )  # fmt: skip


class ControlReceived(Event):
    """A SYN or FIN of the peer, in order: it takes one sequence number."""

    sock: int

    def apply(self, world: World) -> None:
        row = world.tcps[self.sock]
        world.tcps[self.sock] = msgspec.structs.replace(row, rcv_nxt=row.rcv_nxt + 1)


class AckReceived(Event):
    """The peer has everything up to `una`: `n` bytes leave the send buffer of `sock`; it offers `window` more.
    `dupacks` counts acknowledgements in a row that brought nothing new."""

    sock: int
    una: int
    n: int
    window: int
    cwnd: int
    dupacks: int

    def apply(self, world: World) -> None:
        row = world.tcps[self.sock]
        nxt = row.snd_nxt if row.snd_nxt > self.una else self.una
        world.tcps[self.sock] = Tcp(
            row.id, self.una, nxt, self.window, row.rcv_nxt, row.rcv_adv, self.cwnd, self.dupacks,
            0 if self.una > row.snd_una else row.backoff, row.fin, row.snd_max,
        )  # fmt: skip
        if self.n:
            consume(world, self.sock * 2 + 1, self.n)


class SegmentRefused(Event):
    """A segment came that does not continue what is there (`why`: out of order, duplicate, no window): its data is
    dropped, and the answer says what is expected."""

    sock: int
    number: int
    why: str


class RetransmitStarted(Event):
    """`why` (timeout, fast): everything from `snd_una` on counts as lost and will be sent again, with a small
    window."""

    sock: int
    why: str
    cwnd: int

    def apply(self, world: World) -> None:
        row = world.tcps[self.sock]
        world.tcps[self.sock] = msgspec.structs.replace(
            row, snd_nxt=row.snd_una, cwnd=self.cwnd, dupacks=0, backoff=row.backoff + (self.why == "timeout")
        )
