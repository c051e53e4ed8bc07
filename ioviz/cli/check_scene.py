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
from ioviz.lesson.scene import Both, SceneError, find_scenes, load_scene
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
    scenes = find_scenes(problems=problems) if options.all else ()
    if not options.what and not options.all:
        raise UsageError(say("check-what"))
    wrong = len(problems)
    for error in problems:
        print(in_language(error))
    for what in options.what:
        try:
            scenes = (*scenes, load_scene(what))
        except SceneError as error:
            print(in_language(error))
            wrong += 1
    for scene in scenes:
        wrong += bool(check(scene, lang, quiet=options.quiet, commands=options.run_commands))
    return 1 if wrong else 0


def check(scene: Scene, lang: str, *, quiet: bool = False, commands: bool = False) -> int:
    """Check one scene and print what it comes to; how much is wrong with it."""
    wrong = [*_frame(scene), *_lengths(scene)]
    runs: list[Rehearsal] = []
    for line in _played(scene, lang, runs, wrong):
        if not quiet:
            print(line)
    for line in _commands(scene, wrong) if commands else ():
        if not quiet:
            print(line)
    for text in wrong:
        print(f"  ! {text}" if not quiet else f"{scene.id}: {text}")
    if not quiet:
        print(say("check-wrong", scene=scene.id, n=len(wrong)) if wrong else say("check-fine", scene=scene.id))
    return len(wrong)


# -- the runs ----------------------------------------------------------------------------------------------------------


def _played(scene: Scene, lang: str, runs: list[Rehearsal], wrong: list[str]) -> Iterator[str]:
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
            wrong.append(say("check-failed", setting=setting, why=f"{type(error).__name__}: {error}"))
            continue
        runs.append(played)
        yield f"  {setting}"
        yield from (f"    {line}" for line in _report(scene, played, lang))
        if played.ended == "limit" and (scene.seconds is None or played.events >= setup.limits.steps):
            wrong.append(say("check-limit", setting=setting))
    for number, chapter in enumerate(scene.chapters):
        if runs and all(played.chapters[number] is None for played in runs):
            wrong.append(say("check-never", n=number + 1, title=chapter.title.of(lang)))
    for number, question in enumerate(scene.questions):
        if runs and all(played.questions[number] is None for played in runs):
            wrong.append(say("check-unanswered", n=number + 1, ask=question.ask))


def _report(scene: Scene, played: Rehearsal, lang: str) -> Iterator[str]:
    log = played.session.timeline
    end = log.event(len(log) - 1).t / 1e6
    yield say("check-ended", n=played.events, ms=f"{end:.3f}", why=played.ended)
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


# -- the texts ---------------------------------------------------------------------------------------------------------


def _frame(scene: Scene) -> Iterator[str]:
    """What the scene says about its surroundings."""
    from ioviz.view.panels import PANELS

    panels = [panel.id for panel in PANELS]
    for panel in dict.fromkeys([*scene.focus, *(panel for chapter in scene.chapters for panel in chapter.focus)]):
        if panel not in panels:
            yield say("check-focus", panel=panel, panels=", ".join(panels))
    if scene.next is not None:
        names = [one.id for one in find_scenes()]
        if scene.next not in names:
            yield say("check-next", name=scene.next, scenes=", ".join(names))


def _lengths(scene: Scene) -> Iterator[str]:
    """Texts that do not fit at 80x24."""
    for what, kind, text in _texts(scene):
        for lang in LANGUAGES:
            rows = len(wrap(Text(text.of(lang)), COLUMNS))
            if rows > ROOM[kind]:
                yield say("check-long", what=what, lang=lang, rows=rows, room=ROOM[kind])


def _texts(scene: Scene) -> Iterator[tuple[str, str, Both]]:
    """(name, kind, text) of every text."""
    yield "title", "title", scene.title
    yield "summary", "summary", scene.summary
    if scene.watch is not None:
        yield "watch", "watch", scene.watch
    for kind, texts in (("learn", scene.learn), ("learned", scene.learned)):
        for number, text in enumerate(texts, 1):
            yield f"{kind} {number}", kind, text
    for number, chapter in enumerate(scene.chapters, 1):
        yield f"chapter {number} title", "title", chapter.title
        yield f"chapter {number}", "chapter", chapter.text
    for number, one in enumerate(scene.tries, 1):
        yield f"tries {number}", "tries", one.text
    for number, entry in enumerate(scene.article, 1):
        yield f"article {number} says", "article", entry.says
        yield f"article {number} linux", "article", entry.linux


def _commands(scene: Scene, wrong: list[str]) -> Iterator[str]:
    """Run the commands of the article's page; what they print."""
    for number, entry in enumerate(scene.article, 1):
        if entry.command is None:
            continue
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
            wrong.append(
                say("check-command-failed", n=number, why=say("check-late", s=COMMAND_SECONDS), command=entry.command)
            )
            continue
        for line in (done.stdout + done.stderr).decode(errors="replace").splitlines()[:SHOWN]:
            yield f"    {line}"
        if done.returncode:
            wrong.append(
                say("check-command-failed", n=number, why=f"exit code {done.returncode}", command=entry.command)
            )


def _list_events() -> None:
    from ioviz.model.event import own_fields
    from ioviz.model.vocabulary import KINDS

    for name, kind in sorted(KINDS.items()):
        print(f"{name:<24} {', '.join(own_fields(kind))}")
