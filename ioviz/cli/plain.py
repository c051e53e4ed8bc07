"""The story of a run as text: what the stage tells, an event a line, for pipes, dumb terminals and screen readers.

A scene is run to its end first, since its chapters are found in the whole run; a program is told while it runs. Where a
chapter begins at an entry into the kernel or a return from it, its steps are told too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ioviz.cli import plain_lesson
from ioviz.lesson.anchor import find_anchors
from ioviz.lesson.endings import told
from ioviz.lesson.narration import narrate
from ioviz.model.event import Origin, file_and_line
from ioviz.model.host import RunEnded
from ioviz.model.trap_steps import steps_of
from ioviz.model.world import World
from ioviz.tui.texts import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from ioviz.lesson.questions import Asked
    from ioviz.lesson.scene import Chapter
    from ioviz.model.event import Event
    from ioviz.tui.source import Source

SLICE = 2_000
KNOWN = {Origin.OBSERVED: ("[observed]", "[观察到]"), Origin.INFERRED: ("[inferred]", "[推断]")}
"""How an event of a real process is known."""


def tell(source: Source, lang: str, out: TextIO | None = None) -> int:
    """Print the story of `source` to `out` (stdout); always 0: what a program's exit code was is part of the story."""
    out = out or sys.stdout
    for line in story(source, lang, out.flush):
        print(line, file=out)
    out.flush()
    source.close()
    return 0


def story(source: Source, lang: str, idle: Callable[[], object] = int) -> Iterator[str]:
    """The lines of the story; `idle` is called where nothing happens for a while."""
    chapters: dict[int, Chapter] = {}
    scene = source.scene
    yield f"# {scene.title.of(lang) if scene is not None else source.title}"
    yield ""
    asked: list[Asked] = []
    if scene is not None:
        yield from plain_lesson.opening(scene, lang)
        while not source.advance(SLICE):
            pass
        log = source.timeline
        found = find_anchors(log.events(0, len(log)), [chapter.at for chapter in scene.chapters])
        places = [(place, chapter) for place, chapter in zip(found, scene.chapters, strict=True) if place is not None]
        chapters = dict(places)
        asked = plain_lesson.questions_in(scene, log)
    number = 0
    world = World()
    for event in _events(source, idle):
        for question in asked:
            if question.stop == event.seq:
                yield from plain_lesson.put(question, lang)
        sentence = narrate(world, event, lang)
        over = scene is not None and isinstance(event, RunEnded) and scene.over(event.reason)
        if over:
            sentence = say(lang, "scene-over")
        event.apply(world)
        where = _where(world, event, lang)
        if sentence.startswith(where):  # a source line says itself where it is
            where = ""
        if event.origin:
            sentence = f"{KNOWN[Origin(event.origin)][lang == 'zh']} {sentence}"
        yield f"{event.t / 1e6:10.4f} ms  {where}{' ' * max(0, 16 - cell_len(where))} {sentence}"
        if event.seq in chapters:
            for step in steps_of(event):
                yield f"{'':32}- {step.of(lang)}"
            number += 1
            chapter = chapters[event.seq]
            yield from ("", f"## {number}. {chapter.title.of(lang)}", "", chapter.text.of(lang), "")
        for question in asked:
            if question.show == event.seq + 1:
                yield from plain_lesson.answer(question, lang)
        if isinstance(event, RunEnded) and event.message and not over:
            yield from ("", told(event.message, lang))
    if scene is not None:
        yield from plain_lesson.closing(scene, lang)


def _events(source: Source, idle: Callable[[], object]) -> Iterator[Event]:
    """Every event, as the machine makes them."""
    done, ended = 0, False
    while True:
        length = len(source.timeline)
        yield from source.timeline.events(done, length)
        done = length
        if ended:
            return
        ended = source.advance(SLICE)
        wait = getattr(source, "wait", None)
        if wait is not None and not ended and len(source.timeline) == done:  # real processes take their time
            idle()
            wait(0.2)


def _where(world: World, event: Event, lang: str) -> str:
    """`server.py:12`, or the host if nobody's program runs."""
    file, line = file_and_line(event.at)
    source = world.sources.get(file)
    if event.task and source is not None:
        return f"{source.path.rpartition('/')[2]}:{line}"
    host = world.hosts.get(event.cpu)
    if host is None:
        return ""
    return "本机" if lang == "zh" and host.name == "this computer" else host.name
