"""`ioviz progress`: what of the course has been played, and how to forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from ioviz.cli.arguments import Parser
from ioviz.cli.messages import choose_language, say
from ioviz.lesson.progress import Progress
from ioviz.lesson.scene import find_scenes

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request

HOW = 12
"""Columns that say how far somebody got."""


def run(request: Request) -> int:
    """List it, or forget it; 1 if what is kept cannot be read or written."""
    parser = Parser("progress")
    parser.add("--reset", action="store_true")
    options = parser.parse_args(request.rest)
    lang = choose_language(options.lang or request.lang)
    progress = Progress()
    if options.reset:
        progress.reset()
        print(progress.problem or say("progress-reset"))
        return 1 if progress.problem else 0
    if progress.problem:
        print(say("progress-problem", why=progress.problem))
        return 1
    for scene in find_scenes():
        played = progress.of(scene.id)
        how = say("progress-none")
        if played.finished or played.chapter:
            how = say("progress-finished") if played.finished else say("progress-chapter", n=played.chapter)
        score = say("progress-score", right=played.right, asked=played.asked) if played.asked else ""
        mark = " *" if scene.id == progress.last else ""
        how += " " * max(0, HOW - cell_len(how))
        print(f"{scene.number or '':>2} {scene.id:<20} {how} {score} {scene.title.of(lang)}{mark}")
    return 0
