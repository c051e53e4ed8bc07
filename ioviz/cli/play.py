"""`ioviz play` and `ioviz` alone: the stage, or without a terminal the same story as text."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ioviz.cli.arguments import UsageError
from ioviz.cli.launches import config_of, launches_of
from ioviz.cli.messages import choose_language, say
from ioviz.lesson.scene import SCENE_FILE, SceneError, find_scenes, load_scene, scenes_folder
from ioviz.machine.kernel.sched import Limits
from ioviz.session import Replay, Session, Setup, setup_of
from ioviz.trace.recording import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.cli.arguments import Request
    from ioviz.lesson.scene import Scene
    from ioviz.tui.source import Source


def run_gallery(request: Request) -> int:
    """Open the gallery of scenes."""
    lang = choose_language(request.lang)
    if not _at_terminal():
        raise UsageError(say("no-terminal", scenes=_names()))
    from ioviz.tui.app import run

    return run(None, lambda scene: Session(setup_of(scene)), lang=lang, ascii_only=request.ascii)


def run_play(request: Request) -> int:
    """Watch what `request` names."""
    open_source = _opener(request)
    lang = choose_language(request.lang)
    if request.plain or not _at_terminal():
        from ioviz.cli.plain import tell

        try:
            return tell(open_source(), lang)
        except RecordingError as error:
            raise UsageError(str(error)) from error
    from ioviz.tui.app import run

    return run(open_source, lang=lang, ascii_only=request.ascii)


def _opener(request: Request) -> Callable[[], Source]:
    """How to make the run; everything that can be wrong with what was typed is found before the screen is taken."""
    program = request.program
    assert program is not None
    if not program.module:
        scene = _scene(program.name)
        if scene is not None:
            if program.args or request.others:
                raise UsageError(say("scene-is-whole", scene=scene.id))
            setup = setup_of(scene)
            return _of(request, Setup(setup.launches, config_of(request.knobs, setup.config), scene=scene))
        path = Path(program.name)
        if _is_recording(path):
            return _replay(path)
        if not path.exists():
            raise UsageError(say("what-is-it", what=program.name, scenes=_names()))
    return _of(request, Setup(launches_of(request), config_of(request.knobs)))


def _of(request: Request, setup: Setup) -> Callable[[], Source]:
    limits = Limits(request.max_steps)
    if request.max_time is not None:
        limits.time = round(request.max_time * 1e9)
    whole = Setup(setup.launches, setup.config, request.seed, request.lines, limits, setup.scene)
    return lambda: Session(whole)


def _scene(name: str) -> Scene | None:
    """The scene called `name`, or in the folder `name`; None if there is none."""
    if not (Path(name) / SCENE_FILE).is_file() and ("/" in name or not (scenes_folder() / name / SCENE_FILE).is_file()):
        return None
    try:
        return load_scene(name)
    except SceneError as error:
        raise UsageError(str(error)) from error


def _is_recording(path: Path) -> bool:
    """Whether `path` begins as a recording does, which no program can."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError:
        return False


def _replay(path: Path) -> Callable[[], Source]:
    try:
        source = Replay(path)
    except (OSError, RecordingError) as error:
        raise UsageError(str(error)) from error
    return lambda: source


def _names() -> str:
    return ", ".join(scene.id for scene in find_scenes())


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}
