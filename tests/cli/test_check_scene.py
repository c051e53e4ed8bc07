"""`ioviz new-scene` lays a scene that works; `ioviz check-scene` says what is wrong with one that does not."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ioviz.cli import main
from ioviz.lesson import scene as scenes
from ioviz.lesson.scene import load_scene


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    """A new scene."""
    assert main(["new-scene", "mine", "--into", str(tmp_path), "--lang", "en"]) == 0
    return tmp_path / "mine"


def spoil(folder: Path, old: str, new: str) -> None:
    file = folder / "scene.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_new_scene_passes(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["check-scene", str(laid), "--run-commands", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "played as written" in out
    assert "played with entry=syscall" in out
    assert "chapter 1 Asleep in recv(): event" in out
    assert "Will this call put it to sleep? yes" in out
    assert "voluntary_ctxt_switches" in out
    assert out.endswith("mine: fine\n")
    scene = load_scene(laid)
    assert scene.tries
    assert scene.questions
    assert scene.article


def test_it_says_the_same_in_chinese(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["check-scene", str(laid), "--lang", "zh"]) == 0
    assert capsys.readouterr().out.endswith("mine：没有问题\n")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("nth = 2", "nth = 9", "scene.toml:29: chapter 1 (Asleep in recv()) is reached under no setting"),
        (
            'ask = "blocks"',
            'ask = "blocks"\n[[questions]]\nat = { event = "TaskSwitched", nth = 99 }\nask = "next"',
            "question 2 (next) has no answer",
        ),
        ('text.en = "The bytes', 'text.en = "' + "word " * 120 + "The bytes", "there is room for 6 at 80x24"),
        ('text.en = "The bytes', 'text.en = "' + "word " * 120 + "The bytes", "scene.toml:39: chapters[2].text (en)"),
        (
            'focus = ["source"',
            'focus = ["colours", "source"',
            "scene.toml:16: focus: there is no panel 'colours'; allowed: s",
        ),
        (
            'title.en = "It ret',
            'focus = ["nic", "nik"]\ntitle.en = "It ret',
            "scene.toml:37: focus: there is no panel 'nik'",
        ),
        (
            '"TaskSlept", program = "server.py"',
            '"TaskSlept", line = 40',
            "toml:29: chapter 1 (Asleep in recv()): there is no",
        ),
        (
            'title.en = "It ret',
            'host = 3\ntitle.en = "It ret',
            "toml:37: chapter 2 (It returns): there is no host 3; allowed: 1",
        ),
        ('call = "recvfrom"', 'call = "recvform"', "no system call 'recvform'; near it are recvfrom"),
        (
            'title.en = "It ret',
            'title.en = "\\u001b[31mIt ret',
            "toml:37: chapters[2].title.en: there is a control character",
        ),
        ("minutes = 2", "minutes = ", "scene.toml:8: is not TOML: Invalid value"),
        (
            "minutes = 2",
            "minutes = 'two'",
            "toml:8: minutes: expected `int`, got `str`; allowed: a whole number from 1 to 60",
        ),
        ("minutes = 2", 'minutes = 2\nnext = "nowhere"', "no scene 'nowhere'; the scenes are:"),
        ('ask = "blocks"', 'ask = "weather"', "scene.toml:"),
        ("minutes = 2", "minutes = 0", "scene.toml:8: minutes: expected `int` >= 1; allowed: a whole number from 1"),
        ('id = "mine"', 'id = "mine"\nlearnt = 3', "no 'learnt' here (did you mean learn?)"),
        ('"TaskSlept"', '"TaskSleeps"', "near it are TaskSlept"),
    ],
)
def test_what_is_wrong_is_said(
    laid: Path, old: str, new: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(laid, old, new)
    capsys.readouterr()
    assert main(["check-scene", "-q", str(laid), "--lang", "en"]) == 1
    out = capsys.readouterr().out
    assert complaint in out
    assert len(out.splitlines()) == 1 + (new.count("[[questions]]") > 1)


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("server.py", b"import os\ndef f(:\n", "mine/server.py:2: syntax error: invalid syntax"),
        ("server.py", b"import os\nprint('\xff')\n", "mine/server.py:2 is not utf-8 text"),
        ("server.py", b"\0\0", "mine/server.py is not a Python program: it has binary data in it"),
        ("scene.toml", b'id = "mine"\n# \xff', "mine/scene.toml:2: is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(
    laid: Path, name: str, data: bytes, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (laid / name).write_bytes(data)
    capsys.readouterr()
    assert main(["check-scene", str(laid), "--lang", "en"]) == 1
    assert capsys.readouterr().out.strip().endswith(complaint)
    assert main(["play", "--plain", str(laid), "--lang", "en"]) == 2
    assert complaint in capsys.readouterr().err


def test_a_program_that_fails_is_told(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (laid / "server.py").write_text("print('here')\n1 / 0\n")
    capsys.readouterr()
    assert main(["check-scene", str(laid), "--lang", "en"]) == 1
    out = capsys.readouterr().out
    assert "server.py ended with exit code 1; it printed last: ZeroDivisionError: division by zero" in out


def test_what_is_no_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    said = {}
    for name in ("file", "folder", "nothing"):
        assert main(["check-scene", str(tmp_path / name), "--lang", "en"]) == 1
        said[name] = capsys.readouterr().out.strip().removeprefix(str(tmp_path))
    assert said["file"] == "/file: a file, and a scene is a folder with a scene.toml"
    assert said["folder"] == "/folder: a folder without a scene.toml; `ioviz new-scene` lays a scene that works"
    assert said["nothing"] == "/nothing: no scene of this name, and no folder with a scene.toml"


def test_a_command_that_fails_is_wrong(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(laid, "grep ctxt /proc/self/status", "exit 7")
    assert main(["check-scene", str(laid), "--lang", "en"]) == 0
    assert main(["check-scene", str(laid), "--run-commands", "--lang", "en"]) == 1
    assert "exit code 7" in capsys.readouterr().out


def test_a_scene_that_never_ends_is_wrong_unless_it_says_when(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (laid / "server.py").write_text((laid / "server.py").read_text() + "import time\nwhile True:\n    time.sleep(9)\n")
    assert main(["check-scene", "-q", str(laid), "--lang", "en"]) == 1
    assert "set `seconds`" in capsys.readouterr().out
    spoil(laid, "minutes = 2", "minutes = 2\nseconds = 1.5")
    assert main(["check-scene", "-q", str(laid), "--lang", "en"]) == 0


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["check-scene"], "needs folders or names"),
        (["new-scene", "Bad Name"], "no name for a scene"),
        (["new-scene", "../x"], "no name for a scene"),
        (["new-scene", "x", "--into", "/dev/null"], "cannot be written"),
        (["new-scene"], "NAME"),
        (["check-scene", "--colour"], "--colour"),
    ],
)
def test_what_makes_no_sense(argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*argv]) == 2
    assert complaint in capsys.readouterr().err


def test_what_is_there_stays(laid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-scene", "mine", "--into", str(laid.parent)]) == 2
    assert "mine" in capsys.readouterr().err


def test_the_kinds_of_events_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-scene", "--events"]) == 0
    out = capsys.readouterr().out
    assert "\nTaskSlept                wchan, queues, entry, mode, until\n" in out


def test_the_page_for_contributors_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for command in re.findall(r"^ioviz (.+?)  +#", page, re.MULTILINE):
        said = command.replace("scenes", str(tmp_path)).replace("play", "play --plain").split()
        assert main(said) == 0
    monkeypatch.setattr(scenes, "scenes_folder", lambda: tmp_path)
    pinned = textwrap.dedent(page.partition("```python\n")[2].partition("   ```")[0])
    names: dict[str, Callable[[], None]] = {}
    exec(pinned, names)
    names["test_the_server_sleeps_until_the_bytes_come"]()
