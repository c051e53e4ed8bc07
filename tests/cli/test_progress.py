"""`ioviz progress` lists what was played, and forgets it."""

from __future__ import annotations

import pytest

from ioviz.cli import main
from ioviz.lesson.progress import Progress


def test_it_lists_and_forgets(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.reached("epoll-lt-et", 4)
    progress.answered("epoll-lt-et", 1, 2)
    progress.finished("nic-interrupt")
    assert main(["progress", "--lang", "en"]) == 0
    lines = {line[3:23].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert "to chapter 4" in lines["epoll-lt-et"]
    assert "questions 1/2" in lines["epoll-lt-et"]
    assert "played " in lines["nic-interrupt"]
    assert lines["nic-interrupt"].endswith("*")
    assert "not played" in lines["syscall-int80"]
    assert main(["progress", "--reset", "--lang", "zh"]) == 0
    assert not Progress().any


def test_it_says_what_stands_in_its_way(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    assert main(["progress", "--lang", "en"]) == 1
    assert "cannot be read" in capsys.readouterr().out
    assert main(["progress", "--reset"]) == 1
