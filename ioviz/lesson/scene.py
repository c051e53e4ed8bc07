"""Scenes: programs to run, the knobs to run them with, and the chapters that tell what happens.

A scene is a folder with a `scene.toml`, its programs and its texts in both languages. It is data written by others, so
it is checked as a whole when it is loaded: no unknown keys, every path inside the scene's own folder, every anchor made
of events and fields that exist. `scenes/README.md` tells how to write one.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ioviz.lesson.anchor import Anchor

SCENE_FILE = "scene.toml"
PUNCTUATION = "\u3000-\u303f\uff00-\uffef\u201c\u201d"
JOINED = re.compile(rf"(?<=[{PUNCTUATION}])\n|\n(?=[{PUNCTUATION}])|(?<=[\u4e00-\u9fff])\n(?=[\u4e00-\u9fff])")
"""Line breaks of a source beside Chinese that stand for nothing: it is written without spaces."""

PLAIN = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""What a text may be made of: a control character would be an order to the terminal."""

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Text = Annotated[str, Meta(min_length=1, max_length=4000, pattern=PLAIN)]
Line = Annotated[str, Meta(min_length=1, max_length=400, pattern=PLAIN)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]


class SceneError(Exception):
    """A scene cannot be used; the text names the file, what is wrong, and what would be right."""


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    en: Text
    zh: Text

    def of(self, lang: str) -> str:
        """The text in `lang`, without the line breaks of its source."""
        text = JOINED.sub("", self.zh.strip()) if lang == "zh" else self.en
        return " ".join(text.split())


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that somebody types at a program's terminal, `at` virtual seconds after the run began."""

    at: Seconds
    line: Annotated[str, Meta(pattern=r"^[^\n]*$", max_length=4000)]


class SceneInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody moves the mouse or presses a key, `at` virtual seconds after the run began; `value` says what."""

    at: Seconds
    device: Literal["mouse", "keyboard"]
    value: Annotated[str, Meta(min_length=1, max_length=40, pattern=PLAIN)]


class SceneProgram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program of the scene. `role`: main, peer (same host) or remote (another host: number `host`, 2 if it does not
    say); `delay`: virtual seconds until it starts; `stdin`: a file of the scene with its input; or `typed`: the lines
    with their times."""

    file: str
    role: str = "main"
    args: tuple[str, ...] = ()
    stdin: str | None = None
    typed: tuple[Typed, ...] = ()
    delay: Seconds = 0.0
    host: Annotated[int, Meta(ge=2, le=9)] | None = None


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stop of the story: what to say at the event that `at` finds. `focus`: the panels that are large from there to
    the next chapter, by default those of the scene; `host`: which host is looked at."""

    title: Both
    text: Both
    at: Anchor
    focus: tuple[str, ...] = ()
    host: Annotated[int, Meta(ge=1, le=9)] = 1


class Try(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A knob worth turning: its value, and what that will do."""

    knob: str
    value: str | int
    text: Both


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the article and Linux differ; `command` shows it on the reader's own computer."""

    says: Both
    linux: Both
    command: Line | None = None


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to predict: what the event that `at` finds, or the call that it belongs to, will come to."""

    at: Anchor
    ask: Literal["ready", "blocks", "result", "readylist", "next"]


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole scene. `focus` names the panels that are large; `lines` says whether source lines are followed;
    "once": of a loop that only computes, each line once.

    `part` and `number` are its place in the course (a scene without them comes after it, by `order`); `minutes` is how
    long it takes. `watch` and `learn` open it, `learned` and `reading` close it, `next` is the scene that follows (by
    default the one with the next number). `page` is a further page that it can open: the table of costs, or the race.
    `inputs` is what somebody does with mouse and keyboard. `seconds`: the virtual time after which its run is ended."""

    id: Name
    title: Both
    summary: Both
    programs: Annotated[tuple[SceneProgram, ...], Meta(min_length=1, max_length=16)]
    chapters: tuple[Chapter, ...] = ()
    order: int = 1000
    part: Annotated[int, Meta(ge=1, le=9)] | None = None
    number: Annotated[int, Meta(ge=1, le=99)] | None = None
    minutes: Annotated[int, Meta(ge=1, le=60)] | None = None
    watch: Both | None = None
    learn: Annotated[tuple[Both, ...], Meta(max_length=6)] = ()
    learned: Annotated[tuple[Both, ...], Meta(max_length=6)] = ()
    reading: tuple[Line, ...] = ()
    next: Name | None = None
    tries: tuple[Try, ...] = ()
    article: tuple[Difference, ...] = ()
    questions: tuple[Question, ...] = ()
    page: Literal["costs", "race"] | None = None
    seconds: Annotated[float, Meta(gt=0, le=3600)] | None = None
    knobs: dict[str, str | int] = {}
    inputs: Annotated[tuple[SceneInput, ...], Meta(max_length=100)] = ()
    focus: tuple[str, ...] = ()
    lines: bool | Literal["once"] = True
    folder: str = ""
    """Where it lies; set on loading."""

    @property
    def main(self) -> SceneProgram:
        """The program that the scene is about."""
        return self.programs[0]

    @property
    def place(self) -> tuple[int, int]:
        """(part, number); what belongs to no part comes last."""
        return self.part or 99, self.number or 99

    def over(self, reason: str) -> bool:
        """Whether a run that ended for `reason` (see `Run.ended`) has ended because the scene wants no more of it."""
        return self.seconds is not None and reason == "limit"

    def path(self, name: str) -> Path:
        """The path of a file of the scene; it is inside the folder, which loading has checked."""
        return Path(self.folder) / name


