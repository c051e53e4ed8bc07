"""Network cards: descriptor rings, packets, DMA and the interrupt line; and softirqs, which do the rest of the work."""

from __future__ import annotations

import msgspec


class Nic(msgspec.Struct, frozen=True, gc=False):
    """A host's card. Ring positions count up for ever; a ring's slot is the position modulo `size`. `rx_head` is where the
    card writes next, `rx_tail` what the driver has taken; likewise for `tx`. `napi`: the driver polls, the line is masked."""

    host: int
    size: int
    rx_head: int
    rx_tail: int
    tx_head: int
    tx_tail: int
    napi: bool


class Packet(msgspec.Struct, frozen=True, gc=False):
    """A packet in a ring slot or on the wire. `where`: tx, wire, rx. `flags` as in tcpdump: S, S., ., P., F., R."""

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
