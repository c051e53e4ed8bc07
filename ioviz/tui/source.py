"""What the stage needs of a run: a log to look at, and ways to make more of it.

`ioviz.session.Session` is one; the tests have smaller ones. Nothing here waits: `advance` runs the machine for one
slice and comes back, so that the app's own event loop can be its only thread (greenlets never cross threads).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ioviz.lesson.scene import Scene
    from ioviz.live.demo.demo import Demo
    from ioviz.live.status import Status
    from ioviz.model.world import World
    from ioviz.trace.timeline import Timeline


class Source(Protocol):
    """A run that is being watched. `scene` is None for a program or a recording."""

    @property
    def timeline(self) -> Timeline: ...

    @property
    def scene(self) -> Scene | None: ...

    @property
    def title(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    def knob(self, name: str, /) -> str:
        """The value of a knob; an empty text if the run has no such thing (a recording of a real process)."""
        ...

    def turned(self, name: str, value: str, /) -> Source | None:
        """A fresh run of the same with knob `name` at `value`; None if it cannot be run again (a recording)."""
        ...

    def advance(self, max_events: int, /) -> bool:
        """Run the machine for about `max_events` events; True when the run has ended."""
        ...

    def close(self) -> None:
        """End the guests; the log stays."""
        ...


class Careful:
    """A source whose faults end the run instead of the app: what is in the log can still be looked at."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.failure = ""

    @property
    def timeline(self) -> Timeline:
        """The log."""
        return self._source.timeline

    @property
    def live(self) -> bool:
        """Whether real processes are watched: the run goes on by itself."""
        return bool(getattr(self._source, "live", False))

    @property
    def can_turn(self) -> bool:
        """Whether it can be run again with a knob turned: what was recorded, or really happened, cannot."""
        return bool(getattr(self._source, "can_turn", True))

    @property
    def status(self) -> Status | None:
        """How far a live session can be trusted; None if it is none."""
        ask = getattr(self._source, "status", None)
        found: Status | None = ask() if ask is not None else None
        return found

    @property
    def demo(self) -> Demo | None:
        """What can be steered of a live demo; None if the run is none."""
        found: Demo | None = getattr(self._source, "demo", None)
        return found

    @property
    def focus(self) -> tuple[str, ...]:
        """The panels that the run is about."""
        scene = self._source.scene
        found: tuple[str, ...] = scene.focus if scene is not None else getattr(self._source, "focus", ())
        return found

    @property
    def present(self) -> World | None:
        """The world as it is now, which changes under the viewer; None if the run is not live."""
        mirror = getattr(self._source, "mirror", None)
        world: World | None = mirror.world if mirror is not None else None
        return world

    @property
    def scene(self) -> Scene | None:
        """The scene, if it is one."""
        return self._source.scene

    @property
    def title(self) -> str:
        """What the title bar calls it."""
        return self._source.title

    @property
    def ended(self) -> bool:
        """Whether the log grows no more."""
        return bool(self.failure) or self._source.ended

    def knob(self, name: str, /) -> str:
        """See `Source`."""
        return self._source.knob(name)

    def turned(self, name: str, value: str, /) -> Source | None:
        """See `Source`."""
        other = self._source.turned(name, value)
        return Careful(other) if other is not None else None

    def typed(self, world: World, pid: int, line: str | None, at: int, /) -> Source | None:
        """A fresh run in which `line` is typed to process `pid` at the time `at` in ns (None: its input ends there);
        None if nobody can."""
        make = getattr(self._source, "typed", None)
        other = make(world, pid, line, at) if make is not None else None
        return Careful(other) if other is not None else None

    def can_type(self, world: World, pid: int, at: int, /) -> bool:
        """Whether somebody can type to process `pid`, which has started in `world`, at the time `at` in ns."""
        ask = getattr(self._source, "can_type", None)
        return bool(ask is not None and ask(world, pid, at))

    def advance(self, max_events: int, /) -> bool:
        """See `Source`."""
        if not self.failure:
            try:
                self._source.advance(max_events)
            except Exception as error:
                self.failure = f"{type(error).__name__}: {error}"
        return self.ended

    def close(self) -> None:
        """See `Source`."""
        self._source.close()
