"""What the scene thundering-herd claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ioviz.lesson.narration import narrate
from ioviz.model.eventpoll import EventDelivered, ReadyLinked
from ioviz.model.lists import walk
from ioviz.model.poll_bits import EPOLLONESHOT
from ioviz.model.task import TaskSlept, TaskWoken
from ioviz.model.terminal import TextPrinted
from tests.cli.programs import ioviz
from tests.scenes.played import Played, play, ready_fds, shown

SCENE = "thundering-herd"


def reported(played: Played) -> list[int]:
    """In how many threads epoll_wait reported the event, round by round."""
    writes = [event.seq for event in played.entered("write", "herd.py") if event.args[0] == 3]
    ends = [*writes[1:], len(played.events)]
    return [len(played.of(EventDelivered, start=start, stop=stop)) for start, stop in zip(writes, ends, strict=True)]


def test_how_many_return() -> None:
    assert reported(play(SCENE)) == [3, 1, 1, 3, 1]
    assert reported(play(SCENE, trigger="et")) == [1, 1, 1, 3, 1]
    lines = play(SCENE).printed("herd.py").splitlines()
    assert lines[0] == "one epoll, LT: 3 woken [1, 2, 3]"
    assert [line.split(" woken")[0][-1] for line in lines] == ["3", "1", "1", "3", "1"]


def test_the_last_to_sleep_is_first_in_the_queue() -> None:
    played = play(SCENE)
    place = played.chapter("Three asleep, the last one first in the queue")
    slept = [event for event in played.of(TaskSlept, stop=place + 1) if event.wchan == "ep_poll"]
    world = played.world(place + 1)
    (queue,) = slept[-1].queues
    tasks = [world.wait_entries[entry].task for entry in walk(world.wait_queues, queue, world.wait_links)]
    assert tasks == [event.task for event in reversed(slept)]
    assert all(world.wait_entries[entry].exclusive for entry in walk(world.wait_queues, queue, world.wait_links))
    woken = played.events[played.chapter("One write wakes one thread")]
    assert isinstance(woken, TaskWoken)
    assert woken.tid == tasks[0]


def test_level_triggered_each_wakes_the_next() -> None:
    played = play(SCENE)
    woken = played.events[played.chapter("LT: and it wakes the next") + 1]
    first = played.events[played.chapter("One write wakes one thread")]
    assert isinstance(woken, TaskWoken)
    assert woken.task == first.tid  # type: ignore[attr-defined]
    assert ready_fds(played.at("LT: and it wakes the next"), played.of(ReadyLinked)[0].ep) == [3]


def test_oneshot_is_disarmed() -> None:
    played = play(SCENE)
    event = played.events[played.chapter("ONESHOT: reported once, then disarmed")]
    assert isinstance(event, EventDelivered)
    world = played.world(event.seq)
    before = world.epitems[event.item].events
    after = played.world(event.seq + 1).epitems[event.item].events
    assert before & EPOLLONESHOT
    assert after == EPOLLONESHOT
    assert ready_fds(played.world(event.seq + 1), event.ep) == []
    assert "One-shot" in narrate(played.world(event.seq), event, "en")
    edge = played.events[played.chapter("ET: one thread, and silence")]
    assert "边缘触发" in narrate(played.world(edge.seq), edge, "zh")
    assert "ONESHOT  disarmed until MOD" in played.panel("eventpoll", event.seq, 70, 12)
    assert "disarmed" not in played.panel("eventpoll", event.seq - 1, 70, 12)


def test_edge_triggered_each_chapter_is_still_about_its_own_round() -> None:
    played = play(SCENE, trigger="et")
    titles = [chapter.title.en for chapter in played.scene.chapters]
    assert played.chapters[titles.index("LT: and it wakes the next")] is None
    for title, oneshot in (("ET: one thread, and silence", 0), ("ONESHOT: reported once, then disarmed", EPOLLONESHOT)):
        event = played.events[played.chapter(title)]
        assert isinstance(event, EventDelivered)
        assert played.world(event.seq).epitems[event.item].events & EPOLLONESHOT == oneshot
    lines = played.printed("herd.py").splitlines()[:3]
    assert [line.split(": ")[0] for line in lines] == ["one epoll, LT", "one epoll, ET", "one epoll, ONESHOT"]
    assert len(played.of(TextPrinted, stop=played.chapter("ET: one thread, and silence"))) == 1
    assert len(played.of(TextPrinted, stop=played.chapter("ONESHOT: reported once, then disarmed"))) == 2


def test_the_queue_of_the_file_is_named_by_what_it_is() -> None:
    played = play(SCENE)
    place = played.chapter("An epoll for each thread")
    told = played.panel("wait", place, 90, 12)
    assert told.startswith("eventfd fd 3  ")
    assert told.count("ep_poll_callback(fd 3)") == 3
    for title in ("An epoll for each thread", "The herd", "EXCLUSIVE: one of the three"):  # as much room as at 80x24
        assert played.panel("wait", played.chapter(title), 33, 9).count("ep_poll_callback(fd 3)") == 3


def test_the_herd_and_exclusive() -> None:
    played = play(SCENE)
    herd = played.chapter("The herd")
    links = played.of(ReadyLinked, start=herd - 5, stop=herd + 1)
    assert len({link.ep for link in links}) == 3
    place = played.chapter("EXCLUSIVE: one of the three")
    (link,) = played.of(ReadyLinked, start=herd + 1, stop=place + 1)
    world = played.world(place + 1)
    watching = [item for item in world.epitems.values() if item.file == world.epitems[link.item].file]
    assert len(watching) == 3
    assert link.item == min(item.id for item in watching)  # the first registered


ALL = """
import os, select, threading, time
reader, writer = os.pipe()
back = []
def wait(ask):
    if ask():
        back.append(ask)
poller = select.poll()
poller.register(reader, select.POLLIN)
asks = [lambda: select.select([reader], [], [], 5)[0], lambda: select.select([reader], [], [], 5)[0],
        lambda: [p for p in [select.poll()] if p.register(reader, 1) or p.poll(5000)]]
threads = [threading.Thread(target=wait, args=(ask,)) for ask in asks]
for thread in threads:
    thread.start()
time.sleep(0.2)
os.write(writer, b"x")
for thread in threads:
    thread.join()
print(len(back))
"""


def test_select_and_poll_wake_all_who_wait(tmp_path: Path) -> None:
    program = tmp_path / "all.py"
    program.write_text(ALL)
    assert ioviz("exec", program).out == "3\n"
    if sys.platform == "linux":
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
        assert done.stdout == "3\n"


def test_on_this_computer() -> None:
    assert shown(SCENE, 1) == "LT 3\nET 1\nONESHOT 1\n"
