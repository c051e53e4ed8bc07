"""Questions are computed from the run: what they offer, what is right, and that the world says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.lesson.anchor import Anchor
from ioviz.lesson.questions import KINDS, Asked, QuestionError, check_question, offered, pose
from ioviz.lesson.scene import Question, find_scenes
from ioviz.machine.launch import Launch
from ioviz.machine.user.loader import load_program
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.eventpoll import EventDelivered, ReadyLinked
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import TaskSlept, TaskSwitched
from ioviz.session import Session, Setup, setup_of
from ioviz.trace.timeline import Timeline


def log_of(folder: Path, text: str) -> Timeline:
    """The whole run of a program."""
    file = folder / "main.py"
    file.write_text(text)
    return whole(Session(Setup((Launch(load_program(str(file), ())),))))


def whole(session: Session) -> Timeline:
    while not session.advance(10_000):
        pass
    session.close()
    return session.timeline


def asked(log: Timeline, ask: str, call: str, nth: int = 1, kind: type = SyscallReturned) -> Asked:
    """The question about the `nth` return from `call`."""
    places = [
        n for n, e in enumerate(log.events(0, len(log))) if type(e) is kind and getattr(e, "nr", -1) == BY_NAME[call].nr
    ]
    found = pose(log, ask, places[nth - 1])
    assert found is not None
    return found


def right(question: Asked, lang: str = "en") -> list[str]:
    return [question.choices[place].of(lang) for place in sorted(question.right)]


PAIR = """
import socket, select
a, b = socket.socketpair()
c, d = socket.socketpair()
"""


def test_epoll_wait_returns_what_is_still_ready(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        PAIR
        + """
ep = select.epoll()
for s in (a, b, c, d):
    ep.register(s, select.EPOLLIN)
a.send(b"x")
c.send(b"y")
b.recv(1)
print(ep.poll())
""",
    )
    question = asked(log, "ready", "epoll_wait")
    assert right(question) == ["fd 6, a socket"]  # fd 4 was linked too, but it is drained
    assert [choice.en[:4] for choice in question.choices] == ["fd 3", "fd 4", "fd 5", "fd 6"]
    assert question.several
    # both were on the ready list where the question is asked, and the program does not know yet
    world = log.world(question.stop)
    assert sum(queue.count for queue in world.ready_lists.values()) == 2
    assert isinstance(log.event(question.show - 1), SyscallReturned)


def test_a_wait_that_slept_is_asked_about_when_it_was_woken(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        PAIR
        + """
import threading, time
def late():
    time.sleep(0.1)
    c.send(b"x")
threading.Thread(target=late).start()
print(select.select([b, d], [], []))
""",
    )
    question = asked(log, "ready", "select")
    assert right(question) == ["fd 6, a socket"]
    assert len(question.choices) == 2
    assert log.event(question.stop).t >= 100_000_000
    assert asked(log, "blocks", "select").right == {0}
    assert asked(log, "blocks", "select", kind=TrapEntered) == asked(log, "blocks", "select")


def test_a_time_out_returns_nothing(tmp_path: Path) -> None:
    log = log_of(tmp_path, PAIR + "p = select.poll()\np.register(b, select.POLLIN)\nprint(p.poll(5))\n")
    question = asked(log, "ready", "poll")
    assert question.right == frozenset()
    assert question.choices[0].zh == "fd 4，socket"
    assert asked(log, "blocks", "poll").right == {0}


def test_results_offer_what_one_might_expect(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        PAIR
        + """
b.setblocking(False)
a.send(b"123456")
b.recv(4)
b.recv(4)
try:
    b.recv(4)
except OSError:
    pass
""",
    )
    first, second, third = (asked(log, "result", "recvfrom", nth) for nth in (1, 2, 3))
    assert [choice.en for choice in first.choices] == ["0", "4", "6", "-1, EAGAIN"]
    assert [right(one) for one in (first, second, third)] == [["4"], ["2"], ["-1, EAGAIN"]]
    assert asked(log, "blocks", "recvfrom", 3).right == {1}


def test_a_call_that_never_returns_sleeps(tmp_path: Path) -> None:
    log = log_of(tmp_path, PAIR + "b.recv(1)\n")
    question = asked(log, "blocks", "recvfrom", kind=TrapEntered)
    assert question.right == {0}
    place = question.stop - 1
    assert pose(log, "result", place) is None
    assert pose(log, "ready", place) is None


def test_the_ready_list_and_the_next_task_are_as_the_world_says() -> None:
    counted = 0
    for scene in find_scenes()[:8]:
        log = whole(Session(setup_of(scene)))
        for place, event in enumerate(log.events(0, len(log))):
            if isinstance(event, (ReadyLinked, EventDelivered)):
                question = pose(log, "readylist", place)
                assert question is not None
                world = log.world(place + 1)
                fds = {world.epitems[item].fd for item in world.ready_links if world.epitems[item].ep == event.ep}
                assert {int(name.split()[1].rstrip(",")) for name in right(question)} == fds
                counted += 1
            if isinstance(event, TaskSwitched):
                question = pose(log, "next", place)
                if question is not None:
                    idle = question.choices[-1].en in right(question)
                    assert idle == (event.next == 0)
                    counted += 1
    assert counted > 20


def test_in_any_run_something_can_be_asked_and_every_answer_comes_after_its_question() -> None:
    for scene in find_scenes()[:8]:
        log = whole(Session(setup_of(scene)))
        kinds = set()
        for place in range(len(log)):
            question = offered(log, place)
            if question is not None:
                kinds.add(question.kind)
                assert place < question.stop <= question.show <= len(log)
                assert question.right <= set(range(len(question.choices)))
                assert question.several or len(question.right) == 1
                if question.kind == "blocks" and question.right == {0}:
                    assert isinstance(log.event(question.because), TaskSlept)
        assert kinds <= set(KINDS)


@pytest.mark.parametrize(
    ("anchor", "ask", "complaint"),
    [
        (Anchor("TrapEntered"), "next", "TaskSwitched"),
        (Anchor("TaskSlept"), "blocks", "TrapEntered or SyscallReturned"),
        (Anchor("SyscallReturned", call="recvfrom"), "ready", "epoll_wait"),
    ],
)
def test_what_cannot_be_asked_there_is_refused(anchor: Anchor, ask: str, complaint: str) -> None:
    with pytest.raises(QuestionError, match=complaint):
        check_question(Question(anchor, ask))  # type: ignore[arg-type]
