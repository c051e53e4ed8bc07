"""What the scene bio-threads claims."""

from __future__ import annotations

from ioviz.model.task import SLEEPING, TaskExited, TaskPreempted, TaskWoken
from tests.scenes.played import play, shown, socket_of

SCENE = "bio-threads"


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
