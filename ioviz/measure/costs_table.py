"""What was measured, beside the machine's own table and what the article says of it: lines with bars, for any screen.

Bars are logarithmic: a step is ten times. The verdicts on the article's claims are computed from what was measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.measure.calibrate import ORDER, in_force

if TYPE_CHECKING:
    from ioviz.machine.hardware.costs import Costs

NAMES: Final[dict[str, tuple[str, str]]] = {
    "call": ("a function call", "函数调用"),
    "vdso": ("reading the clock (vDSO)", "读时钟，不进内核（vDSO）"),
    "syscall": ("a system call: getppid", "系统调用：getppid"),
    "int80": ("the same by int 0x80", "同一个调用，用 int 0x80"),
    "epoll_wait": ("epoll_wait, one descriptor ready", "epoll_wait，有一个就绪描述符"),
    "poll": ("poll: each further descriptor", "poll：每多一个描述符"),
    "kilobyte": ("copying 1,000 bytes in or out", "进出内核拷贝 1000 字节"),
    "fault": ("a page fault that is served", "一次得到处理的缺页异常"),
    "clone": ("a thread: created and joined", "创建并等待一个线程"),
    "thread_switch": ("a switch of threads", "线程切换"),
    "process_switch": ("a switch of processes", "进程切换"),
    "pingpong": ("a byte to a process and back", "一个字节经管道来回"),
}
HEADS: Final = {
    "act": ("what", "动作"),
    "here": ("this computer", "这台电脑"),
    "table": ("the machine", "模拟机器"),
}
SAYS: Final = {
    "syscall": (
        "The article: a system call costs more than a function call. Here {n:.0f} times as much: {verdict}.",
        "文章：“系统调用的成本比函数调用高”。这里是 {n:.0f} 倍：{verdict}。",
    ),
    "switch": (
        "The article: a switch between user and kernel mode costs about as much as one between processes. Here the "
        "switch of processes costs {n:.0f} times as much: {verdict}.",
        "文章：用户态切换内核态与进程间切换“二者的耗时和成本相当”。这里进程切换是系统调用的 {n:.0f} 倍：{verdict}。",
    ),
    "threads": (
        "A switch of processes takes {n:.2f} times a switch of threads.",
        "进程切换的耗时是线程切换的 {n:.2f} 倍。",
    ),
}
SO, NOT_SO = ("so it is", "确实如此"), ("not so", "并非如此")
FEW: Final = 12
"""Columns of a bar at least."""


def amount(ns: float) -> str:
    """`153 ns`, `1.57 µs`."""
    if ns < 10:
        return f"{ns:.2f} ns"
    if ns < 1_000:
        return f"{ns:.0f} ns"
    return f"{ns / 1e3:.2f} µs" if ns < 1e6 else f"{ns / 1e6:.2f} ms"


def costs_lines(measured: dict[str, float], costs: Costs, lang: str, width: int, bar: str = "█") -> list[Text]:
    """A line an act; `costs` is the machine's table in force."""
    zh = lang == "zh"
    rows = [name for name in ORDER if name in measured or in_force(name, costs) is not None]
    names = {name: Text(NAMES[name][zh]) for name in rows}
    most = min(max(text.cell_len for text in names.values()), max(18, width - 30 - FEW))
    bars = max(0, min(40, width - most - 34))
    head = _padded(Text(HEADS["act"][zh], "bold"), most).append("  ")
    head.append_text(_right(Text(HEADS["here"][zh], "bold"), 14)).append("  ")
    head.append_text(_right(Text(HEADS["table"][zh], "bold"), 12))
    lines = [head]
    for name in rows:
        names[name].truncate(most, overflow="ellipsis")
        line = _padded(names[name], most).append("  ")
        ns, table = measured.get(name), in_force(name, costs)
        line.append_text(_right(Text(amount(ns) if ns is not None else "–", "bold"), 14)).append("  ")
        line.append_text(_right(Text(amount(table) if table is not None else "–", "dim"), 12))
        if ns is not None and bars >= 4:
            length = max(1, round(bars * math.log10(max(ns, 1.0) + 1) / 5))
            line.append("  ").append(bar * min(bars, length), "cyan")
        lines.append(line)
    return lines


def verdicts(measured: dict[str, float], lang: str) -> list[str]:
    """The article's claims, judged by what was measured."""
    zh = lang == "zh"
    found = []
    if measured.get("call") and "syscall" in measured:
        ratio = measured["syscall"] / max(measured["call"], 0.1)
        found.append(SAYS["syscall"][zh].format(n=ratio, verdict=(SO if ratio > 1.5 else NOT_SO)[zh]))
    if measured.get("syscall") and "process_switch" in measured:
        ratio = measured["process_switch"] / measured["syscall"]
        found.append(SAYS["switch"][zh].format(n=ratio, verdict=(SO if 0.5 < ratio < 2 else NOT_SO)[zh]))
    if measured.get("thread_switch") and "process_switch" in measured:
        found.append(SAYS["threads"][zh].format(n=measured["process_switch"] / measured["thread_switch"]))
    return found


def _padded(text: Text, width: int) -> Text:
    return text.append(" " * max(0, width - text.cell_len))


def _right(text: Text, width: int) -> Text:
    return Text(" " * max(0, width - text.cell_len)).append_text(text)
