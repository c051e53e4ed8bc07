"""From power on to processes: the order of things, what is true at each stage, and that it is a run as any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.lesson.narration import narrate
from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import MAIN, PEER, Launch
from ioviz.machine.user.loader import load_program
from ioviz.model.cpu import ExceptionRaised, IrqEntered, SyscallReturned, TrapEntered
from ioviz.model.disk import BlocksLoaded
from ioviz.model.event import Event
from ioviz.model.host import RunEnded
from ioviz.model.idt import DISK, PAGE_FAULT
from ioviz.model.invariants import Checker
from ioviz.model.memory import PageMapped
from ioviz.model.syscalls import SYS
from ioviz.model.task import TaskSlept
from ioviz.model.trap_steps import steps_of
from ioviz.model.world import World
from ioviz.session import Session, Setup
from ioviz.view.moment import Moment
from ioviz.view.panels import PANELS


def played(folder: Path, **programs: str) -> list[Event]:
    launches = []
    for number, (name, text) in enumerate(programs.items()):
        (folder / f"{name}.py").write_text(text)
        loaded = load_program(f"{name}.py", cwd=str(folder))
        launches.append(Launch(loaded, PEER if number else MAIN, delay=number * 10**6))
    session = Session(Setup(tuple(launches), Config(boot="full")))
    while not session.advance(10_000):
        pass
    log = list(session.timeline.events(0, len(session.timeline)))
    session.close()
    return log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    script = "#!/usr/bin/python3\nimport ioviz\nprint(ioviz.peek(0xa00000))\n"
    return played(tmp_path_factory.mktemp("boot"), hello="print('hello')\n", script=script)


def test_the_kernel_is_first_and_programs_become_processes(log: list[Event]) -> None:
    kinds = [type(event).__name__ for event in log]
    story = ["PoweredOn", "BootLoaderStarted", "KernelLoaded", "ProtectionEnabled", "IdtLoaded", "HostBooted"]
    story += ["ProcessStarted", "TaskCreated", "ProgramLoaded", "PageMapped", "LineReached", "RunEnded"]
    assert sorted(story, key=kinds.index) == story
    assert [event.name for event in log if isinstance(event, BlocksLoaded)] == [
        "boot loader",
        "kernel",
        "/sbin/init",
        "/usr/bin/python3",
        "script.py",
    ], "the interpreter is in the page cache when the second program needs it"


def test_nobody_is_interrupted_before_there_is_a_table(log: list[Event]) -> None:
    world = World()
    irqs = 0
    for event in log:
        event.apply(world)
        if isinstance(event, IrqEntered) and event.vector == DISK:
            irqs += 1
            assert world.boots[1].idt_base
            assert world.boots[1].mode == "protected"
    assert irqs == 3


def test_a_program_sleeps_while_the_disk_reads_and_its_first_instruction_faults(log: list[Event]) -> None:
    calls = [event for event in log if isinstance(event, TrapEntered) and event.nr == SYS.execve]
    assert [event.args[0] for event in calls] == ["/sbin/init", "/usr/bin/python3", "script.py"]
    slept = [event for event in log if isinstance(event, TaskSlept) and event.wchan == "folio_wait_bit_common"]
    assert [event.task for event in slept] == [1, 101, 102]
    forks = [event.ret for event in log if isinstance(event, SyscallReturned) and event.nr == SYS.clone]
    assert forks == [101, 102]
    faults = [event for event in log if isinstance(event, ExceptionRaised)]
    assert [(event.task, event.vector, event.error) for event in faults] == [
        (1, PAGE_FAULT, 0x14),
        (101, PAGE_FAULT, 0x14),
        (102, PAGE_FAULT, 0x14),
        (102, PAGE_FAULT, 0x4),
    ], "an instruction each, and the data that the script looked at"
    pages = [event for event in log if isinstance(event, PageMapped)]
    assert all(event.frame and not event.writable for event in pages), "pages of the file"


def test_the_world_is_right_after_every_event_and_every_event_is_told(log: list[Event]) -> None:
    world = World()
    checker = Checker(world)
    for event in log:
        english, chinese = narrate(world, event, "en"), narrate(world, event, "zh")
        assert english not in ("", chinese)
        event.apply(world)
        assert checker.after(event) == [], event
        for lang in ("en", "zh"):
            moment = Moment(world, event, event.seq + 1, 0, len(steps_of(event)), lang, False, 1)
            for panel in PANELS:
                panel.key(moment)
                assert panel.render(moment, 60, 8).plain.count("\n") < 8
                panel.line(moment, 38)
    assert not any(pid != 1 for pid in world.images)


def test_the_run_ends_as_without_it(log: list[Event], tmp_path: Path) -> None:
    end = log[-1]
    assert isinstance(end, RunEnded)
    assert (end.reason, end.code) == ("exit", 0)
    last = played(tmp_path, stuck="import socket\na, b = socket.socketpair()\na.recv(1)\n")[-1]
    assert isinstance(last, RunEnded)
    assert (last.reason, last.code) == ("stalled", 125)
    assert "init" not in last.message
