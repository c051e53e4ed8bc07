"""`ioviz play` without a terminal: scenes, programs and recordings as text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, ioviz


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that prints."""
    path = tmp_path / "program.py"
    path.write_text("import os\nos.write(1, b'hello\\n')\n")
    return path


def test_a_recording_tells_the_same_story_as_its_program(program: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.ioviz"
    assert ioviz("exec", "--record", recording, program).code == 0
    live, recorded = ioviz("play", "--plain", program), ioviz("play", recording)
    assert (live.code, recorded.code) == (0, 0)
    assert live.out.startswith("# program.py\n")
    assert recorded.out.startswith("# run.ioviz\n")
    assert live.out.splitlines()[1:] == recorded.out.splitlines()[1:]
    assert "hello" in live.out


def test_knobs_turn_scenes_too() -> None:
    assert "int 0x80" in ioviz("play", "syscall-int80").out
    assert "Each waits for the other" in ioviz("play", "--set", "trigger=et", "epoll-lt-et").out
    assert "互相等待" in ioviz("play", "--lang", "zh", "--set", "trigger=et", "epoll-lt-et").out


def test_a_scene_in_a_folder_of_one_s_own() -> None:
    assert ioviz("play", "--plain", ROOT / "scenes" / "syscall-int80").out == ioviz("play", "syscall-int80").out


def test_a_recording_that_breaks_off_is_told_up_to_there(program: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.ioviz"
    ioviz("exec", "--record", recording, program)
    recording.write_bytes(recording.read_bytes()[:-40])
    result = ioviz("play", recording)
    assert result.code == 0, result.err
    assert "breaks off" in result.out


def test_nobody_reads_the_story(program: Path) -> None:
    program.write_text("while True:\n    print('more')\n")
    with subprocess.Popen(
        [sys.executable, "-m", "ioviz", "play", "--plain", str(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "IOVIZ_LANG": "en"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"# program.py\n"
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ([], "gallery needs a terminal"),
        (["play", "no-such-thing"], "no scene"),
        (["play", "epoll-lt-et", "argument"], "its own programs"),
        (["play", "--set", "trigger=up", "epoll-lt-et"], "trigger"),
        (["play", "{tmp}/broken.ioviz"], "broken.ioviz"),
        (["play", "{tmp}/scene"], "scene.toml"),
        (["play", "{tmp}/bad.py"], "bad.py"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(args: list[str], complaint: str, tmp_path: Path) -> None:
    (tmp_path / "broken.ioviz").write_bytes(b"\x1f\x8bnonsense")
    (tmp_path / "bad.py").write_text("def f(:\n")
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "scene.toml").write_text("nonsense")
    result = ioviz(*(arg.format(tmp=tmp_path) for arg in args))
    assert result.code == 2
    assert complaint in result.err
    assert result.err.count("\n") == 1
