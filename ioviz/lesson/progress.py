"""What of the course has been played: kept between runs in the user's state folder ($XDG_STATE_HOME/ioviz).

The file is only a convenience, so nothing about it may stop anybody: one that cannot be read counts as empty, and is
set aside (`progress.json.bad`) before anything is written in its place; one that cannot be written is let be; `problem`
says so in a sentence. What another ioviz has written meanwhile of other scenes stays.
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


def _read(file: Path) -> Kept:
    """What `file` holds; nothing, if there is none. Raises OSError, ValueError and RecursionError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Kept()
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    return msgspec.json.decode(data, type=Kept)


class Progress:
    """What has been played. Every change is written at once; it is a few hundred bytes."""

    def __init__(self, file: Path | None = None) -> None:
        self._kept = Kept()
        self.problem = ""
        self._file = file
        self.unread = False
        """Whether `problem` is that what was played before cannot be read."""
        self._in_the_way = False
        """The file that nobody could make sense of is still in its place."""
        self._changed: set[str] = set()
        """The scenes that were played in this run."""
        try:
            self._file = state_file() if file is None else file
            self._kept = _read(self._file)
        except (OSError, ValueError, RuntimeError, RecursionError) as error:  # RuntimeError: there is no home folder
            self.problem = f"{self._file}: {getattr(error, 'strerror', None) or error}"
            self.unread = self._in_the_way = self._file is not None and self._file.is_file()

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
            self._changed.add(scene)
            self._kept = replace(kept, scenes={**kept.scenes, **self._of_others()})
            self._write()

    def _of_others(self) -> dict[str, Played]:
        """What the file says by now of the scenes that were not played in this run."""
        if self._file is None or self._in_the_way:
            return {}
        try:
            written = _read(self._file).scenes
        except (OSError, ValueError, RecursionError):
            return {}
        return {name: played for name, played in written.items() if name not in self._changed}

    def _write(self) -> None:
        """A new file in the old one's place, so that it is never half of one."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._in_the_way:
                os.replace(self._file, self._file.with_name(self._file.name + ".bad"))
                self._in_the_way = False
            with tempfile.NamedTemporaryFile("wb", dir=self._file.parent, prefix=".progress-", delete=False) as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(self._kept)))
            try:
                os.replace(stream.name, self._file)
            except OSError:
                os.unlink(stream.name)
                raise
        except OSError as error:
            self.problem = f"{self._file}: {error.strerror}"
