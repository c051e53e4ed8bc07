"""The network card: descriptor rings, the interrupt line, the softirq that empties them, and packets on their way.

▣ is a descriptor in use and ▢ a free one; underlined is where the card (rx) or the driver (tx) writes next.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.lesson.words import preview
from ioviz.model.idt import NIC as VECTOR
from ioviz.model.nic import QDISC, RX, TX, WIRE, Packet
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

if TYPE_CHECKING:
    from ioviz.model.nic import Nic

DIM: Final = "bright_black"
LOOKED_AT: Final = 64
SLOTS: Final = 32
"""Descriptors that are drawn; a larger ring is drawn around its next one."""


def _packets(moment: Moment) -> list[Packet]:
    """The packets here and on the wire, that of the event first."""
    world = moment.world
    found = list(islice(reversed(world.packets.values()), LOOKED_AT))[::-1]
    named = world.packets.get(getattr(moment.event, "packet", 0))
    rows = [row for row in found if row.host == moment.host or row.where == WIRE]
    return [named, *(row for row in rows if row is not named)] if named is not None else rows


def key(moment: Moment) -> Hashable:
    """The card, its line, its softirqs, the packets, and which of them the event is about."""
    world, host = moment.world, moment.host
    return (
        world.nics.get(host),
        world.irq_lines.get((host, VECTOR)),
        world.softirqs.get(host),
        tuple(_packets(moment)),
        getattr(moment.event, "packet", 0),
        len(world.packets),
    )


def _ring(moment: Moment, name: str, size: int, head: int, tail: int, width: int) -> Text:
    shown = max(1, min(size, SLOTS, width - 24))
    first = 0 if shown == size else head % size - shown // 2
    used = {position % size for position in islice(range(tail, head), SLOTS * 2)}
    text = Text.assemble((f"{name} ", "bold"))
    for place in range(first, first + shown):
        slot = place % size
        plain, ascii_only = ("▣", "#") if slot in used else ("▢", ".")
        style = "bold green" if slot in used else DIM
        if slot == head % size:
            style += " underline"
        text.append(glyph(moment, plain, ascii_only), style=style)
    count = f" {head - tail}/{size}"
    text.append(count, style="bold red" if head - tail >= size else "bold" if head > tail else DIM)
    return text.append(pick(moment, f"  next slot {head % size}", f"  下一槽 {head % size}"), style=DIM)


def _irq(moment: Moment) -> Text:
    up = moment.world.irq_lines.get((moment.host, VECTOR), False)
    text = Text("IRQ ")
    if up:
        return text.append(glyph(moment, "● ", "* ") + pick(moment, "raised", "请求中"), "bold red")
    return text.append(glyph(moment, "○", "o"), style=DIM)


def _mode(moment: Moment, nic: Nic) -> Text:
    if nic.napi:
        return Text(pick(moment, "masked: the driver polls (NAPI)", "已屏蔽：驱动在轮询（NAPI）"), style="yellow")
    return Text(pick(moment, "may interrupt", "可以中断"), style=DIM)


def _softirq(moment: Moment) -> Text:
    row = moment.world.softirqs.get(moment.host)
    text = Text("softirq ", style=DIM)
    if row is None or not (row.running or row.pending):
        return text.append(glyph(moment, "–", "-"), style=DIM)
    if row.running:
        text.append(f"{glyph(moment, '▶', '>')} {row.running}", style="bold green")
    if row.pending:
        names = ", ".join(dict.fromkeys(row.pending))
        text.append(pick(moment, f" pending {names}", f" 待处理 {names}"), style="bold yellow")
    return text


def render(moment: Moment, width: int, height: int) -> Text:
    """The line and the softirq, both rings, then a line a packet."""
    nic = moment.world.nics.get(moment.host)
    if nic is None:
        return Text(pick(moment, "no card: everything stays on this host", "没有网卡：数据不出本机"), style=DIM)
    head = Text.assemble(_irq(moment), "  ", _mode(moment, nic), "  ", _softirq(moment))
    if nic.dropped:
        head.append(pick(moment, f"  {nic.dropped} dropped", f"  丢了 {nic.dropped} 个"), style="bold red")
    lines = [
        head,
        _ring(moment, "rx", nic.size, nic.rx_head, nic.rx_tail, width),
        _ring(moment, "tx", nic.size, nic.tx_head, nic.tx_tail, width),
    ]
    named = getattr(moment.event, "packet", 0)
    packets = _packets(moment)
    room = height - len(lines)
    lines += [_packet(moment, row, row.id == named) for row in packets[: max(0, room)]]
    if len(packets) > room > 0:
        left = len(packets) - room + 1
        lines[-1] = Text(pick(moment, f"  +{left} more packets", f"  另有 {left} 个报文"), style=DIM)
    return joined(lines)


def _packet(moment: Moment, row: Packet, here: bool) -> Text:
    """Where the packet is, from whom to whom, and what it carries."""
    en, zh = {
        WIRE: ("wire", "线路"),
        TX: (f"tx slot {row.slot}", f"发送槽 {row.slot}"),
        RX: (f"rx slot {row.slot}", f"接收槽 {row.slot}"),
        QDISC: ("waits", "排队"),
    }.get(row.where, (row.where, row.where))
    way = glyph(moment, "━━▶", "-->") if row.where == WIRE else glyph(moment, "→", "->")
    text = Text.assemble(
        (glyph(moment, "▶", ">") if here else " ", "bold yellow"),
        (f"{pick(moment, en, zh)} ", "yellow"),
        f"{row.source} ",
        (way, "bold cyan" if row.where == WIRE else DIM),
        f" {row.target} ",
        (f"[{row.flags}]", "bold"),
    )
    if row.data:
        text.append(f" {len(row.data)} B ", style="bold")
        text.append(preview(row.data, 16) if not moment.ascii else ascii(preview(row.data, 16))[1:-1], style="green")
    return text


def line(moment: Moment, width: int) -> Text:
    """Line and rings in short."""
    nic = moment.world.nics.get(moment.host)
    if nic is None:
        return Text(pick(moment, "none", "无"), style=DIM)
    wire = sum(row.where == WIRE for row in _packets(moment))
    text = Text.assemble(
        _irq(moment), f"  rx {nic.rx_head - nic.rx_tail}/{nic.size}  tx {nic.tx_head - nic.tx_tail}/{nic.size}  "
    )
    if wire:
        text.append(pick(moment, f"{wire} on the wire  ", f"线路上 {wire}  "), style="cyan")
    return text.append_text(_softirq(moment))


PANEL: Final = make_panel("nic", "hardware", {"en": "Network card", "zh": "网卡"}, key, render, line)
