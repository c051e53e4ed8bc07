"""What of the course has been played: kept between runs in the user's state folder ($XDG_STATE_HOME/ioviz).

The file is only a convenience, so nothing about it may stop anybody: one that cannot be read counts as empty (and is
overwritten with the next thing learned), one that cannot be written is let be; `problem` says so in a sentence.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

MAX_BYTES: Final = 1 << 20
Count = Annotated[int, Meta(ge=0, le=1 << 20)]


class Played(msgspec.Struct, frozen=True):
    """How far somebody got in a scene: `chapter` is the last one seen (from 1), `finished` whether its end was.
    `right` of `asked` questions were answered rightly the last time."""

    chapter: Count = 0
    finished: bool = False
    right: Count = 0
    asked: Count = 0


class Kept(msgspec.Struct, frozen=True):
    """The file. `last` is the scene that was played last."""

    last: Annotated[str, Meta(max_length=60)] = ""
    scenes: dict[Annotated[str, Meta(max_length=60)], Played] = {}


NOT_PLAYED: Final = Played()


def state_file() -> Path:
    """Where it is kept (XDG base directories)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return folder / "ioviz" / "progress.json"


class Progress:
    """What has been played. Every change is written at once; it is a few hundred bytes."""

    def __init__(self, file: Path | None = None) -> None:
        self._kept = Kept()
        self.problem = ""
        self._file = file
        try:
            self._file = state_file() if file is None else file
            with self._file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise ValueError("too large")
            self._kept = msgspec.json.decode(data, type=Kept)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RuntimeError, RecursionError) as error:  # RuntimeError: there is no home folder
            self.problem = f"{self._file}: {getattr(error, 'strerror', None) or error}"

    @property
    def last(self) -> str:
        """The id of the scene that was played last; empty if there is none."""
        return self._kept.last

    @property
    def any(self) -> bool:
        """Whether anything was played."""
        return bool(self._kept.scenes)

    def of(self, scene: str) -> Played:
        """How far somebody got in `scene`."""
        return self._kept.scenes.get(scene, NOT_PLAYED)

    def opened(self, scene: str) -> None:
        """It is being played."""
        self._change(scene, self.of(scene))

    def reached(self, scene: str, chapter: int) -> None:
        """Chapter number `chapter` was seen."""
        if chapter > self.of(scene).chapter:
            self._change(scene, replace(self.of(scene), chapter=chapter))

    def finished(self, scene: str) -> None:
        """Its end was seen."""
        if not self.of(scene).finished:
            self._change(scene, replace(self.of(scene), finished=True))

    def answered(self, scene: str, right: int, asked: int) -> None:
        """So many of its questions were answered rightly."""
        self._change(scene, replace(self.of(scene), right=right, asked=asked))

    def reset(self) -> None:
        """Forget everything."""
        self._kept = Kept()
        self.problem = ""
        self._write()

    def _change(self, scene: str, played: Played) -> None:
        kept = Kept(scene, {**self._kept.scenes, scene: played})
        if kept != self._kept:
            self._kept = kept
            self._write()

    def _write(self) -> None:
        """A new file in the old one's place, so that it is never half of one."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("wb", dir=self._file.parent, prefix=".progress-", delete=False) as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(self._kept)))
            try:
                os.replace(stream.name, self._file)
            except OSError:
                os.unlink(stream.name)
                raise
        except OSError as error:
            self.problem = f"{self._file}: {error.strerror}"
