"""A run and what is watched of it: the only place where a source of events meets a timeline.

`Session` runs programs on the machine, slice by slice, onto a timeline; `Replay` is a timeline that was recorded. Both
are what the stage calls a source. A session can be run again with a knob turned: guests cannot be rewound, but the same
programs, inputs, knobs and seed give the same run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ioviz.machine.hardware.inputs import Input
from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.launch import MAIN, PEER, REMOTE, Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.host import RunStarted
from ioviz.trace.recording import Loader
from ioviz.trace.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from ioviz.lesson.scene import Scene, SceneProgram
    from ioviz.model.world import World

SLICE: Final = 2_048
"""Events after which the log is packed and a keyframe may be taken."""


@dataclass(frozen=True)
class Setup:
    """All that a run depends on."""

    launches: tuple[Launch, ...]
    config: Config = field(default_factory=Config)
    seed: int = 0
    lines: bool | Literal["once"] = True
    limits: Limits = field(default_factory=Limits)
    scene: Scene | None = None
    inputs: tuple[Input, ...] = ()

    @property
    def title(self) -> str:
        """What to call the run: the programs' names."""
        return " + ".join(launch.name for launch in self.launches)


def setup_of(scene: Scene) -> Setup:
    """How `scene` is to be run. Raises LoadError and KnobError, which a scene of ours never does."""
    config = Config()
    for name, value in scene.knobs.items():
        config = config.turned(name, str(value))
    launches = tuple(_launch(scene, program) for program in scene.programs)
    limits = Limits() if scene.seconds is None else Limits(time=round(scene.seconds * 1e9))
    inputs = tuple(Input(round(one.at * 1e9), one.device, one.value) for one in scene.inputs)
    return Setup(launches, config, lines=scene.lines, limits=limits, scene=scene, inputs=inputs)


def _launch(scene: Scene, program: SceneProgram) -> Launch:
    loaded = load_program(program.file, program.args, cwd=scene.folder)
    lines = [one.line for one in program.typed]
    if program.stdin is not None:
        lines = scene.path(program.stdin).read_text(encoding="utf-8").splitlines()
    times = tuple(round(one.at * 1e9) for one in program.typed)
    return Launch(loaded, program.role, tuple(lines), round(program.delay * 1e9), times, program.host or 0)


class Session:
    """A run on the machine. `advance` makes more of it; what has happened is on `timeline`."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.timeline = Timeline()
        self._machine = Machine(
            setup.launches,
            setup.config,
            self.timeline.append,
            seed=setup.seed,
            limits=setup.limits,
            lines=setup.lines,
            inputs=setup.inputs,
            bursts=True,
        )

    @property
    def scene(self) -> Scene | None:
        """The scene that is run, if it is one."""
        return self.setup.scene

    @property
    def title(self) -> str:
        """What to call the run."""
        return self.setup.title

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._machine.ended

    def knob(self, name: str, /) -> str:
        """The value of a knob, as text; empty if there is none of that name."""
        return dict(self.setup.config.settings()).get(name, "")

    def turned(self, name: str, value: str, /) -> Session:
        """A new run of the same with knob `name` at `value`. Raises KnobError."""
        return Session(replace(self.setup, config=self.setup.config.turned(name, value)))

    def typed(self, world: World, pid: int, line: str | None, at: int, /) -> Session | None:
        """A new run of the same in which at the time `at` (ns) `line` is typed, too, at the terminal of process `pid`
        (None: the input ends there, and what was to be typed later is not); None if nobody can type to that one then.
        `world` is any in which it has started."""
        if not self.can_type(world, pid, at):
            return None
        number = self._launch_of(world, pid)
        assert number is not None
        launches = list(self.setup.launches)
        one = launches[number]
        before = tuple(each for each in one.typed if each[0] <= at)
        after = () if line is None else tuple(each for each in one.typed if each[0] > at)
        launches[number] = msgspec.structs.replace(one, typed=(*before, (at, line), *after))
        return Session(replace(self.setup, launches=tuple(launches)))

    def can_type(self, world: World, pid: int, at: int, /) -> bool:
        """Whether somebody can type to process `pid`, which has started in `world`, at the time `at` (ns)."""
        number = self._launch_of(world, pid)
        if number is None or not world.processes[pid].alive:
            return False
        one = self.setup.launches[number]
        return one.held and not any(line is None and end <= at for end, line in one.typed)

    def _launch_of(self, world: World, pid: int) -> int | None:
        """Which of the launches process `pid` is: they start in their order."""
        started = [each for each, process in world.processes.items() if process.role in (MAIN, PEER, REMOTE)]
        return started.index(pid) if pid in started else None

    def advance(self, max_events: int, /) -> bool:
        """Go on for about `max_events` events; True when the run has ended."""
        stop = len(self.timeline) + max_events
        while not self._machine.ended and (left := stop - len(self.timeline)) > 0:
            self._machine.run(min(left, SLICE))
            self.timeline.keep(self._machine.world)
        return self._machine.ended

    def close(self) -> None:
        """End the guests; the timeline stays."""
        self._machine.dispose()


class Replay:
    """A recorded run, which is read as it is looked at; it cannot be run again."""

    scene = None
    can_turn = False

    def __init__(self, path: Path) -> None:
        """Begin to read `path`. Raises OSError and RecordingError; `advance` raises RecordingError."""
        self._loader = Loader(path)
        self.timeline: Timeline = self._loader.recording
        self.title = path.name

    @property
    def ended(self) -> bool:
        """Whether all of it has been read."""
        return self._loader.done

    def knob(self, name: str, /) -> str:
        """The value that a knob had in the run; empty if it is not known."""
        for event in self.timeline.events(0, 1):
            if isinstance(event, RunStarted):
                return dict(event.knobs).get(name, "")
        return ""

    def turned(self, name: str, value: str, /) -> None:
        """A recording cannot be run again."""

    def advance(self, max_events: int, /) -> bool:
        """Read about `max_events` more; True when that was all."""
        return self._loader.done or self._loader.advance(max_events)

    def close(self) -> None:
        """Let go of the file."""
        self._loader.close()
