"""The network card: both descriptor rings, the interrupt line, and packets on the wire."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.model.idt import NIC as VECTOR
from ioviz.model.nic import WIRE, Packet
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick


def _packets(moment: Moment) -> list[Packet]:
    return list(islice(moment.world.packets.values(), 64))


def key(moment: Moment) -> Hashable:
    """The card, its line and the packets."""
    world = moment.world
    return world.nics.get(moment.host), world.irq_lines.get((moment.host, VECTOR)), tuple(_packets(moment))


def _ring(moment: Moment, name: str, size: int, head: int, tail: int) -> Text:
    used = {position % size for position in range(tail, min(head, tail + size))}
    text = Text(f"{name} ")
    for slot in range(min(size, 32)):
        full = slot in used
        text.append(
            glyph(moment, "▣" if full else "▢", "#" if full else "."), style="bold green" if full else "bright_black"
        )
    return text.append(f" {head - tail}/{size}", style="bright_black")


def _irq(moment: Moment) -> Text:
    up = moment.world.irq_lines.get((moment.host, VECTOR), False)
    return Text.assemble(
        "IRQ ", (glyph(moment, "●" if up else "○", "*" if up else "o"), "bold red" if up else "bright_black")
    )


def render(moment: Moment, width: int, height: int) -> Text:
    """Rings, line, then the packets."""
    nic = moment.world.nics.get(moment.host)
    if nic is None:
        return Text(
            pick(moment, "no card: everything stays on this host", "没有网卡：数据不出本机"), style="bright_black"
        )
    mode = pick(moment, "polling (NAPI)", "轮询（NAPI）") if nic.napi else pick(moment, "interrupts", "中断")
    lines = [
        Text.assemble(_irq(moment), f"  {mode}"),
        _ring(moment, "rx", nic.size, nic.rx_head, nic.rx_tail),
        _ring(moment, "tx", nic.size, nic.tx_head, nic.tx_tail),
    ]
    for packet in _packets(moment):
        where = pick(moment, "on the wire", "在网线上") if packet.where == WIRE else packet.where
        lines.append(
            Text.assemble(
                (f"{where} ", "yellow"),
                f"{packet.source} {glyph(moment, '→', '->')} {packet.target} ",
                (f"[{packet.flags}]", "bold"),
                f" {len(packet.data)} B",
            )
        )
    return joined(lines[:height])


def line(moment: Moment, width: int) -> Text:
    """Rings in short."""
    nic = moment.world.nics.get(moment.host)
    if nic is None:
        return Text(pick(moment, "none", "无"), style="bright_black")
    return Text.assemble(
        _irq(moment), f"  rx {nic.rx_head - nic.rx_tail}/{nic.size}  tx {nic.tx_head - nic.tx_tail}/{nic.size}"
    )


PANEL: Final = make_panel("nic", "hardware", {"en": "Network card", "zh": "网卡"}, key, render, line)
