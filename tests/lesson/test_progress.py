"""What has been played is kept, and no state of its file stops anybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ioviz.lesson.progress import NOT_PLAYED, Progress, state_file


def test_it_is_kept_between_runs(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "progress.json"
    progress = Progress(file)
    assert not progress.any
    progress.opened("epoll")
    progress.reached("epoll", 3)
    progress.reached("epoll", 2)
    progress.answered("epoll", 1, 2)
    progress.finished("epoll")
    progress.opened("poll")
    again = Progress(file)
    played = again.of("epoll")
    assert (again.last, played.chapter, played.finished, played.right, played.asked) == ("poll", 3, True, 1, 2)
    assert again.of("poll") == again.of("select") == NOT_PLAYED
    assert again.problem == ""
    again.reset()
    assert not Progress(file).any
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"last": 3}',
        b'{"scenes": {"a": {"chapter": -1}}}',
        b"[" * 100_000,
        b" " * 2_000_000,
    ],
)
def test_a_broken_file_counts_as_empty_and_is_mended(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "progress.json"
    file.write_bytes(content)
    progress = Progress(file)
    assert str(file) in progress.problem
    assert not progress.any
    progress.finished("epoll")
    assert Progress(file).of("epoll").finished
    assert Progress(file).problem == ""
    assert (tmp_path / "progress.json.bad").read_bytes() == content  # nothing of anybody's is lost
    progress.finished("poll")
    assert (tmp_path / "progress.json.bad").read_bytes() == content


def test_two_that_run_at_once_keep_what_each_has_seen(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    one, other = Progress(file), Progress(file)
    one.finished("epoll")
    other.finished("poll")
    one.reached("select", 2)
    kept = Progress(file)
    assert (kept.of("epoll").finished, kept.of("poll").finished, kept.of("select").chapter) == (True, True, 2)
    assert one.of("poll").finished
    other.reset()
    assert not Progress(file).any


def test_what_a_newer_version_wrote_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.write_text('{"version": 9, "last": "epoll", "scenes": {"epoll": {"chapter": 2, "stars": 5}}}')
    assert Progress(file).of("epoll").chapter == 2


@pytest.mark.parametrize("place", ["/dev/null/progress.json", "/proc/progress.json"])
def test_what_cannot_be_written_is_kept_in_memory_and_said(place: str) -> None:
    progress = Progress(Path(place))
    progress.finished("epoll")
    assert progress.of("epoll").finished
    assert place in progress.problem


def test_a_folder_in_its_place_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.mkdir()
    progress = Progress(file)
    progress.finished("epoll")
    assert progress.problem
    assert os.listdir(tmp_path) == ["progress.json"]


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_file() == tmp_path / "ioviz" / "progress.json"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_file() == tmp_path / ".local" / "state" / "ioviz" / "progress.json"
