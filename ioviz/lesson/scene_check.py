"""What is wrong with a scene, where, and what would be right: a `Fault` has a path in the TOML and a sentence.

The shape (keys, types, ranges) is msgspec's to check; this adds to its messages what is allowed there, worked out
from the structs themselves. What the structs cannot say (files that exist, anchors that can be met, knobs that can be
turned, questions that can be asked there) is checked here.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec.inspect as shape

from ioviz.lesson.anchor import Anchor, AnchorError
from ioviz.lesson.questions import QuestionError, check_question
from ioviz.lesson.scene import PLAIN, SceneError
from ioviz.lesson.toml_lines import Path as TomlPath
from ioviz.model.syscalls import BY_NAME
from ioviz.model.vocabulary import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ioviz.lesson.scene import Scene

MAX_BYTES = 1 << 20
"""The most that a scene.toml or a program of a scene may have."""
ROLES = ("main", "peer", "remote")


class Fault(NamedTuple):
    """Something wrong at `path`."""

    path: TomlPath
    text: str


# -- the shape ---------------------------------------------------------------------------------------------------------


def fault_of_shape(message: str, kind: type) -> Fault:
    """What msgspec complained of when it read a `kind`, with what is allowed there."""
    said, _, place = message.replace(" | null`", "`").partition(" - at `$")
    path = _path(place.rstrip("`"))
    here = _type_at(kind, path)
    missing, unknown = (re.search(rf"{word} field `(.+)`", said) for word in ("required", "unknown"))
    if unknown is not None:
        fields = [field.encode_name for field in here.fields if field.encode_name != "folder"]
        close = get_close_matches(unknown[1], fields, 1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        return Fault((*path, unknown[1]), f"there is no {unknown[1]!r} here{meant}; allowed: {', '.join(fields)}")
    if missing is not None:
        what = f" of {name_of(path)}" if path else ""
        return Fault(path, f"{missing[1]!r}{what} is missing; {_allowed(here)}")
    if "matching regex" in said and getattr(here, "pattern", None) == PLAIN:
        said = "there is a control character in it"
    return Fault(path, f"{name_of(path)}: {_lowered(said)}; {_allowed(here)}")


def name_of(path: TomlPath) -> str:
    """`chapters[2].at.nth`, counted from 1 as a person counts the tables."""
    text = "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def _path(place: str) -> TomlPath:
    """`.chapters[0].at` as a path; `[...]`, a value of a table, ends it."""
    found: list[str | int] = []
    for key, index in re.findall(r"\.([A-Za-z_]+)|\[(\d+)\]", place.partition("[...]")[0]):
        found.append(key or int(index))
    return tuple(found)


def _type_at(kind: type, path: TomlPath) -> Any:
    here: Any = shape.type_info(kind)
    for key in path:
        here = _plain(here)
        if isinstance(here, shape.StructType):
            here = next(field.type for field in here.fields if field.encode_name == key)
        elif isinstance(here, shape.VarTupleType):
            here = here.item_type
    return _plain(here)


def _plain(kind: Any) -> Any:
    """`kind` without the null that stands for leaving it out."""
    if isinstance(kind, shape.UnionType):
        rest = [one for one in kind.types if not isinstance(one, shape.NoneType)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _allowed(kind: Any) -> str:
    """What a value of this type may be."""
    match kind:
        case shape.StructType():
            fields = [field for field in kind.fields if field.encode_name != "folder"]
            needed = ", ".join(field.encode_name for field in fields if field.required)
            others = ", ".join(field.encode_name for field in fields if not field.required)
            return f"it needs {needed}" + (f", and may have {others}" if others else "")
        case shape.LiteralType():
            return f"allowed: {', '.join(str(value) for value in kind.values)}"
        case shape.IntType() | shape.FloatType():
            word = "a whole number" if isinstance(kind, shape.IntType) else "a number"
            low = kind.ge if kind.ge is not None else kind.gt
            return (
                f"allowed: {word}" + (f" from {low}" if low is not None else "") + (f" to {kind.le}" if kind.le else "")
            )
        case shape.StrType():
            rule = "small letters, digits and hyphens" if kind.pattern and "a-z" in kind.pattern else "a text"
            return f"allowed: {rule}" + (f" of at most {kind.max_length} characters" if kind.max_length else "")
        case shape.VarTupleType():
            return f"allowed: a list ({_allowed(_plain(kind.item_type)).removeprefix('allowed: ')})"
        case shape.BoolType():
            return "allowed: true or false"
        case shape.DictType():
            return "allowed: a table of names and values"
        case shape.UnionType():
            return "allowed: a text or a number"
    return "see scenes/README.md"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


# -- what the shape does not say ---------------------------------------------------------------------------------------


def faults(scene: Scene, folder: Path) -> Iterator[Fault]:
    """What else is wrong with a scene whose shape is right, in the order of its parts."""
    if scene.id != folder.resolve().name:
        yield Fault(("id",), f"the id is {scene.id!r}, but the folder is {folder.resolve().name!r}: make them the same")
    roles = [program.role for program in scene.programs]
    if roles[0] != "main" or roles.count("main") != 1:
        yield Fault(("programs",), "the first program, and no other, must have the role main")
    for number, program in enumerate(scene.programs):
        here: TomlPath = ("programs", number)
        if program.role not in ROLES:
            yield Fault(
                (*here, "role"),
                f"{program.file} has the role {program.role!r}; allowed: main, peer (same host), remote",
            )
        if program.host is not None and program.role != "remote":
            yield Fault((*here, "host"), f"{program.file} has a host, and only a program with the role remote may")
        yield from _file(folder, program.file, (*here, "file"))
        if program.stdin is not None:
            yield from _file(folder, program.stdin, (*here, "stdin"))
            if program.typed:
                yield Fault((*here, "typed"), f"{program.file} has both stdin and typed: keep one")
    yield from _knobs(scene)
    programs = {program.file: _lines_of(folder, program.file) for program in scene.programs}
    hosts = {1, *(program.host or 2 for program in scene.programs if program.role == "remote")}
    for number, chapter in enumerate(scene.chapters):
        here, what = ("chapters", number), f"chapter {number + 1} ({chapter.title.en})"
        yield from _anchor(chapter.at, programs, (*here, "at"), what)
        if chapter.host not in hosts:
            there = ", ".join(map(str, sorted(hosts)))
            yield Fault((*here, "host"), f"{what}: there is no host {chapter.host}; allowed: {there}")
    for number, question in enumerate(scene.questions):
        here = ("questions", number)
        wrong = list(_anchor(question.at, programs, (*here, "at"), f"question {number + 1}"))
        yield from wrong
        if not wrong:
            try:
                check_question(question)
            except QuestionError as error:
                yield Fault((*here, "at"), f"question {number + 1}: {error}")


def check_programs(scene: Scene) -> None:
    """Raise SceneError unless every program of `scene` is Python that compiles, and what they read is text."""
    from ioviz.machine.user.loader import LoadError, read_source

    for program in scene.programs:
        try:
            read_source(str(scene.path(program.file)), str(scene.path(program.file)))
            if program.stdin is not None:
                scene.path(program.stdin).read_text(encoding="utf-8")
        except LoadError as error:
            raise SceneError(str(error)) from error
        except UnicodeDecodeError as error:
            raise SceneError(f"{scene.path(program.stdin or '')}: is not UTF-8 text") from error


def _lines_of(folder: Path, name: str) -> int:
    """How many lines a program has; 0 if it cannot be read, which `_file` says."""
    try:
        return len((folder / name).read_bytes().splitlines())
    except (OSError, ValueError):
        return 0


def _anchor(anchor: Anchor, programs: dict[str, int], path: TomlPath, what: str) -> Iterator[Fault]:
    if anchor.after is not None:
        wrong = list(_anchor(anchor.after, programs, (*path, "after"), what))
        if wrong:
            yield from wrong
            return
    has = programs[anchor.program] if anchor.program in programs else max(programs.values())
    if anchor.line is not None and anchor.line > has:
        longest = anchor.program if anchor.program in programs else max(programs, key=programs.__getitem__)
        yield Fault((*path, "line"), f"{what}: there is no line {anchor.line}: {longest} has {has} lines")
    try:
        anchor.check(programs)
    except AnchorError as error:
        text = str(error)
        if anchor.event in KINDS and anchor.call is not None and anchor.call not in BY_NAME:
            close = get_close_matches(anchor.call, BY_NAME, 4, 0.4)
            text += f"; near it are {', '.join(close)}" if close else ""
        if anchor.event not in KINDS:
            close = get_close_matches(anchor.event, KINDS, 4, 0.4)
            text += f"; near it are {', '.join(close)}" if close else ""
            text += "; `ioviz check-scene --events` lists them all"
        yield Fault(path, f"{what}: {text}")


def _knobs(scene: Scene) -> Iterator[Fault]:
    from ioviz.machine.kernel.config import Config, KnobError

    turned: list[tuple[TomlPath, str, str | int]] = [
        (("knobs", name), name, value) for name, value in scene.knobs.items()
    ]
    turned += [(("tries", number), one.knob, one.value) for number, one in enumerate(scene.tries)]
    for path, name, value in turned:
        try:
            Config().turned(name, str(value))
        except KnobError as error:
            yield Fault(path, f"{name_of(path)}: {error}")


def _file(folder: Path, name: str, where: TomlPath) -> Iterator[Fault]:
    folder = folder.resolve()
    try:
        path = (folder / name).resolve()
        inside, usable = path.is_relative_to(folder), path.is_file() and path.stat().st_size <= MAX_BYTES
    except (OSError, ValueError):  # a name that no file can have
        inside, usable = True, False
    if not inside:
        yield Fault(where, f"{name!r} leads out of the scene's folder: programs lie beside scene.toml")
    elif not usable:
        near = ", ".join(sorted(one.name for one in folder.iterdir() if one.is_file() and one.name != "scene.toml")[:8])
        there = f"; there are: {near}" if near else ""
        yield Fault(where, f"{name!r} is not a readable file of at most {MAX_BYTES} bytes beside scene.toml{there}")