def scenes_folder() -> Path:
    """Where the scenes are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_scenes"
    return inside if inside.is_dir() else package.parent / "scenes"


def is_scene(name: str) -> bool:
    """Whether `name` is a scene of ours, or a folder with one in it."""
    return (Path(name) / SCENE_FILE).is_file() or ("/" not in name and (scenes_folder() / name / SCENE_FILE).is_file())


def find_scenes(folder: Path | None = None, problems: list[SceneError] | None = None) -> tuple[Scene, ...]:
    """Every scene in `folder` (by default those that ioviz has), in their order.

    A broken scene is left out, and why is appended to `problems`. Whether the programs compile is asked by `load_scene`
    only: whoever opens one of these loads it.
    """
    scenes = []
    folder = scenes_folder() if folder is None else folder
    for file in sorted(folder.glob(f"*/{SCENE_FILE}")):
        try:
            scenes.append(_read(file, file.parent))
        except SceneError as error:
            if problems is not None:
                problems.append(error)
    return tuple(sorted(scenes, key=lambda scene: (scene.place, scene.order, scene.id)))


def next_scene(scene: Scene, scenes: tuple[Scene, ...]) -> Scene | None:
    """The one of `scenes` that follows `scene`: the one that it names, else the next in the course; None at its end."""
    if scene.next is not None:
        return next((one for one in scenes if one.id == scene.next), None)
    if scene.number is None:
        return None
    return next((one for one in scenes if one.number is not None and one.place > scene.place), None)


def load_scene(what: str | Path) -> Scene:
    """The scene in folder `what`, or the one of ioviz's own scenes whose id is `what`; its programs can be compiled.
    Raises SceneError."""
    from ioviz.lesson.scene_check import check_programs

    folder = Path(what)
    if isinstance(what, str) and not (folder / SCENE_FILE).is_file():
        folder = scenes_folder() / what
        if "/" in what or not (folder / SCENE_FILE).is_file():
            raise SceneError(_why_there_is_none(what))
    scene = _read(folder / SCENE_FILE, folder)
    check_programs(scene)
    return scene


def _why_there_is_none(what: str) -> str:
    try:
        path = Path(what)
        if path.is_dir():
            return f"{what}: a folder without a {SCENE_FILE}; `ioviz new-scene` lays a scene that works"
        if path.exists():
            return f"{what}: a file, and a scene is a folder with a {SCENE_FILE}"
    except (OSError, ValueError):  # a name that no file can have
        pass
    return f"{what}: no scene of this name, and no folder with a {SCENE_FILE}"


def _read(file: Path, folder: Path) -> Scene:
    from ioviz.lesson.scene_check import MAX_BYTES, Fault, fault_of_shape, faults
    from ioviz.lesson.toml_lines import line_of

    try:
        if file.stat().st_size > MAX_BYTES:
            raise SceneError(f"{file}: larger than {MAX_BYTES} bytes, which no scene needs")
        data = file.read_bytes()
        text = data.decode("utf-8").replace("\r\n", "\n")
        scene = msgspec.convert({**tomllib.loads(text), "folder": str(folder)}, Scene)
    except OSError as error:
        raise SceneError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SceneError(f"{file}:{line}: is not UTF-8 text") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = int(place[1]) if place is not None else text.count("\n") + 1
        raise SceneError(f"{file}:{line}: is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        fault: Fault | None = fault_of_shape(str(error), Scene)
    else:
        fault = next(faults(scene, folder), None)
    if fault is not None:
        raise SceneError(f"{file}:{line_of(text, fault.path)}: {fault.text}")
    return scene
