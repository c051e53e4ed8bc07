"""`ioviz play` and `ioviz` alone: the stage, or without a terminal the same story as text.

The machine is imported when a run is made, behind the first picture; only what was typed is checked before that.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ioviz.cli.arguments import UsageError
from ioviz.cli.messages import choose_language, say
from ioviz.lesson.scene import SceneError, find_scenes, is_scene, load_scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.cli.arguments import Request
    from ioviz.lesson.scene import Scene
    from ioviz.session import Setup
    from ioviz.tui.source import Source


def run_gallery(request: Request) -> int:
    """Open the gallery of scenes."""
    lang = choose_language(request.lang)
    if not at_terminal():
        raise UsageError(say("no-terminal", scenes=_names()))
    from ioviz.tui.app import run

    return run(None, open_scene, lang=lang, ascii_only=request.ascii)


def open_scene(scene: Scene) -> Source:
    """A run of `scene` as it is written: what the gallery and the end of a scene open."""
    from ioviz.cli.launches import with_own_costs
    from ioviz.session import Session, setup_of

    setup = setup_of(scene)
    return Session(replace(setup, config=with_own_costs(setup.config)))


def run_play(request: Request) -> int:
    """Watch what `request` names."""
    plain = request.plain or not at_terminal()
    open_source = _opener(request, held=not plain)
    lang = choose_language(request.lang)
    if plain:
        from ioviz.cli.plain import tell
        from ioviz.trace.recording import RecordingError

        try:
            return tell(open_source(), lang)
        except RecordingError as error:
            raise UsageError(str(error)) from error
    from ioviz.tui.app import run

    return run(open_source, open_scene, lang=lang, ascii_only=request.ascii)


def _opener(request: Request, *, held: bool = True) -> Callable[[], Source]:
    """How to make the run; everything that can be wrong with what was typed is found before the screen is taken.
    `held`: somebody is there who can type to the programs."""
    program = request.program
    assert program is not None
    if not program.module:
        scene = _scene(program.name)
        if scene is not None:
            if program.args or request.others:
                raise UsageError(say("scene-is-whole", scene=scene.id))
            return _of_scene(request, scene)
        path = Path(program.name)
        if _is_recording(path):
            return _replay(path)
        if path.is_file() and path.suffix != ".py":
            from ioviz.live.strace_log import looks_like_strace

            if looks_like_strace(path):
                return _strace_log(path)
        if not path.exists():
            raise UsageError(say("what-is-it", what=program.name, scenes=_names()))
    return _of_programs(request, held=held)


def _of_scene(request: Request, scene: Scene) -> Callable[[], Source]:
    if request.knobs:
        from ioviz.cli.launches import config_of

        config_of(request.knobs)

    def open_source() -> Source:
        from ioviz.session import Session

        return Session(_scene_setup(request, scene))

    return open_source


def _scene_setup(request: Request, scene: Scene) -> Setup:
    from ioviz.cli.launches import config_of, limits_of
    from ioviz.session import setup_of

    setup = setup_of(scene)
    config = config_of(request.knobs, setup.config)
    lines, limits = request.lines and setup.lines, limits_of(request)
    if request.max_time is None:
        limits.time = setup.limits.time
    return replace(setup, config=config, seed=request.seed, lines=lines, limits=limits)


def _of_programs(request: Request, *, held: bool) -> Callable[[], Source]:
    from ioviz.session import Session

    setup = _programs_setup(request, held=held)
    return lambda: Session(setup)


def _programs_setup(request: Request, *, held: bool = False) -> Setup:
    from ioviz.cli.launches import config_of, launches_of, limits_of
    from ioviz.session import Setup

    config = config_of(request.knobs)
    return Setup(launches_of(request, held=held), config, request.seed, request.lines, limits_of(request))


def run_of(request: Request) -> Setup:
    """How the scene or the programs that `request` names are to be run. Raises UsageError."""
    program = request.program
    assert program is not None
    scene = None if program.module else _scene(program.name)
    if scene is None:
        if not program.module and not Path(program.name).exists():
            raise UsageError(say("what-is-it", what=program.name, scenes=_names()))
        return _programs_setup(request)
    if program.args or request.others:
        raise UsageError(say("scene-is-whole", scene=scene.id))
    return _scene_setup(request, scene)


def _scene(name: str) -> Scene | None:
    """The scene called `name`, or in the folder `name`; None if there is none."""
    if not is_scene(name):
        return None
    try:
        return load_scene(name)
    except SceneError as error:
        raise UsageError(str(error)) from error


def _is_recording(path: Path) -> bool:
    """Whether `path` is called as a recording is, or begins as one does, which no program can."""
    if path.suffix == ".ioviz" and path.is_file():
        return True
    try:
        with path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError:
        return False


def _replay(path: Path) -> Callable[[], Source]:
    from ioviz.session import Replay
    from ioviz.trace.recording import RecordingError

    try:
        source = Replay(path)
    except (OSError, RecordingError) as error:
        raise UsageError(str(error)) from error
    return lambda: source


def _strace_log(path: Path) -> Callable[[], Source]:
    from ioviz.live.strace_log import StraceLog
    from ioviz.live_session import LogSession

    try:
        log = StraceLog(path)
    except OSError as error:
        raise UsageError(say("bad-log", path=path, why=error.strerror)) from error
    return lambda: LogSession(log, path.name)


def _names() -> str:
    return ", ".join(scene.id for scene in find_scenes())


def at_terminal() -> bool:
    """Whether a person sits before us."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}
