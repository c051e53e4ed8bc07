"""The panel of the address space: both halves, who may touch what, which pages are present, and what is touched."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from ioviz.machine.hardware import instructions
from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.kernel import Kernel
from ioviz.model.cpu import ExceptionRaised
from ioviz.model.event import Event
from ioviz.model.memory import (
    LAYOUT_32,
    LAYOUT_64,
    PAGE_SIZE,
    ByteStored,
    Layout,
    PageMapped,
    regions,
    stack_of,
    user_regions,
)
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskSwitched
from ioviz.model.trap_steps import kernel_top, user_rip, user_rsp
from ioviz.model.world import World
from ioviz.view.memory import PANEL
from ioviz.view.moment import Moment
from tests.machine.kernel.harness import run


def body(k: Kernel) -> None:
    address = k.syscall(SYS.mmap, 0, 3 * PAGE_SIZE, 3, 0x22, -1, 0)

    def thread() -> None:
        k.syscall(SYS.clock_nanosleep, 1_000)
        k.syscall(SYS.exit, 0)

    k.syscall(SYS.clone, 0, thread)
    k.syscall(SYS.sched_yield)
    k.execute(instructions.load, address)
    while k.execute(instructions.store, address + PAGE_SIZE, 7) is None:
        pass
    k.syscall(SYS.clock_nanosleep, 10_000)
    k.execute(instructions.load, 0xC100_0000 if k.config.bits == "32" else 0xFFFF_FFFF_8100_0000)


def other(k: Kernel) -> None:
    k.syscall(SYS.sched_yield)


def after(kind: type[Event], nth: int = 0, bits: str = "64") -> Moment:
    """The moment of the nth event of a kind."""
    log = run(body, other, config=Config(bits=bits)).log
    event = [event for event in log if isinstance(event, kind)][nth]
    world = World()
    for each in log[: event.seq + 1]:
        each.apply(world)
    return Moment(world, event, event.seq + 1, 0, 0, "en", False, 1)


def row(moment: Moment, name: str, width: int = 78) -> str:
    return next(line for line in PANEL.render(moment, width, 20).plain.split("\n") if name in line)


def test_pages_become_present_by_a_fault_and_are_marked() -> None:
    assert "▶" in row(after(ExceptionRaised), "mmap")
    assert "□□□" in row(after(ExceptionRaised), "mmap")
    assert "▤□□" in row(after(PageMapped), "mmap"), "the page of zeros"
    assert "▤■□" in row(after(ByteStored), "mmap"), "a page of its own"
    assert "not present" in PANEL.line(after(ExceptionRaised), 60).plain


@pytest.mark.parametrize("bits", ["64", "32"])
def test_the_kernel_half_is_for_ring_0(bits: str) -> None:
    moment = after(ExceptionRaised, 2, bits)
    line = row(moment, "kernel text")
    assert line.startswith("▶")
    assert " S " in line
    assert "supervisor" in PANEL.render(moment, 78, 20).plain
    border = row(moment, "process ")
    assert ("1 GiB" in border and "3 GiB" in border) if bits == "32" else border.count("128 TiB") == 2


def test_each_task_has_two_stacks_and_cr3_changes_with_the_process_only() -> None:
    log = run(body, other).log
    world, loaded = World(), []
    for event in log:
        event.apply(world)
        if isinstance(event, TaskSwitched) and event.next:
            process = world.tasks[event.next].process
            assert world.page_tables[1] == process
            loaded.append((event.next, process))
    assert (103, 101) in loaded, "the thread has the page tables of its process"
    assert (102, 102) in loaded
    moment = after(ExceptionRaised)
    assert "guard 103" in PANEL.render(moment, 78, 20).plain
    assert row(moment, "kernel stacks").endswith("◀ rsp 101")


def test_what_is_nowhere_is_shown_where_it_would_be() -> None:
    log = run(lambda k: k.execute(instructions.load, 8)).log
    world = World()
    event = next(event for event in log if isinstance(event, ExceptionRaised))
    for each in log[: event.seq + 1]:
        each.apply(world)
    lines = PANEL.render(Moment(world, event, event.seq + 1, 0, 0, "zh", False, 1), 60, 20).plain.split("\n")
    assert lines[-1].split() == ["▶", "8", "这里没有映射任何东西"]


@pytest.mark.parametrize("layout", [LAYOUT_64, LAYOUT_32])
def test_addresses_in_the_registers_lie_in_their_regions(layout: Layout) -> None:
    stacks = next(region for region in layout.kernel_regions if region.name == "kernel stacks")
    for tid in (101, 102, 2000):
        start, end = stack_of(layout, tid)
        assert start < user_rsp(tid, layout) < end < layout.user_end
        assert stacks.start < kernel_top(tid, layout) < stacks.resident
    assert layout.text <= user_rip(9 << 16 | 500, layout) < layout.data


@pytest.mark.parametrize("bits", ["64", "32"])
def test_regions_are_in_order_and_do_not_overlap(bits: str) -> None:
    world = after(ExceptionRaised, 0, bits).world
    found = regions(world, 101)
    assert [each.start for each in found] == sorted(each.start for each in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert {each.user for each in user_regions(world, 101)} == {True}


@pytest.mark.parametrize("size", [(36, 4), (44, 6), (60, 9), (78, 12), (120, 40)])
@pytest.mark.parametrize(
    "made", [lambda: after(ExceptionRaised), lambda: after(ByteStored), lambda: after(TaskSwitched)]
)
def test_what_is_touched_survives_every_size(size: tuple[int, int], made: Callable[[], Moment]) -> None:
    moment = made()
    lines = PANEL.render(moment, *size).plain.split("\n")
    assert len(lines) <= size[1]
    assert isinstance(moment.event, TaskSwitched) or any(line.startswith("▶") for line in lines)


def test_a_page_of_one_s_own_tells_its_frame_and_what_was_stored() -> None:
    moment = after(ByteStored)
    row = next(line for line in PANEL.render(moment, 78, 12).plain.splitlines() if "▶" in line)
    assert row.endswith("▤■□ frame 1: 7")
    narrow = next(line for line in PANEL.render(moment, 44, 12).plain.splitlines() if "▶" in line)
    assert narrow.endswith("▤■□: 7")
