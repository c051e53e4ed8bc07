"""`ioviz check-scene`: play scenes without a terminal, and say what each comes to and what is wrong with it.

Exit code 0 when all is well, 1 when anything is wrong.
"""

from __future__ import annotations

import subprocess
import tempfile
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, in_language, say
from ioviz.lesson.language import LANGUAGES
from ioviz.lesson.scene import SCENE_FILE, Both, SceneError, find_scenes, load_scene
from ioviz.lesson.scene_check import Fault, name_of
from ioviz.lesson.toml_lines import Path, line_of
from ioviz.model.task import ProcessExited, ProcessStarted, TaskCreated
from ioviz.model.terminal import TextPrinted
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.cli.arguments import Request
    from ioviz.cli.rehearsal import Rehearsal
    from ioviz.lesson.scene import Scene

COLUMNS: Final = 76
ROOM: Final = {"summary": 5, "watch": 4, "chapter": 6, "learn": 2, "learned": 3, "tries": 3, "article": 5, "title": 1}
"""Lines that a text may take at 80x24, two columns of frame on each side."""
COMMAND_SECONDS: Final = 20
SHOWN: Final = 6
"""Lines of a command's output that are shown."""


def run(request: Request) -> int:
    """Check what `request` names; the number of wrong scenes decides the exit code."""
    parser = Parser("check-scene")
    parser.add("what", nargs="*", metavar="SCENE")
    parser.add("--all", action="store_true")
    parser.add("-q", "--quiet", action="store_true")
    parser.add("--run-commands", action="store_true")
    parser.add("--events", action="store_true")
    options = parser.parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    if options.events:
        _list_events()
        return 0
    problems: list[SceneError] = []
    if not options.what and not options.all:
        raise UsageError(say("check-what"))
    every = [scene.folder for scene in find_scenes(problems=problems)] if options.all else []
    wrong = len(problems)
    for error in problems:
        print(in_language(error))
    scenes: list[Scene] = []
    for what in [*every, *options.what]:
        try:
            scenes.append(load_scene(what))
        except SceneError as error:
            print(in_language(error))
            wrong += 1
    for scene in scenes:
        wrong += bool(check(scene, lang, quiet=options.quiet, commands=options.run_commands))
    return 1 if wrong else 0


def check(scene: Scene, lang: str, *, quiet: bool = False, commands: bool = False) -> int:
    """Check one scene and print what it comes to; how much is wrong with it, each with the line it stands on."""
    file = scene.path(SCENE_FILE)
    text = file.read_text(encoding="utf-8")
    wrong = [*_frame(scene), *_lengths(scene)]
    runs: list[Rehearsal] = []
    for line in _played(scene, lang, runs, wrong):
        if not quiet:
            print(line)
    for line in _commands(scene, wrong) if commands else ():
        if not quiet:
            print(line)
    for fault in wrong:
        print(f"{'' if quiet else '  ! '}{file}:{line_of(text, fault.path)}: {fault.text}")
    if not quiet:
        print(say("check-wrong", scene=scene.id, n=len(wrong)) if wrong else say("check-fine", scene=scene.id))
    return len(wrong)


# -- the runs ----------------------------------------------------------------------------------------------------------


def _played(scene: Scene, lang: str, runs: list[Rehearsal], wrong: list[Fault]) -> Iterator[str]:
    """Play the scene under each setting; what was reached, line by line."""
    from ioviz.cli.plain import story
    from ioviz.cli.rehearsal import play, settings
    from ioviz.session import Session

    yield f"{scene.id}: {scene.title.of(lang)}"
    for knob, setup in settings(scene):
        setting = say("check-played-with", knob=knob) if knob else say("check-played")
        try:
            played = play(scene, knob, setup)
            for language in LANGUAGES:
                for _ in story(Session(setup), language):
                    pass
        except Exception as error:
            wrong.append(
                Fault(("programs",), say("check-failed", setting=setting, why=f"{type(error).__name__}: {error}"))
            )
            continue
        runs.append(played)
        yield f"  {setting}"
        yield from (f"    {line}" for line in _report(scene, played, lang))
        if played.ended == "limit" and (scene.seconds is None or played.events >= setup.limits.steps):
            wrong.append(Fault(("programs",), say("check-limit", setting=setting)))
    for number, chapter in enumerate(scene.chapters):
        if runs and all(played.chapters[number] is None for played in runs):
            never = say("check-never", n=number + 1, title=chapter.title.of(lang))
            wrong.append(Fault(("chapters", number, "at"), never))
    for number, question in enumerate(scene.questions):
        if runs and all(played.questions[number] is None for played in runs):
            unanswered = say("check-unanswered", n=number + 1, ask=question.ask)
            wrong.append(Fault(("questions", number, "at"), unanswered))


