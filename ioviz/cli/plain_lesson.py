"""What a scene says beside its story, as text: what to watch for, its questions with their answers, and its last pages.

The same as on the stage: `ioviz.tui.pages` and the questions over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.lesson.anchor import find_anchors
from ioviz.lesson.questions import pose
from ioviz.lesson.scene import find_scenes, next_scene
from ioviz.tui.pages import place_text
from ioviz.tui.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.lesson.questions import Asked
    from ioviz.lesson.scene import Scene
    from ioviz.trace.timeline import Timeline


def opening(scene: Scene, lang: str) -> Iterator[str]:
    """Where it is in the course, what will be learned, what to watch for."""
    place = place_text(scene, lang)
    yield from (place, "") if place else ()
    yield from (scene.summary.of(lang), "")
    if scene.learn:
        yield _labelled(say(lang, "page-learn"), "", lang)
        yield from (f"- {text.of(lang)}" for text in scene.learn)
        yield ""
    if scene.watch is not None:
        yield from (_labelled(say(lang, "page-watch"), scene.watch.of(lang), lang), "")


def closing(scene: Scene, lang: str) -> Iterator[str]:
    """What was learned, what the article says, what to try and to read, and what comes next."""
    if scene.learned:
        yield from ("", f"## {say(lang, 'page-learned')}", "")
        yield from (f"- {text.of(lang)}" for text in scene.learned)
    if scene.article:
        yield from ("", f"## {say(lang, 'article-title')}")
        for entry in scene.article:
            yield ""
            yield _labelled(say(lang, "article-says"), entry.says.of(lang), lang)
            yield _labelled(say(lang, "linux-does"), entry.linux.of(lang), lang)
            if entry.command:
                yield f"    $ {entry.command}"
    if scene.tries:
        yield from ("", f"## {say(lang, 'tries-title')}", "")
        for one in scene.tries:
            yield f"- ioviz play --set {one.knob}={one.value} {scene.id}"
            yield f"  {one.text.of(lang)}"
    if scene.reading:
        yield from ("", f"## {say(lang, 'page-reading')}", "")
        yield from (f"- {what}" for what in scene.reading)
    following = next_scene(scene, find_scenes()) if scene.number or scene.next else None
    if following is not None:
        name = f"{following.title.of(lang)} (ioviz play {following.id})"
        yield from ("", _labelled(say(lang, "page-next"), name, lang))


def questions_in(scene: Scene, log: Timeline) -> list[Asked]:
    """The questions of the scene that its run answers."""
    if not scene.questions:
        return []
    places = find_anchors(log.events(0, len(log)), [question.at for question in scene.questions])
    posed = [
        pose(log, question.ask, place)
        for question, place in zip(scene.questions, places, strict=True)
        if place is not None
    ]
    return [asked for asked in posed if asked is not None]


def put(asked: Asked, lang: str) -> Iterator[str]:
    """A question with its choices."""
    yield from ("", f"? {asked.prompt.of(lang)}")
    yield from (f"  {number}. {choice.of(lang)}" for number, choice in enumerate(asked.choices, 1))
    yield ""


def answer(asked: Asked, lang: str) -> Iterator[str]:
    """What is right."""
    right = [asked.choices[place].of(lang) for place in sorted(asked.right)]
    yield from ("", _labelled(say(lang, "answer"), "; ".join(right) or say(lang, "answer-none"), lang), "")


def _labelled(label: str, text: str, lang: str) -> str:
    """`label: text`; in Chinese with its own colon, which needs no space behind it."""
    label = label.rstrip(":：")
    return f"{label}：{text}" if lang == "zh" else f"{label}: {text}".rstrip()
