"""What the scene `costs` claims."""

from __future__ import annotations

from ioviz.machine.hardware.costs import Costs
from ioviz.model.cpu import TrapEntered
from ioviz.model.task import TaskSwitched
from tests.scenes.played import Played, measured, play, shown

NEIGHBOUR, LADDER, THREAD = 101, 102, 103


def numbers(scene: Played) -> list[int]:
    """The nanoseconds that the program printed, step by step."""
    return [int(line.split()[-2]) for line in scene.printed("ladder.py").splitlines()]


def test_each_step_of_the_ladder_is_dearer() -> None:
    call, clock, syscall, threads, processes = numbers(play("costs"))
    assert call < clock < syscall < threads < processes
    assert threads > 5 * syscall
    assert processes < 1.5 * threads


def test_a_call_and_the_clock_do_not_enter_the_kernel() -> None:
    scene = play("costs")
    written = [event.seq for event in scene.entered("write", "ladder.py")]
    assert scene.of(TrapEntered, "ladder.py", written[0] + 1, written[1]) == []
    (entered,) = scene.of(TrapEntered, "ladder.py", written[1] + 1, written[2])
    assert entered in scene.entered("getppid", "ladder.py")
    assert not scene.of(TaskSwitched, start=written[0], stop=written[2])


def test_threads_share_cr3_and_processes_do_not() -> None:
    scene = play("costs")
    place = scene.chapter("A switch of threads")
    assert scene.world(place).page_tables[1] == scene.world(place + 1).page_tables[1] == LADDER
    assert scene.world(place + 1).cpus[1].task == THREAD
    place = scene.chapter("A switch of processes")
    assert scene.world(place).page_tables[1] == LADDER
    assert scene.world(place + 1).page_tables[1] == NEIGHBOUR


def test_there_and_back_are_two_switches() -> None:
    scene = play("costs")
    for start, stop in (
        ("A switch of threads", "There and back: two switches"),
        ("A switch of processes", "Now on your own computer"),
    ):
        assert len(scene.of(TaskSwitched, start=scene.chapter(start), stop=scene.chapter(stop))) == 2


def test_both_entries_cost_the_same_here() -> None:
    assert numbers(play("costs")) == numbers(play("costs", entry="syscall"))


def test_the_built_in_table_has_the_proportions_that_the_texts_name() -> None:
    costs = Costs()
    call = costs.trap + costs.sysret
    assert costs.vdso < call / 4  # the clock is read without the kernel
    assert 8 < costs.context_switch / call < 15  # about ten times
    assert costs.page_tables < costs.context_switch / 5  # little more for another process


def test_on_linux() -> None:
    assert shown("costs", 1).count("per loop") == 2
    assert [line.split()[0] for line in shown("costs", 2).splitlines()] == ["call", "switch"]
    assert min(measured("costs", 2)) > 0
