"""A scene that was played to its end, to be asked what its chapters claim: events, calls, the world at any place."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import pytest

from ioviz.lesson.anchor import find_anchors
from ioviz.lesson.scene import load_scene
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.lists import walk
from ioviz.model.syscalls import BY_NAME
from ioviz.model.task import ProcessStarted, TaskCreated
from ioviz.model.terminal import TextPrinted
from ioviz.session import Session, setup_of
from ioviz.view.moment import Moment
from ioviz.view.panels import PANELS

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.model.socket import Socket
    from ioviz.model.world import World

E = TypeVar("E", bound="Event")


class Played:
    """The whole run of scene `name` with some knobs turned."""

    def __init__(self, name: str, knobs: tuple[tuple[str, str], ...]) -> None:
        self.scene = load_scene(name)
        setup = setup_of(self.scene)
        for knob, value in knobs:
            setup = replace(setup, config=setup.config.turned(knob, value))
        session = Session(setup)
        while not session.advance(10_000):
            pass
        self.log = session.timeline
        self.events: list[Event] = list(self.log.events(0, len(self.log)))
        self.chapters = find_anchors(self.events, [chapter.at for chapter in self.scene.chapters])
        names: dict[int, str] = {}
        self.program_of: dict[int, str] = {}
        """Task → the file name of its program."""
        for event in self.events:
            if isinstance(event, ProcessStarted):
                names[event.pid] = event.name.rpartition("/")[2]
            elif isinstance(event, TaskCreated):
                self.program_of[event.tid] = names.get(event.pid, "")

    def world(self, place: int | None = None) -> World:
        """The world after the first `place` events, by default at the end. Valid until the next question."""
        return self.log.world(len(self.log) if place is None else place)

    def chapter(self, title: str) -> int:
        """The place (a seq) of the chapter with the English title `title`."""
        for place, chapter in zip(self.chapters, self.scene.chapters, strict=True):
            if chapter.title.en == title:
                assert place is not None, f"chapter {title!r} is not in this run"
                return place
        raise KeyError(title)

    def at(self, title: str) -> World:
        """The world as it is at the chapter `title`."""
        return self.world(self.chapter(title) + 1)

    def of(self, kind: type[E], program: str | None = None, start: int = 0, stop: int | None = None) -> list[E]:
        """The events of `kind` (in places `start` to `stop`), made by a task of `program`."""
        chosen = self.events[start:stop]
        return [
            event
            for event in chosen
            if isinstance(event, kind) and (program is None or self.program_of.get(event.task) == program)
        ]

    def returns(self, call: str, program: str | None = None, start: int = 0, stop: int | None = None) -> list[int]:
        """What the calls of `call` by `program` returned, in order."""
        nr = BY_NAME[call].nr
        return [event.ret for event in self.of(SyscallReturned, program, start, stop) if event.nr == nr]

    def entered(self, call: str, program: str | None = None) -> list[TrapEntered]:
        """The entries into the kernel for `call`."""
        nr = BY_NAME[call].nr
        return [event for event in self.of(TrapEntered, program) if event.nr == nr]

    def printed(self, program: str) -> str:
        """What `program` wrote to its terminal."""
        data = b"".join(event.data for event in self.of(TextPrinted) if self.program_of.get(event.task) == program)
        return data.decode()

    def panel(self, name: str, place: int, width: int, height: int) -> str:
        """What the panel `name` shows in English after the event at `place` (a seq)."""
        panel = next(panel for panel in PANELS if panel.id == name)
        moment = Moment(self.world(place + 1), self.events[place], place + 1, 0, 1, "en", False, 1)
        return panel.render(moment, width, height).plain

    def pid(self, program: str, nth: int = 1) -> int:
        """The process number of the `nth` process that runs `program`."""
        pids = [event.pid for event in self.of(ProcessStarted) if event.name.rpartition("/")[2] == program]
        return pids[nth - 1]


@lru_cache(maxsize=4)
def _play(name: str, knobs: tuple[tuple[str, str], ...]) -> Played:
    return Played(name, knobs)


def play(name: str, **knobs: str) -> Played:
    """The scene `name`, played to its end."""
    return _play(name, tuple(sorted(knobs.items())))


def socket_of(world: World, pid: int, fd: int) -> Socket:
    """The socket that descriptor `fd` of process `pid` names."""
    return world.sockets[world.files[world.fds[pid << 24 | fd].file].obj]


def ready_fds(world: World, ep: int) -> list[int]:
    """The descriptors on the ready list of instance `ep`, first to last."""
    return [world.epitems[item].fd for item in walk(world.ready_lists, ep, world.ready_links)]


def shape(world: World, node: int) -> object:
    """The tree below `node` as nested tuples: (left, "7 red", right), None for nothing; a number is a descriptor."""
    if not node:
        return None
    row = world.rb_nodes[node]
    name = f"{world.epitems[node].fd} {'red' if row.red else 'black'}"
    return (shape(world, row.left), name, shape(world, row.right))


def measured(name: str, number: int) -> list[float]:
    """The numbers that command `number` of the scene's article page prints. What they are is this computer's business,
    and a busy one's above all: a test asks that they are there, and what holds however long a thing takes."""
    return [float(text) for text in re.findall(r"\d+(?:\.\d+)?", shown(name, number))]


def shown(name: str, number: int) -> str:
    """What the command of entry `number` (from 1) of the scene's article page prints on this computer's kernel."""
    command = load_scene(name).article[number - 1].command
    assert command is not None
    if sys.platform != "linux":
        pytest.skip("asks the Linux kernel")
    if "fromhex" in command and platform.machine() != "x86_64":
        pytest.skip("machine code of x86-64")
    at_terminal = {**os.environ, "PYTHONUNBUFFERED": "1"}  # lines come out in the order in which a person sees them
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False, env=at_terminal
    )
    return done.stdout + done.stderr
