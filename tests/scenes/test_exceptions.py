"""What the scene `exceptions` claims."""

from __future__ import annotations

import pytest

from ioviz.model.cpu import ExceptionRaised, ExceptionReturned, TrapEntered
from ioviz.model.event import file_and_line
from ioviz.model.memory import ZERO_PAGE, PageMapped
from ioviz.model.signals import SignalDelivered
from ioviz.model.task import ProcessExited
from tests.scenes.played import play, shown


def test_mmap_only_promises() -> None:
    world = play("exceptions").at("Promised, not there")
    (mapping,) = world.mappings.values()
    assert (mapping.pages, len(world.memory_pages)) == (3, 0)


def test_the_same_line_goes_on_after_a_fault_that_is_served() -> None:
    scene = play("exceptions")
    raised, returned = scene.of(ExceptionRaised, "pages.py"), scene.of(ExceptionReturned, "pages.py")
    assert len(raised) == len(returned) == 3
    for before, after in zip(raised, returned, strict=True):
        assert file_and_line(before.at) == file_and_line(after.at)
        assert not scene.of(TrapEntered, "pages.py", before.seq, after.seq)  # nobody called the kernel
        assert (scene.world(before.seq + 1).cpus[1].ring, scene.world(after.seq + 1).cpus[1].ring) == (0, 3)


def test_read_write_and_the_next_page() -> None:
    scene = play("exceptions")
    assert [(event.vector, event.error) for event in scene.of(ExceptionRaised, "pages.py")] == [
        (14, 4),
        (14, 7),
        (14, 6),
    ]
    first, own, other = scene.of(PageMapped)
    assert (first.frame, first.writable) == (ZERO_PAGE, False)
    assert (own.writable, other.writable) == (True, True)
    assert own.number == first.number == other.number - 1
    assert len({event.number for event in scene.of(PageMapped)}) == 2  # the third page is never touched
    assert scene.printed("pages.py").splitlines()[1:] == ["read: 0", "read again: 42", "still here: 42"]


def test_only_the_second_division_is_the_cpus() -> None:
    scene = play("exceptions")
    assert not scene.of(ExceptionRaised, "divide.py", stop=scene.chapter("Python looks first"))
    (raised,) = scene.of(ExceptionRaised, "divide.py")
    assert raised.vector == 0
    assert not scene.of(ExceptionReturned, "divide.py")
    assert [event.number for event in scene.of(SignalDelivered, "divide.py")] == [8]
    ended = {event.pid: (event.code, event.signal) for event in scene.of(ProcessExited)}
    assert ended[scene.pid("divide.py")] == (136, 8)
    assert ended[scene.pid("pages.py")] == (0, 0)
    assert "never reached" not in scene.printed("divide.py")


def test_what_the_dead_one_had_is_given_back() -> None:
    scene = play("exceptions")
    dead = scene.pid("divide.py")
    world = scene.world()
    assert not [page for page in world.memory_pages.values() if page.pid == dead]
    assert not [key for key in world.fds if key >> 24 == dead]


def test_the_address_is_in_cr2_and_copy_on_write_needs_a_page_that_is_there() -> None:
    scene = play("exceptions")
    first, own, other = scene.of(ExceptionRaised, "pages.py")
    assert first.address == own.address
    assert other.address == first.address + 4096
    assert (first.error & 1, own.error & 1, other.error & 1) == (0, 1, 0)  # present: only at the first write


@pytest.mark.parametrize("knobs", [{"bits": "32"}, {"entry": "syscall"}])
def test_the_vectors_stay(knobs: dict[str, str]) -> None:
    vectors = [[event.vector for event in play("exceptions", **turned).of(ExceptionRaised)] for turned in ({}, knobs)]
    assert vectors[0] == vectors[1] == [14, 14, 14, 0]
    if "bits" in knobs:
        assert all(event.address < 3 << 30 for event in play("exceptions", **knobs).of(ExceptionRaised))


def test_on_linux() -> None:
    pages, faults = shown("exceptions", 1).removeprefix("pages ").split(", faults ")
    assert abs(int(faults) - int(pages)) < 50
    assert shown("exceptions", 2).endswith("exit code 136\n")
