"""What the gallery says of the scene that is chosen: what it is about, its chapters, and its program where there is
room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Span, Text

from ioviz.tui.pages import place_text
from ioviz.tui.texts import say
from ioviz.tui.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioviz.lesson.progress import Played
    from ioviz.lesson.scene import Scene
    from ioviz.tui.look import Look


def boxed(title: str, lines: list[Text], width: int, height: int, look: Look) -> list[Text]:
    """`lines` in a box that bears `title`."""
    glyph, edge = look.glyphs, look.faint
    head = Text.assemble((glyph.top_left + glyph.across, edge), (f" {title} ", look.style("primary", bold=True)))
    head.truncate(max(2, width - 2))
    head.append(glyph.across * (width - 1 - head.cell_len) + glyph.top_right, edge)
    found = [head]
    for line in [*lines, *[Text("")] * (height - 2 - len(lines))][: max(0, height - 2)]:
        row = Text.assemble((f"{glyph.down}  ", edge), line)
        row.append(" " * max(0, width - 1 - row.cell_len))
        found.append(row.append(glyph.down, edge))
    return [*found, Text(glyph.bottom_left + glyph.across * (width - 2) + glyph.bottom_right, edge)]


def about(
    scene: Scene | None,
    played: Played | None,
    problems: Sequence[str],
    width: int,
    height: int,
    lang: str,
    look: Look,
) -> list[Text]:
    """The lines of the preview; what there is to complain of stands below."""
    lines: list[Text] = []
    if scene is not None and played is not None:
        where = [place_text(scene, lang)] if scene.part else []
        if played.finished:
            where.append(say(lang, "played-finished"))
        elif played.chapter:
            where.append(say(lang, "played-part", n=played.chapter))
        if played.asked:
            where.append(say(lang, "played-score", right=played.right, asked=played.asked))
        if where:
            lines.extend(wrap(Text(" · ".join(where), look.muted), width))
        lines.extend(wrap(Text(scene.summary.of(lang), look.style("foreground")), width))
        if len(lines) + 4 <= height:  # for fewer than two chapters it is not worth it
            lines.append(Text(""))
            lines.append(Text(say(lang, "chapters"), look.style("secondary", bold=True)))
            for number, chapter in enumerate(scene.chapters, 1):
                head = (f"{number:2} ", look.style("success") if number <= played.chapter else look.muted)
                lines.append(Text.assemble(head, (chapter.title.of(lang), look.style("foreground"))))
        own = [Text(say(lang, key), look.muted) for key in ("gallery-own", "gallery-recording")] if height > 9 else []
        lines.extend(_program(scene, width, height - len(lines) - len(own) - 1, lang, look))
        room = max(3, height - len(own) - bool(own))
        if len(lines) > room:
            lines = [*lines[: room - 1], Text(f"   {look.glyphs.ellipsis}", look.muted)]
        lines.extend([Text("")] * (height - len(lines) - len(own)))
        lines.extend(own)
    below = [line for problem in problems for line in wrap(Text(problem, look.error), width)][:height]
    return [*lines[: height - len(below)], *below]


def _program(scene: Scene, width: int, room: int, lang: str, look: Look) -> list[Text]:
    """The main program, as far as there is room."""
    if room < 6:
        return []
    try:
        text = scene.path(scene.main.file).read_text(encoding="utf-8").rstrip()
    except (OSError, UnicodeDecodeError):
        return []
    names = "  ".join(program.file for program in scene.programs)
    head = [Text(""), Text.assemble((say(lang, "programs"), look.style("secondary", bold=True)), f"  {names}")]
    from rich.syntax import Syntax

    theme = "ansi_dark" if look.dark else "ansi_light"
    code = Syntax(text, "python", theme=theme, background_color="default").highlight(text)
    rows = code.split("\n")[: room - 2]
    for row in rows:
        row.spans = [Span(start, end, _no_background(style)) for start, end, style in row.spans]
        row.style = ""
        row.truncate(width, overflow="ellipsis")
    return [*head, *rows]


def _no_background(style: str | Style) -> Style:
    style = style if isinstance(style, Style) else Style.parse(style)
    return Style(color=style.color, bold=style.bold, italic=style.italic)
