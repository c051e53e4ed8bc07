"""Why a run ended, and what is wrong with a request, in Chinese: every message that the machine makes is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ioviz.lesson.endings import told
from ioviz.machine.kernel.config import Config, KnobError
from ioviz.machine.user.loader import LoadError, load_program

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "stalled": (
        "import threading\nthreading.Lock().__enter__()\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n",
        125,
    ),
    "endless": ("while True:\n    pass\n", 124),
    "virtual time": ("import time\nwhile True:\n    time.sleep(100)\n", 124),
    "unsupported": ("import os\nos.kill(os.getpid(), 19)\n", 126),
}


def english(text: str) -> list[str]:
    """The words of a text that a Chinese reader need not know."""
    return [
        word
        for word in ("nothing", "wake", "limit", "loop", "call", "reached", "knob", "there is", "not")
        if word in text
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_end_of_a_run(name: str, tmp_path: Path) -> None:
    text, code = PROGRAMS[name]
    (tmp_path / "prog.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "ioviz", "exec", "--lang", "zh", "--max-time", "1000", str(tmp_path / "prog.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "prog.py:" in done.stderr
    assert not english(done.stderr), done.stderr


@pytest.mark.parametrize(
    ("knob", "value"),
    [("nosuch", "1"), ("trigger", "x"), ("rcvbuf", "x"), ("latency", "x"), ("rcvbuf", "-1"), ("somaxconn", "0")],
)
def test_knobs(knob: str, value: str) -> None:
    with pytest.raises(KnobError) as caught:
        Config().turned(knob, value)
    assert not english(told(caught.value, "zh"))
    assert told(caught.value, "en") == str(caught.value)


@pytest.mark.parametrize("data", [None, b"\0", b"x = (\n", b"# coding: nosuch\n", b"\xff\n", b" x\n  y\n z\n"])
def test_programs_that_cannot_be_loaded(data: bytes | None, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "bad.py").write_bytes(data)
    with pytest.raises(LoadError) as caught:
        load_program("bad.py", cwd=str(tmp_path))
    assert told(caught.value, "zh") != str(caught.value)


def test_an_unknown_message_stays() -> None:
    assert told("something new", "zh") == "something new"
