"""What the pages of a scene say: its opening, its end, what the article says, and the knobs worth turning.

Pure functions of the scene, the progress and the language; `ioviz.tui.screens.page` shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.lesson.words import in_ascii
from ioviz.tui.knobs import stands, tries_of
from ioviz.tui.screens.page import Content, Line
from ioviz.tui.texts import drawn, say

if TYPE_CHECKING:
    from ioviz.lesson.progress import Played
    from ioviz.lesson.scene import Both, Scene
    from ioviz.tui.look import Look

ROMAN: Final = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
BLANK: Final = Line(Text(""))
THROUGH: Final = {
    "key-play": (" ", "play"),
    "key-chapter": ("]", "next_chapter"),
    "key-article": ("A", "article"),
    "key-tries": ("x", "tries"),
    "key-predict": ("P", "predict"),
    "key-costs": ("m", "further"),
    "key-race": ("m", "further"),
}
"""The keys of the stage that the opening page names: each closes it, and does what it does on the stage."""


def place_text(scene: Scene, lang: str) -> str:
    """`Part III · scene 14 · 4 minutes`; less where the scene says less."""
    parts = []
    if scene.part:
        parts.append(say(lang, f"part-{scene.part}") if scene.part <= 4 else say(lang, "part-n", n=ROMAN[scene.part]))
    if scene.number:
        parts.append(say(lang, "scene-n", n=scene.number))
    if scene.minutes:
        parts.append(say(lang, "minutes", n=scene.minutes))
    return " · ".join(parts)


def opens(scene: Scene) -> bool:
    """Whether the scene has anything to say before it begins."""
    return bool(scene.watch or scene.learn)


def closes(scene: Scene) -> bool:
    """Whether it has anything to say at its end."""
    return bool(scene.learned or scene.reading)


def opening(scene: Scene, lang: str, look: Look, left_at: Both | None = None) -> Content:
    """What it is about, before it begins; `left_at` is the title of the chapter where somebody left off, who may go
    on there."""
    lines = [Line(Text(drawn(place_text(scene, lang), look.ascii), look.muted)), BLANK]
    lines.append(Line(Text(_of(scene.summary, lang, look), look.style("foreground"))))
    if scene.learn:
        lines += [BLANK, _head("page-learn", lang, look)]
        lines += [Line(Text(_of(text, lang, look), look.style("foreground")), "• ") for text in scene.learn]
    if scene.watch is not None:
        lines += [BLANK, _head("page-watch", lang, look), Line(Text(_of(scene.watch, lang, look), look.strong))]
    there = {
        "key-play": True,
        "key-chapter": True,
        "key-article": bool(scene.article),
        "key-tries": bool(scene.tries),
        "key-predict": bool(scene.questions),
        f"key-{scene.page}": scene.page is not None,
    }
    keys = [key for key, is_there in there.items() if is_there]
    lines += [BLANK, Line(Text(drawn(" · ".join(say(lang, key) for key in keys), look.ascii), look.muted))]
    through = tuple(THROUGH[key] for key in keys)
    if left_at is not None:
        title = _of(left_at, lang, look)
        lines += [BLANK, Line(Text(say(lang, "resume", title=title), look.strong), item="resume")]
        lines.append(Line(Text(say(lang, "from-start"), look.style("foreground")), item="start"))
        return Content(_of(scene.title, lang, look), tuple(lines), "page-choose", through=through)
    return Content(_of(scene.title, lang, look), tuple(lines), "page-start", through=through)


def closing(scene: Scene, following: Scene | None, played: Played, lang: str, look: Look) -> Content:
    """What was learned, what to read, what comes next."""
    lines: list[Line] = []
    if scene.learned:
        lines.append(_head("page-learned", lang, look))
        lines += [Line(Text(_of(text, lang, look), look.style("foreground")), "• ") for text in scene.learned]
    if played.asked:
        lines.append(Line(Text(say(lang, "score", right=played.right, asked=played.asked), look.strong)))
    if scene.reading:
        head = (f"{say(lang, 'page-reading')}  ", look.style("secondary", bold=True))
        what = drawn("; ".join(scene.reading), look.ascii)
        lines += [BLANK, Line(Text.assemble(head, (what, look.style("foreground"))))]
    lines += [BLANK, _head("page-next", lang, look)] if following is not None or scene.article or scene.tries else []
    if following is None and scene.number:
        lines.append(Line(Text(say(lang, "last-scene"), look.style("foreground"))))
    if following is not None:
        lines.append(
            Line(Text(_of(following.title, lang, look), look.strong), _mark(following), f"scene {following.id}")
        )
    if scene.page is not None:
        lines.append(Line(Text(say(lang, f"open-{scene.page}"), look.style("foreground")), item="page"))
    if scene.tries:
        lines.append(Line(Text(say(lang, "open-tries"), look.style("foreground")), item="tries"))
    if scene.article:
        lines.append(Line(Text(say(lang, "open-article"), look.style("foreground")), item="article"))
    lines.append(Line(Text(say(lang, "open-gallery"), look.style("foreground")), item="gallery"))
    return Content(say(lang, "page-end", title=_of(scene.title, lang, look)), tuple(lines), "page-choose")


def article(scene: Scene, lang: str, look: Look) -> Content:
    """What the article says, and what Linux does."""
    lines: list[Line] = []
    for number, entry in enumerate(scene.article, 1):
        lines += [BLANK] if number > 1 else []
        says = Text.assemble((f"{say(lang, 'article-says')}  ", look.style("secondary", bold=True)))
        lines.append(Line(says.append(_of(entry.says, lang, look), look.style("muted"))))
        linux = Text.assemble((f"{say(lang, 'linux-does')}  ", look.style("success", bold=True)))
        lines.append(Line(linux.append(_of(entry.linux, lang, look), look.style("foreground"))))
        if entry.command:
            lines.append(Line(Text(entry.command, look.style("accent")), "$ ", f"command {number}", entry.command))
    hint = "page-copy" if any(entry.command for entry in scene.article) else "page-close"
    return Content(say(lang, "article-title"), tuple(lines), hint)


def tries(scene: Scene | None, now: dict[str, str], lang: str, look: Look) -> Content:
    """The knobs worth turning; `now` is how each of them stands."""
    lines = [Line(Text(say(lang, "tries-about"), look.muted)), BLANK]
    for number, one in enumerate(tries_of(scene)):
        is_so = stands(now, one)
        text = Text.assemble((f"{one.knob} = {one.value}", look.key))
        if is_so:
            text.append(f"  {say(lang, 'tries-now')}", look.style("success"))
        text.append(f"  {_of(one.text, lang, look)}", look.style("foreground"))
        lines.append(Line(text, item=str(number)))
    lines += [BLANK, Line(Text(say(lang, "tries-other"), look.style("foreground")), item="other")]
    lines.append(Line(Text(say(lang, "tries-back"), look.style("foreground")), item="back"))
    return Content(say(lang, "tries-title"), tuple(lines), "page-choose")


def _of(text: Both, lang: str, look: Look) -> str:
    """A scene's text in the characters that the terminal has."""
    return in_ascii(text.of(lang)) if look.ascii else text.of(lang)


def _head(key: str, lang: str, look: Look) -> Line:
    return Line(Text(say(lang, key), look.style("secondary", bold=True)))


def _mark(scene: Scene) -> str:
    return f"{scene.number}  " if scene.number else ""
