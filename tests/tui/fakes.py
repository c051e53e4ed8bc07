"""Small stand-ins for the floors below, so that the shell is tested by itself: a log of events, panels that count."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from ioviz.lesson.scene import Scene
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event, file_and_line
from ioviz.model.host import HostBooted, RunEnded, RunStarted
from ioviz.model.task import LineReached, ProcessStarted, SourceLoaded, TaskCreated, TaskSwitched
from ioviz.model.terminal import TextPrinted
from ioviz.model.world import World
from ioviz.trace.timeline import Timeline

PROGRAM = "import os\n\nfor i in range(5):\n    os.write(1, b'hello')\n"


def events(loops: int = 5, trigger: str = "as-written") -> list[Event]:
    """A run in which one program writes `loops` times."""
    log: list[Event] = []
    at = 1 << 16

    def emit(kind: Any, *fields: Any, task: int = 101, line: int = 0, cause: int = -1) -> None:
        log.append(kind(len(log), len(log) * 1000, 1, task, cause, 0, at | line if line else 0, *fields))

    emit(RunStarted, 0, (("trigger", trigger), ("entry", "int80")), task=0)
    emit(HostBooted, 1, "host1", "10.0.0.1", task=0)
    emit(ProcessStarted, 101, 1, "hello.py", ("hello.py",), "main", task=0)
    emit(SourceLoaded, 1, "/home/guest/hello.py", PROGRAM, task=0)
    emit(TaskCreated, 101, 101, 1, task=0, cause=2)
    emit(TaskSwitched, 0, 101, task=0, cause=4)
    for _ in range(loops):
        emit(LineReached, line=3)
        emit(LineReached, line=4)
        entered = len(log)
        emit(TrapEntered, 0x80, 1, (1, "hello", 5), line=4)
        emit(TextPrinted, 101, 1, b"hello" if trigger != "et" else b"HELLO", line=4, cause=entered)
        emit(SyscallReturned, 1, 5, line=4, cause=entered)
    emit(RunEnded, "exit", "", 0, task=0)
    return log


class FakeSource:
    """A run that is made of `events`, a slice at a time."""

    def __init__(self, made: Sequence[Event] | None = None, scene: Scene | None = None, whole: bool = True) -> None:
        self._made = list(events() if made is None else made)
        self.timeline = Timeline()
        self.scene = scene
        self.title = "hello.py"
        self.closed = False
        self.slices = 0
        if whole:
            self.advance(len(self._made))

    @property
    def ended(self) -> bool:
        return len(self.timeline) == len(self._made)

    def advance(self, max_events: int, /) -> bool:
        self.slices += 1
        done = len(self.timeline)
        for event in self._made[done : done + max_events]:
            self.timeline.append(event)
        self.timeline.pack()
        return self.ended

    def knob(self, name: str, /) -> str:
        first = self._made[0]
        assert isinstance(first, RunStarted)
        return dict(first.knobs).get(name, "")

    def turned(self, name: str, value: str, /) -> FakeSource | None:
        return FakeSource(events(trigger=value), self.scene)

    def close(self) -> None:
        self.closed = True


class FakeMoment(NamedTuple):
    world: World
    event: Event | None
    position: int
    step: int
    steps: int
    lang: str
    ascii: bool
    host: int


class FakePanel(NamedTuple):
    """Shows a table of the world as text."""

    id: str
    floor: str
    title: dict[str, str]

    def key(self, moment: FakeMoment) -> Hashable:
        return self._text(moment)

    def render(self, moment: FakeMoment, width: int, height: int) -> Text:
        return Text(self._text(moment))

    def line(self, moment: FakeMoment, width: int) -> Text:
        return Text(self._text(moment).replace("\n", " "))

    def _text(self, moment: FakeMoment) -> str:
        world = moment.world
        if self.id == "source":
            at = world.lines.get(101, 0)
            return f"line {file_and_line(at)[1]}"
        if self.id == "terminal":
            return "".join(text for row in world.terminals.values() for text in row.printed)
        if self.id == "cpu":
            return "\n".join(f"ring {row.ring} task {row.task} step {moment.step}" for row in world.cpus.values())
        if self.id == "broken" and moment.position > 8:
            raise ValueError("no picture")
        return "-"


PANELS = (
    FakePanel("source", "user", {"en": "Source", "zh": "源码"}),
    FakePanel("terminal", "user", {"en": "Terminal", "zh": "终端"}),
    FakePanel("cpu", "hardware", {"en": "CPU", "zh": "处理器"}),
    FakePanel("sched", "kernel", {"en": "Run queue", "zh": "运行队列"}),
    FakePanel("broken", "kernel", {"en": "Broken", "zh": "坏的"}),
)


def narrate(world: World, event: Event, lang: str) -> str:
    return f"{'事件' if lang == 'zh' else 'event'} {event.seq}: {type(event).__name__}"


def steps(event: Event) -> int:
    return 5 if isinstance(event, TrapEntered) else 0
