"""Network cards: descriptor rings, packets, DMA, and the wire between two hosts.

A packet goes: driver fills a slot of the tx ring → the card fetches it by DMA and sends it → wire → the other card
writes it by DMA into the next slot of its rx ring → interrupt → softirq → the driver takes it off the ring. Ring
positions count up for ever; a position's slot is the position modulo `size`. Invariants: `tail <= head <= tail +
size` on both rings; a packet is in exactly one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from ioviz.model.world import World

QDISC: Final = "qdisc"
TX: Final = "tx"
WIRE: Final = "wire"
RX: Final = "rx"


class Nic(msgspec.Struct, frozen=True, gc=False):
    """A host's card. `rx_head` is where the card writes next, `rx_tail` what the driver has taken; `tx_head` is what
    the driver has filled, `tx_tail` what the card has sent. `napi`: the driver polls, the interrupt line is masked.
    `dropped` counts packets that found no free slot of the rx ring."""

    host: int
    size: int
    rx_head: int
    rx_tail: int
    tx_head: int
    tx_tail: int
    napi: bool
    dropped: int = 0


class Packet(msgspec.Struct, frozen=True, gc=False):
    """A packet. `where`: qdisc (waits for a tx slot), tx, wire, rx. `slot` is its ring slot (-1: none). `host` is
    where it is now (on the wire: where it goes). `flags` as in tcpdump: S, S., ., P., F., R; U for UDP. `window` in
    bytes."""

    id: int
    source: str
    target: str
    flags: str
    seq: int
    ack: int
    window: int
    data: bytes
    where: str
    host: int
    slot: int = -1


class NicBooted(Event):
    """The driver has set up the rings of host `host`: `size` descriptors each, every one of the rx ring with a
    buffer."""

    host: int
    size: int

    def apply(self, world: World) -> None:
        world.nics[self.host] = Nic(self.host, self.size, 0, 0, 0, 0, False)


class PacketQueued(Event):
    """The stack handed the driver a packet: into the next descriptor of the tx ring, or behind it (qdisc) if it is
    full."""

    packet: int
    source: str
    target: str
    flags: str
    number: int
    ack: int
    window: int
    data: bytes

    def apply(self, world: World) -> None:
        host = self.cpu
        nic = world.nics[host]
        where, slot = QDISC, -1
        if nic.tx_head - nic.tx_tail < nic.size:
            where, slot = TX, nic.tx_head % nic.size
            world.nics[host] = Nic(
                host, nic.size, nic.rx_head, nic.rx_tail, nic.tx_head + 1, nic.tx_tail, nic.napi, nic.dropped
            )
        world.packets[self.packet] = Packet(
            self.packet, self.source, self.target, self.flags, self.number, self.ack, self.window, self.data, where,
            host, slot,
        )  # fmt: skip


class DescriptorFilled(Event):
    """A slot of the tx ring came free: `packet`, which waited for one, is in it now."""

    packet: int

    def apply(self, world: World) -> None:
        host = self.cpu
        nic = world.nics[host]
        slot = nic.tx_head % nic.size
        world.nics[host] = Nic(
            host, nic.size, nic.rx_head, nic.rx_tail, nic.tx_head + 1, nic.tx_tail, nic.napi, nic.dropped
        )
        _move(world, self.packet, TX, host, slot)


class PacketSent(Event):
    """The card has read `packet` from memory (DMA) and puts it on the wire to host `target`; its descriptor is free."""

    packet: int
    target: int

    def apply(self, world: World) -> None:
        host = self.cpu
        nic = world.nics[host]
        world.nics[host] = Nic(
            host, nic.size, nic.rx_head, nic.rx_tail, nic.tx_head, nic.tx_tail + 1, nic.napi, nic.dropped
        )
        _move(world, self.packet, WIRE, self.target, -1)


class DmaWritten(Event):
    """`packet` arrived and the card wrote it into the buffer of rx slot `slot`, without the CPU."""

    packet: int
    slot: int

    def apply(self, world: World) -> None:
        host = self.cpu
        nic = world.nics[host]
        world.nics[host] = Nic(
            host, nic.size, nic.rx_head + 1, nic.rx_tail, nic.tx_head, nic.tx_tail, nic.napi, nic.dropped
        )
        _move(world, self.packet, RX, host, self.slot)


class PacketDropped(Event):
    """`packet` arrived and was thrown away: the rx ring had no free slot (`why`: ring full), or nobody wants it."""

    packet: int
    why: str

    def apply(self, world: World) -> None:
        packet = world.packets.pop(self.packet)
        if packet.where == WIRE:
            nic = world.nics[self.cpu]
            world.nics[self.cpu] = msgspec.structs.replace(nic, dropped=nic.dropped + 1)


class NapiScheduled(Event):
    """The handler masked the card's interrupt line: from now on the driver polls the ring, until it is empty."""

    def apply(self, world: World) -> None:
        world.nics[self.cpu] = msgspec.structs.replace(world.nics[self.cpu], napi=True)


class DescriptorsTaken(Event):
    """The driver took `packet` off the rx ring and gave the slot a new, empty buffer."""

    packet: int

    def apply(self, world: World) -> None:
        host = self.cpu
        nic = world.nics[host]
        world.nics[host] = Nic(
            host, nic.size, nic.rx_head, nic.rx_tail + 1, nic.tx_head, nic.tx_tail, nic.napi, nic.dropped
        )
        del world.packets[self.packet]


class NapiCompleted(Event):
    """The ring is empty after `work` packets: the card's interrupt line is open again."""

    work: int

    def apply(self, world: World) -> None:
        world.nics[self.cpu] = msgspec.structs.replace(world.nics[self.cpu], napi=False)


def _move(world: World, packet: int, where: str, host: int, slot: int) -> None:
    row = world.packets[packet]
    world.packets[packet] = Packet(
        row.id, row.source, row.target, row.flags, row.seq, row.ack, row.window, row.data, where, host, slot
    )
