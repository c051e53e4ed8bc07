"""The network card: takes packets from the tx ring, puts them on the wire, writes those that arrive into the rx ring.

All of this happens beside the CPU (DMA); only the interrupt concerns it. As real cards do, this one leaves a pause
between two interrupts (moderation, `ITR`), during which packets gather in the ring; a packet that finds no free slot
is lost.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ioviz.machine.hardware.link import time_on_wire
from ioviz.model.idt import NIC
from ioviz.model.nic import QDISC, DescriptorFilled, DmaWritten, NicBooted, PacketDropped, PacketQueued, PacketSent

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

FETCH: Final = 800
"""From the doorbell to the wire: the card reads descriptor and packet by DMA, in ns."""
MODERATION: Final = 20_000
"""The shortest time between two interrupts of a card, in ns."""


def boot(k: Kernel, hosts: list[int]) -> None:
    """Give each host a card, all on one link."""
    saved = k.cpu
    for host in hosts:
        k.cpu = host
        k.emit(NicBooted, host, k.config.nic_ring)
        k.net.routes[k.world.hosts[host].address] = host
        k.net.tx[host] = deque()
        k.net.rx[host] = deque()
        k.net.qdisc[host] = deque()
        k.net.wire_free[host] = k.net.irq_free[host] = 0
    k.cpu = saved


def transmit(
    k: Kernel, source: str, target: str, flags: str, number: int, ack: int, window: int, data: bytes, packet: int
) -> None:
    """The driver's `ndo_start_xmit` on the host that runs: fill a descriptor and ring the doorbell."""
    host = k.cpu
    net = k.net
    seq = k.emit(PacketQueued, packet, source, target, flags, number, ack, window, data)
    if k.world.packets[packet].where == QDISC:
        net.qdisc[host].append(packet)
        return
    net.tx[host].append((packet, seq))
    if len(net.tx[host]) == 1:
        _schedule_fetch(k, host)


def _schedule_fetch(k: Kernel, host: int) -> None:
    k.after(max(FETCH, k.net.wire_free[host] - k.now), host, _fetch, k, host)


def _fetch(k: Kernel, host: int) -> None:
    """The card reads the next packet of the tx ring and sends it."""
    net = k.net
    packet, k.cause = net.tx[host].popleft()
    row = k.world.packets[packet]
    there = net.routes[row.target.rpartition(":")[0]]
    sent = k.emit(PacketSent, packet, there)
    net.wire_free[host] = k.now + time_on_wire(len(row.data), k.config.bandwidth)
    k.after(net.wire_free[host] - k.now + k.config.latency, there, _arrive, k, there, packet, sent)
    if net.qdisc[host]:
        following = net.qdisc[host].popleft()
        net.tx[host].append((following, k.emit(DescriptorFilled, following)))
    if net.tx[host]:
        _schedule_fetch(k, host)


def _arrive(k: Kernel, host: int, packet: int, sent: int) -> None:
    """A packet comes in from the wire: by DMA into the next rx slot, and an interrupt, now or when the pause is
    over."""
    net = k.net
    k.cause = sent
    nic = k.world.nics[host]
    if nic.rx_head - nic.rx_tail >= nic.size:
        k.emit(PacketDropped, packet, "ring full")
        return
    written = k.emit(DmaWritten, packet, nic.rx_head % nic.size)
    net.rx[host].append(packet)
    if len(net.rx[host]) == 1:
        if k.now >= net.irq_free[host]:
            _interrupt(k, host, written)
        else:
            k.after(net.irq_free[host] - k.now, host, _interrupt, k, host, written)


def _interrupt(k: Kernel, host: int, written: int) -> None:
    k.cause = written
    k.interrupt(host, NIC, k.net.handler, k, host)
    k.net.irq_free[host] = k.now + MODERATION
