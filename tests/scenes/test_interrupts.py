"""What the scene `interrupts` claims."""

from __future__ import annotations

import re

import pytest

from ioviz.model.cpu import IrqEntered, IrqReturned, TrapEntered
from ioviz.model.inputs import InputReceived
from ioviz.model.lists import walk
from ioviz.model.task import ProcessExited, TaskPreempted, TaskSlept, TaskSwitched
from tests.scenes.played import Played, play, shown

POLITE, A, B = 101, 102, 103
TIMER = 236


def order(scene: Played) -> list[int]:
    """Who ended, one after the other."""
    return [event.pid for event in scene.of(ProcessExited)]


def ready(scene: Played, title: str) -> list[int]:
    """The run queue at the chapter `title`, first to last."""
    world = scene.at(title)
    return list(walk(world.run_queues, 1, world.run_links))


def test_yield_goes_to_the_end_of_the_run_queue_and_does_not_sleep() -> None:
    scene = play("interrupts")
    assert ready(scene, "yield: go ahead") == [A, B, POLITE]
    assert not scene.of(TaskSlept, stop=scene.chapter("yield: go ahead"))


def test_the_mouse_interrupts_and_switches_nothing() -> None:
    for knobs in ({}, {"timer": "off"}, {"time_slice": "30us"}):
        scene = play("interrupts", **knobs)
        for event in scene.of(InputReceived):
            entered = scene.events[event.seq - 1]
            back = scene.events[event.seq + 1]
            assert isinstance(entered, IrqEntered)
            assert isinstance(back, IrqReturned)
            assert (entered.task, entered.at) == (back.task, back.at)
        assert scene.events[scene.chapter("The mouse moves")].task == A
    assert scene.at("The mouse moves").cpus[1].ring == 0


@pytest.mark.parametrize("knobs", [{}, {"time_slice": "30us"}])
def test_the_timer_takes_the_cpu_and_the_next_one_gets_it(knobs: dict[str, str]) -> None:
    scene = play("interrupts", **knobs)
    assert ready(scene, "The time slice is over")[-1] == A
    switched = scene.of(TaskSwitched, start=scene.chapter("The time slice is over"))[0]
    assert (switched.prev, switched.next) == (A, B)
    world = scene.world(switched.seq + 1)
    assert world.cpus[1].task == B
    assert A in world.frames  # where it was is saved
    assert world.page_tables[1] == B


def test_sleep_leaves_the_run_queue_and_waking_is_not_running() -> None:
    for knobs in ({}, {"timer": "off"}, {"time_slice": "30us"}):
        scene = play("interrupts", **knobs)
        assert POLITE not in ready(scene, "sleep: not before then")
        world = scene.at("The time is up")
        assert world.tasks[POLITE].state == "ready"
        assert world.cpus[1].task != POLITE


@pytest.mark.parametrize("knobs", [{}, {"time_slice": "30us"}])
def test_the_interrupted_one_returns_where_it_was_and_computes_right(knobs: dict[str, str]) -> None:
    scene = play("interrupts", **knobs)
    taken = scene.events[scene.chapter("The time slice is over")]
    back = scene.events[scene.chapter("A goes on as if nothing had happened")]
    assert (taken.task, taken.at) == (back.task, back.at) == (A, taken.at)
    between = {event.next for event in scene.of(TaskSwitched, start=taken.seq, stop=back.seq)}
    assert between == {A, B, POLITE}
    for name, rounds in (("A", 4000), ("B", 3000)):
        assert f"{name} is through: {sum(n * n for n in range(rounds))}\n" in scene.printed("worker.py")


def test_with_the_timer_the_shorter_is_first_and_without_it_the_earlier() -> None:
    assert order(play("interrupts")) == [B, POLITE, A]
    off = play("interrupts", timer="off")
    assert order(off) == [A, B, POLITE]
    assert [event.reason for event in off.of(TaskPreempted)] == ["yield"]
    assert len(off.of(InputReceived)) == 2


def test_where_the_interrupted_one_was_is_saved_meanwhile() -> None:
    scene = play("interrupts")
    assert A in scene.at("The mouse moves").frames
    slept = next(event for event in scene.of(TaskSlept) if event.task == POLITE)
    assert slept.until > slept.t  # a timer is set


def test_only_the_timer_ends_a_time_slice_and_no_instruction_of_the_program_does() -> None:
    scene = play("interrupts")
    taken = scene.chapter("The time slice is over")
    entered = scene.of(IrqEntered, stop=taken)[-1]
    assert (entered.vector, entered.task) == (TIMER, A)
    assert not scene.of(TrapEntered, "worker.py", stop=taken)


def test_shorter_slices_cost() -> None:
    long, short = play("interrupts"), play("interrupts", time_slice="30us")
    assert len(short.of(TaskSwitched)) > 2 * len(long.of(TaskSwitched))
    assert short.events[-1].t > long.events[-1].t


def test_on_linux() -> None:
    sleep, given = shown("interrupts", 1).splitlines()
    assert int(sleep.split()[1]) >= 3
    assert int(given.split()[1]) <= 3
    assert int(shown("interrupts", 2).split()[2]) > 1
    assert "CPU0" in shown("interrupts", 3)
    first, then = ([int(word) for word in re.findall(r" (\d+)", line)] for line in shown("interrupts", 4).splitlines())
    assert sum(then) > sum(first)
