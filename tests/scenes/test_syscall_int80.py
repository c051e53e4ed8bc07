"""What the scene `syscall-int80` claims."""

from __future__ import annotations

import pytest

from ioviz.model.boot import IdtLoaded
from ioviz.model.cpu import NO_VECTOR, VECTOR_SYSCALL, TrapEntered
from ioviz.model.idt import IDT
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import TaskSwitched
from ioviz.model.trap_steps import registers, steps_of
from tests.scenes.played import play, shown

WRITE = BY_NAME["write"].nr


@pytest.mark.parametrize(
    ("entry", "title", "vector"), [("int80", "int 0x80", VECTOR_SYSCALL), ("syscall", "syscall", NO_VECTOR)]
)
def test_ring_3_ring_0_and_back(entry: str, title: str, vector: int) -> None:
    scene = play("syscall-int80", entry=entry)
    pid = scene.pid("hello.py")
    rings = []
    for chapter in ("In ring 3", title, "The same task, in the kernel", "And back"):
        cpu = scene.at(chapter).cpus[1]
        rings.append(cpu.ring)
        assert cpu.task == pid  # nobody else ever has the CPU
    assert rings == [3, 0, 0, 3]
    entered = scene.events[scene.chapter(title)]
    assert isinstance(entered, TrapEntered)
    assert (entered.vector, entered.nr) == (vector, WRITE)
    assert entered.args[2] == 14


def test_the_registers_are_saved_while_it_is_in_the_kernel() -> None:
    scene = play("syscall-int80")
    pid = scene.pid("hello.py")
    assert pid not in scene.at("In ring 3").frames
    frame = scene.at("int 0x80").frames[pid]
    assert (frame.vector, frame.nr) == (VECTOR_SYSCALL, WRITE)


def test_each_entry_has_its_own_numbers() -> None:
    call = BY_NAME["write"]
    assert (call.nr32, call.nr) == (4, 1)


def test_the_call_gives_nothing_up() -> None:
    scene = play("syscall-int80")
    start, stop = scene.chapter("int 0x80"), scene.chapter("And back")
    assert not scene.of(TaskSwitched, start=start, stop=stop)
    assert scene.returns("write", "hello.py") == [14]


@pytest.mark.parametrize(
    ("entry", "title", "allowed"),
    [("int80", "int 0x80", [True] * 3 + [False] * 2 + [True] * 2), ("syscall", "syscall", [False] * 3 + [True] * 2)],
)
def test_on_the_way_in_and_out_interrupts_are_off(entry: str, title: str, allowed: list[bool]) -> None:
    scene = play("syscall-int80", entry=entry)
    steps = {}
    for what in (title, "And back"):
        event = scene.events[scene.chapter(what)]
        held = [registers(event, step) for step in range(1, len(steps_of(event)) + 1)]
        steps[what] = [one.intr for one in held if one is not None]
    assert steps[title] == allowed
    assert steps["And back"] == [True, False, True]
    assert scene.at(title).cpus[1].intr  # the handler itself runs with interrupts allowed


def test_what_a_program_may_name_and_how_large_the_table_is() -> None:
    assert [vector for vector, gate in IDT.items() if gate.dpl == 3] == [3, 4, 0x80]
    (loaded,) = play("boot").of(IdtLoaded)
    assert loaded.limit == 256 * 16 - 1


def test_on_linux() -> None:
    words = shown("syscall-int80", 1).split()
    assert int(words[1]) > 50 * int(words[4])  # syscall: many  int 0x80: next to none
    called, asked = shown("syscall-int80", 2).strip()[1:-1].split("] [")
    assert called == asked  # one vector, three calls
    size, address = shown("syscall-int80", 3).split()[1::2]
    assert int(size) in {0, 0xFFF}
    assert int(address, 16) > 1 << 63  # in the kernel's half
    assert shown("syscall-int80", 4).endswith("exit code 139\n")
    numbers = shown("syscall-int80", 5).split()
    assert float(numbers[4]) > float(numbers[1])  # system time, not user time
    assert int(shown("syscall-int80", 6)) == 0
    assert shown("syscall-int80", 7).startswith("230 0x")
    assert int(shown("syscall-int80", 8)) > 300
