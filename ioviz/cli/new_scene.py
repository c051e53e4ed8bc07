"""`ioviz new-scene NAME`: lay a scene that works, in both languages, to be made into one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ioviz.cli.arguments import Parser, UsageError
from ioviz.cli.messages import choose_language, say

if TYPE_CHECKING:
    from ioviz.cli.arguments import Request

TEMPLATE = Path(__file__).parent / "scene_template"


def run(request: Request) -> int:
    """Lay the scene that `request` names."""
    parser = Parser("new-scene")
    parser.add("name", metavar="NAME")
    parser.add("--into", type=Path, default=Path(), metavar="FOLDER")
    options = parser.parse_args(request.rest)
    choose_language(options.lang or request.lang)
    print(say("scene-laid", path=lay(options.name, options.into)))
    return 0


def lay(name: str, into: Path) -> Path:
    """Lay a scene called `name` in folder `into`; its own folder. Raises UsageError."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 60:
        raise UsageError(say("scene-name", name=name))
    folder = into / name
    try:
        folder.mkdir(parents=True)
        for file in sorted(TEMPLATE.iterdir()):
            text = file.read_text(encoding="utf-8").replace("NAME", name)
            (folder / file.name.removesuffix(".txt")).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise UsageError(say("scene-exists", path=folder)) from error
    except OSError as error:
        raise UsageError(say("scene-unwritable", path=folder, why=error.strerror)) from error
    return folder
