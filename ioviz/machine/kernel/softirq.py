"""The card's interrupt handler and the NET_RX softirq behind it: NAPI.

The handler does little: it masks the card's line and raises NET_RX. When the interrupt is about to return (`irq_exit`)
the softirq polls the rx ring until it is empty, hands each packet to its protocol, and opens the line again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.machine.kernel.tcp_input import tcp_v4_rcv
from ioviz.machine.kernel.tcp_output import send_ack
from ioviz.machine.kernel.udp import PROTOCOLS, udp_rcv
from ioviz.model.nic import DescriptorsTaken, NapiCompleted, NapiScheduled
from ioviz.model.softirq import NET_RX, SoftirqEntered, SoftirqRaised, SoftirqRan

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel


def nic_interrupt(k: Kernel, host: int) -> None:
    """The handler behind the card's vector, and what `irq_exit` finds to do."""
    k.cause = k.emit(NapiScheduled)
    k.cause = k.emit(SoftirqRaised, NET_RX)
    net_rx_action(k, host)


def net_rx_action(k: Kernel, host: int) -> None:
    """Poll the ring until it is empty."""
    cause = k.cause = k.emit(SoftirqEntered, NET_RX)
    world, ring = k.world, k.net.rx[host]
    work = 0
    while ring:
        packet = ring.popleft()
        row = world.packets[packet]
        k.cause = k.emit(DescriptorsTaken, packet)
        if row.flags in PROTOCOLS:
            udp_rcv(k, host, row)
        else:
            tcp_v4_rcv(k, host, row)
        k.cause = cause
        work += 1
    acks = k.net.acks
    while acks:
        sock, k.cause = acks.popitem()
        send_ack(k, sock)
    k.cause = cause
    k.emit(NapiCompleted, work)
    k.emit(SoftirqRan, NET_RX, work)
