"""What the scene bio-threads claims."""

from __future__ import annotations

from ioviz.machine.hardware.costs import load_costs
from ioviz.model.syscalls import name_of
from ioviz.model.task import SLEEPING, TaskExited, TaskPreempted, TaskSwitched, TaskWoken
from tests.scenes.played import play, shown, socket_of

SCENE = "bio-threads"
SHARED = 0x100 | 0x400 | 0x10000
"""CLONE_VM, CLONE_FILES and CLONE_THREAD."""


def test_three_threads_each_asleep_on_its_own_socket() -> None:
    played = play(SCENE)
    world = played.at("A second client, a third thread")
    server = played.pid("bio_server.py")
    tasks = [task for task in world.tasks.values() if task.process == server]
    assert len(tasks) == 3
    assert [task.wchan for task in tasks if task.id != server] == ["sk_wait_data"] * 2
    queues = {entry.queue for entry in world.wait_entries.values() if entry.task in {task.id for task in tasks}}
    assert queues >= {socket_of(world, server, 4).id, socket_of(world, server, 5).id}
    world = played.world(played.chapter("One is woken") - 20)
    assert {task.state for task in world.tasks.values() if task.process == server} == {SLEEPING}
    for short in ({}, {"time_slice": "5us"}):
        world = play(SCENE, **short).at("A second client, a third thread")
        assert [task.state for task in world.tasks.values() if task.process == server] == [SLEEPING] * 3


def test_a_message_wakes_only_the_thread_of_its_client() -> None:
    played = play(SCENE)
    server = played.pid("bio_server.py")
    start, stop = played.chapter("A second client, a third thread"), played.chapter("One is woken")
    woken = [event.tid for event in played.of(TaskWoken, start=start, stop=stop) if event.tid != server]
    of_server = [tid for tid in woken if played.program_of[tid] == "bio_server.py"]
    assert len(of_server) == 1
    assert of_server[0] == played.events[stop].task


def test_to_wake_it_threads_were_switched_which_costs_many_times_a_system_call() -> None:
    played = play(SCENE)
    start, stop = played.chapter("A second client, a third thread"), played.chapter("One is woken")
    assert played.events[stop].task in [event.next for event in played.of(TaskSwitched, start=start, stop=stop)]
    costs = load_costs()
    assert costs.context_switch + costs.wakeup > 5 * (costs.trap + costs.sysret)


def test_a_thread_has_the_process_s_memory_and_descriptors_and_a_stack_of_its_own() -> None:
    played = play(SCENE)
    (clone, *_) = played.entered("clone", "bio_server.py")
    flags = clone.args[0]
    assert isinstance(flags, int)
    assert flags & SHARED == SHARED
    place = played.chapter("A second client, a third thread")
    world = played.world(place + 1)
    server = played.pid("bio_server.py")
    frames = {task.id: world.frames[task.id] for task in world.tasks.values() if task.process == server}
    assert len(frames) == 3  # each has what it left in user mode on a kernel stack of its own
    assert sorted(name_of(frame.nr) for frame in frames.values()) == ["accept4", "recvfrom", "recvfrom"]


def test_threads_end_with_their_clients_and_main_sleeps_on() -> None:
    played = play(SCENE)
    assert len(played.of(TaskExited, "bio_server.py")) == 2
    last = played.world()
    assert last.tasks[played.pid("bio_server.py")].wchan == "inet_csk_accept"
    assert last.runs[1].ended == "stalled"


def test_short_time_slices_switch_more_and_print_the_same() -> None:
    played, short = play(SCENE), play(SCENE, time_slice="5us")
    assert not played.of(TaskPreempted)
    assert short.of(TaskPreempted)
    assert sorted(short.printed("bio_server.py")) == sorted(played.printed("bio_server.py"))


def test_on_this_computer() -> None:
    times = int(shown(SCENE, 1).split()[-2])
    assert times < 100  # of 100,000 calls
    assert "Address already in use" in shown(SCENE, 2)