def _report(scene: Scene, played: Rehearsal, lang: str) -> Iterator[str]:
    log = played.session.timeline
    end = log.event(len(log) - 1).t / 1e6
    yield say("check-ended", n=played.events, ms=f"{end:.3f}", why=played.ended)
    for program, code, last in _failures(played):
        yield say("check-exit", program=program, code=code, last=last)
    for number, (chapter, place) in enumerate(zip(scene.chapters, played.chapters, strict=True), 1):
        title = chapter.title.of(lang)
        if place is None:
            yield say("check-not-here", n=number, title=title)
        else:
            yield say("check-chapter", n=number, title=title, at=place + 1)
    for number, (question, asked) in enumerate(zip(scene.questions, played.questions, strict=True), 1):
        if asked is not None:
            right = "; ".join(asked.choices[place].of(lang) for place in sorted(asked.right))
            yield say(
                "check-question",
                n=number,
                ask=question.ask,
                prompt=asked.prompt.of(lang),
                right=right or say("check-nothing-right"),
            )


def _failures(played: Rehearsal) -> Iterator[tuple[str, int, str]]:
    """(program, exit code, what it printed last) of each process that did not end with 0."""
    names: dict[int, str] = {}
    process: dict[int, int] = {}
    printed: dict[int, bytes] = {}
    log = played.session.timeline
    for event in log.events(0, len(log)):
        if isinstance(event, ProcessStarted):
            names[event.pid] = event.name.rpartition("/")[2]
        elif isinstance(event, TaskCreated):
            process[event.tid] = event.pid
        elif isinstance(event, TextPrinted):
            pid = process.get(event.task, 0)
            printed[pid] = (printed.get(pid, b"") + event.data)[-400:]
        elif isinstance(event, ProcessExited) and event.code:
            lines = printed.get(event.pid, b"").decode(errors="replace").splitlines()
            yield names.get(event.pid, str(event.pid)), event.code, lines[-1] if lines else ""


# -- the texts ---------------------------------------------------------------------------------------------------------


def _frame(scene: Scene) -> Iterator[Fault]:
    """What the scene says about its surroundings."""
    from ioviz.view.panels import PANELS

    panels = [panel.id for panel in PANELS]
    asked: list[tuple[Path, tuple[str, ...]]] = [(("focus",), scene.focus)]
    asked += [(("chapters", number, "focus"), chapter.focus) for number, chapter in enumerate(scene.chapters)]
    for path, focus in asked:
        for panel in focus:
            if panel not in panels:
                yield Fault(path, say("check-focus", panel=panel, panels=", ".join(panels)))
    if scene.next is not None:
        names = [one.id for one in find_scenes()]
        if scene.next not in names:
            yield Fault(("next",), say("check-next", name=scene.next, scenes=", ".join(names)))


def _lengths(scene: Scene) -> Iterator[Fault]:
    """Texts that do not fit at 80x24."""
    for path, kind, text in _texts(scene):
        for lang in LANGUAGES:
            rows = len(wrap(Text(text.of(lang)), COLUMNS))
            if rows > ROOM[kind]:
                too_long = say("check-long", what=name_of(path), lang=lang, rows=rows, room=ROOM[kind])
                yield Fault((*path, lang), too_long)


def _texts(scene: Scene) -> Iterator[tuple[Path, str, Both]]:
    """(path, kind, text) of every text."""
    yield ("title",), "title", scene.title
    yield ("summary",), "summary", scene.summary
    if scene.watch is not None:
        yield ("watch",), "watch", scene.watch
    for kind, texts in (("learn", scene.learn), ("learned", scene.learned)):
        for number, text in enumerate(texts):
            yield (kind, number), kind, text
    for number, chapter in enumerate(scene.chapters):
        yield ("chapters", number, "title"), "title", chapter.title
        yield ("chapters", number, "text"), "chapter", chapter.text
    for number, one in enumerate(scene.tries):
        yield ("tries", number, "text"), "tries", one.text
    for number, entry in enumerate(scene.article):
        yield ("article", number, "says"), "article", entry.says
        yield ("article", number, "linux"), "article", entry.linux


def _commands(scene: Scene, wrong: list[Fault]) -> Iterator[str]:
    """Run the commands of the article's page; what they print."""
    for number, entry in enumerate(scene.article):
        if entry.command is None:
            continue
        path: Path = ("article", number, "command")
        yield "  " + say("check-command", command=entry.command)
        try:
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    ["sh", "-c", entry.command],
                    cwd=folder,
                    capture_output=True,
                    timeout=COMMAND_SECONDS,
                    stdin=subprocess.DEVNULL,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            late = say("check-late", s=COMMAND_SECONDS)
            wrong.append(Fault(path, say("check-command-failed", n=number + 1, why=late, command=entry.command)))
            continue
        for line in (done.stdout + done.stderr).decode(errors="replace").splitlines()[:SHOWN]:
            yield f"    {line}"
        if done.returncode:
            why = f"exit code {done.returncode}"
            wrong.append(Fault(path, say("check-command-failed", n=number + 1, why=why, command=entry.command)))


def _list_events() -> None:
    from ioviz.model.event import own_fields
    from ioviz.model.vocabulary import KINDS

    for name, kind in sorted(KINDS.items()):
        print(f"{name:<24} {', '.join(own_fields(kind))}")
