"""The address space that CR3 names: both halves, high addresses on top, with what ring 3 may do in each region.

U: a program may touch the pages; S: only ring 0 may (supervisor bit). Of a mapping each page is shown: not present,
the page of zeros that all share, or one of its own. What the event touches is marked, even where nothing is.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.cells import set_cell_size
from rich.text import Text

from ioviz.lesson.words import process_name
from ioviz.model.cpu import USER, ExceptionRaised, TrapEntered
from ioviz.model.idt import PAGE_FAULT
from ioviz.model.memory import (
    PAGE_SIZE,
    PRESENT,
    ZERO_PAGE,
    ByteStored,
    MemoryMapped,
    PageMapped,
    Region,
    layout_of,
    user_regions,
)
from ioviz.model.task import DEAD
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

if TYPE_CHECKING:
    from ioviz.model.memory import Page

DIM: Final = "bright_black"
MOST: Final = 256
"""Tasks and mappings that are looked at."""
STORED: Final = 4
"""Bytes of a page that are shown."""
PAGES: Final = 16
"""Pages of a mapping that are shown one by one."""
NAME: Final = 15
NARROW: Final = 60
UNITS: Final = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
NAMES_ZH: Final = {
    "text": "代码段",
    "data": "数据段",
    "heap": "堆",
    "libraries": "共享库",
    "mmap": "内存映射",
    "stack": "用户栈",
    "guard": "保护页",
    "all RAM": "全部物理内存",
    "RAM (first 896 MiB)": "物理内存",
    "kernel stacks": "内核栈",
    "kernel text": "内核代码",
    "IDT, TSS": "IDT 和 TSS",
}
LEAST_WORTH: Final = ("IDT, TSS", "IDT", "all RAM", "RAM (first 896 MiB)", "data", "heap", "guard", "libraries")
"""What is left out first where there is little room."""


def _pid(moment: Moment) -> int:
    """The process whose address space is shown: the one that CR3 names."""
    return moment.world.page_tables.get(moment.host, 0)


def _touched(moment: Moment) -> int:
    """The address that the event is about; -1 if it is about none."""
    event = moment.event
    if event is None or event.cpu != moment.host:
        return -1
    if isinstance(event, ExceptionRaised):
        return event.address if event.vector == PAGE_FAULT else -1
    if isinstance(event, PageMapped):
        return event.number * PAGE_SIZE
    if isinstance(event, MemoryMapped):
        return event.start
    return event.address if isinstance(event, ByteStored) else -1


def _regions(moment: Moment) -> list[Region]:
    """High addresses first."""
    found = [*user_regions(moment.world, _pid(moment), MOST), *layout_of(moment.world).kernel_regions]
    return found[::-1]


def _pages(moment: Moment, region: Region) -> tuple[Page | None, ...]:
    """The first pages of a mapping; None: not present."""
    first, last = region.start // PAGE_SIZE, region.end // PAGE_SIZE
    pages = moment.world.memory_pages
    return tuple(pages.get((_pid(moment), number)) for number in range(first, min(last, first + PAGES)))


def key(moment: Moment) -> Hashable:
    """The regions, the pages of mappings, what is touched, and which stack is in use."""
    regions = _regions(moment)
    pages = tuple(_pages(moment, region) for region in regions if region.name == "mmap")
    event = moment.event if _touched(moment) >= 0 else None
    shown = _pid(moment), len(moment.world.processes), tuple(regions), pages, _some_pages(moment)
    return *shown, event, _said(moment), moment.world.cpus.get(moment.host)


def name_of(moment: Moment, region: Region) -> str:
    """What a region is for; a stack with the task that it belongs to."""
    name = NAMES_ZH.get(region.name, region.name) if moment.lang == "zh" else region.name
    return f"{name} {region.task}" if region.task else name


def size_of(size: int) -> str:
    """`6 MiB`."""
    unit, name = next(((unit, name) for unit, name in UNITS if size >= unit), (1, "B"))
    return f"{size // unit} {name}"


def _some_pages(moment: Moment) -> tuple[tuple[int, int], ...]:
    """(process, number) of present pages."""
    return tuple(islice(moment.world.memory_pages, MOST))


def _row(moment: Moment, region: Region, width: int) -> Text:
    """Address, name, permissions, U or S, and the pages or the size."""
    touched = region.start <= _touched(moment) < region.end
    wide = width >= NARROW
    address = f"{region.start:x}"
    digits = 16 if layout_of(moment.world).bits == 64 else 8
    if not wide:
        digits = 9
        address = address if len(address) <= digits else address[:8] + glyph(moment, "…", "~")
    shown = address.rjust(digits)
    line = Text(f"{glyph(moment, '▶', '>') if touched else ' '}{shown} ", style="bold yellow" if touched else DIM)
    line.append(
        set_cell_size(name_of(moment, region), NAME if wide else NAME - 2), style="bold reverse" if touched else ""
    )
    line.append(f" {region.permissions} ", style=DIM)
    line.append("U " if region.user else "S ", style="bold cyan" if region.user else "bold red")
    if region.name == "mmap":
        _draw_pages(moment, region, line, wide)
        return line
    here = _stack_mark(moment, region)
    if wide or not here:
        _tell_size(moment, region, line)
        line.append(" ")
    return line.append_text(here)


def _draw_pages(moment: Moment, region: Region, line: Text, wide: bool = False) -> None:
    """Each page: absent, the shared one of zeros, or one of its own."""
    at = (_touched(moment) - region.start) // PAGE_SIZE
    for place, page in enumerate(_pages(moment, region)):
        if page is None:
            drawn, style = glyph(moment, "□", "."), DIM
        elif page.frame == ZERO_PAGE:
            drawn, style = glyph(moment, "▤", "0"), "yellow"
        else:
            drawn, style = glyph(moment, "■", "#"), "green"
        line.append(drawn, style=f"{style} reverse" if place == at else style)
    more = (region.end - region.start) // PAGE_SIZE - PAGES
    if more > 0:
        line.append(f" +{more}", style=DIM)
    _tell_own(moment, region, line, wide)


def _tell_own(moment: Moment, region: Region, line: Text, wide: bool) -> None:
    """Of the pages of its own: in which page of physical memory each is, and the bytes that the program stored."""
    for page in _pages(moment, region):
        if page is not None and page.frame != ZERO_PAGE:
            frame = pick(moment, f" frame {page.frame}", f" 页框 {page.frame}")
            line.append(frame if wide else "", style=DIM)
            if page.data:
                stored = " ".join(f"{byte:d}" for byte in page.data[:STORED])
                line.append(f": {stored}" + (glyph(moment, "…", "~") if len(page.data) > STORED else ""), style="bold")


def _tell_size(moment: Moment, region: Region, line: Text) -> None:
    """The size; of a region whose pages come when they are touched, how many are there."""
    if region.resident > region.start or not region.user or not region.prot:
        line.append(size_of(region.end - region.start), style=DIM)
        return
    first, last = region.start // PAGE_SIZE, region.end // PAGE_SIZE
    present = sum(first <= number < last and owner == _pid(moment) for owner, number in _some_pages(moment))
    text = f"{present}/{last - first} pages", f"{present}/{last - first} 页"
    line.append(pick(moment, *text), style="green" if present else DIM)


def _stack_mark(moment: Moment, region: Region) -> Text:
    """Which of the two stacks of the running task is in use; empty for every other region."""
    cpu = moment.world.cpus.get(moment.host)
    if cpu is None or not cpu.task:
        return Text()
    mark = glyph(moment, "◀ ", "< ") + ("rsp" if layout_of(moment.world).bits == 64 else "esp")
    if region.name == "stack" and region.task == cpu.task and cpu.ring == 3:
        return Text(mark, style="bold cyan")
    if region.name == "kernel stacks" and cpu.ring == 0:
        tasks = moment.world.tasks.get(cpu.task)
        whose = cpu.task if tasks is not None and tasks.state != DEAD else 0
        return Text(f"{mark} {whose}", style="bold red")
    return Text()


def _nowhere(moment: Moment, width: int) -> Text:
    """The row of an address at which there is nothing."""
    address = _touched(moment)
    nothing = pick(moment, "nothing is mapped here", "这里没有映射任何东西")
    return Text(f"{glyph(moment, '▶', '>')}{address:>16x} {nothing}", style="bold yellow")


def _border(moment: Moment, width: int) -> Text:
    """Between the halves."""
    layout = layout_of(moment.world)
    line = glyph(moment, "──", "--")
    user, kernel = size_of(layout.user_end), size_of(layout.kernel_end - layout.kernel_start)
    if width < NARROW:
        return Text(f"{line} S {kernel} {line} U {user} {line}", style="bold")
    halves = f"{glyph(moment, '↑', '^')} S {kernel} {line} {glyph(moment, '↓', 'v')} U {user}"
    text = pick(moment, f"{line} kernel {halves} process {line}", f"{line} 内核 {halves} 进程 {line}")
    return Text(text, style="bold")


def render(moment: Moment, width: int, height: int) -> Text:
    """Both halves; where there is little room, what matters least is left out."""
    pid = _pid(moment)
    if not pid or pid not in moment.world.processes:
        return Text(pick(moment, "CR3 names no process yet", "CR3 还没有指向任何进程"), style=DIM)
    address = _touched(moment)
    regions = _regions(moment)
    homeless = address >= 0 and not any(one.start <= address < one.end for one in regions)
    room = height - 2 - homeless
    for name in LEAST_WORTH:
        if len(regions) > room:
            regions = [one for one in regions if one.name != name or one.start <= address < one.end]
    while len(regions) > max(room, 1):
        regions.remove(min(reversed(regions), key=lambda one: _worth(moment, one, address)))
    end = layout_of(moment.world).user_end
    rows = [(one.start, _row(moment, one, width)) for one in regions] + [(end - 1, _border(moment, width))]
    if homeless:
        rows.append((address, _nowhere(moment, width)))
    rows.sort(key=lambda row: -row[0])
    arrow = glyph(moment, "→", "->")
    title = Text.assemble(f"CR3 {arrow} ", (process_name(moment.world, pid), "bold"), *_said(moment))
    return joined([title, *(row for _, row in rows)][: max(height, 1)])


def _worth(moment: Moment, region: Region, address: int) -> int:
    """How much a region is worth showing: what is touched most of all, then mappings, the stack in use, the kernel."""
    cpu = moment.world.cpus.get(moment.host)
    if region.start <= address < region.end:
        return 6
    if region.name == "mmap":
        return 5
    if cpu is not None and (region.task == cpu.task != 0 if cpu.ring == USER else region.name == "kernel stacks"):
        return 4
    return 1 if region.task else 3 if region.name == "kernel text" else 2


def _said(moment: Moment) -> tuple[tuple[str, str], ...]:
    """What the event says of the page that it touches."""
    event = moment.event
    if not isinstance(event, ExceptionRaised) or event.vector != PAGE_FAULT or event.cpu != moment.host:
        kernel = isinstance(event, TrapEntered) and event.cpu == moment.host
        same = "; the same CR3 inside the kernel", "；进入内核，CR3 不变"
        return ((pick(moment, *same), DIM),) if kernel else ()
    if not event.error & PRESENT:
        text = "  not present", "  不在内存里"
    elif event.address >= layout_of(moment.world).user_end:
        text = "  supervisor: ring 3 may not", "  supervisor 位：ring 3 不许"
    else:
        text = "  read-only", "  只读"
    return ((pick(moment, *text), "bold red"),)


def line(moment: Moment, width: int) -> Text:
    """Whose address space it is."""
    pid = _pid(moment)
    if pid not in moment.world.processes:
        return Text(pick(moment, "no process yet", "还没有进程"), style=DIM)
    said = _said(moment)
    text = Text.assemble(("CR3 ", DIM), process_name(moment.world, pid))
    if said and said[0][1] != DIM:
        return text.append_text(Text.assemble(*said))
    mappings = [region for region in _regions(moment) if region.name == "mmap"]
    if mappings:
        text.append("  ")
        _draw_pages(moment, mappings[0], text)
    return text


PANEL: Final = make_panel("memory", "kernel", {"en": "Address space", "zh": "地址空间"}, key, render, line)
