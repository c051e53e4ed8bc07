"""The table of actions, the texts of the frame, what is typed, and lines that may be Chinese."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from ioviz.lesson.language import language_of
from ioviz.model.task import Source
from ioviz.tui.actions import ACTIONS, EVERYWHERE, GROUPS, STAGE, bindings, by_group, footer_actions
from ioviz.tui.app import IovizApp
from ioviz.tui.breakpoints import understand
from ioviz.tui.overview import BUCKETS, Overview
from ioviz.tui.screens.stage import StageScreen
from ioviz.tui.texts import TEXTS
from ioviz.tui.wrap import CLOSING, wrap
from tests.tui.fakes import PROGRAM, events


def test_every_key_is_bound_once_and_every_action_has_its_method() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        owner = IovizApp if action.where == EVERYWHERE else StageScreen
        assert callable(getattr(owner, f"action_{action.method}", None)), action.id
        assert action.group in GROUPS
    assert {binding.action for where in (STAGE, EVERYWHERE) for binding in bindings(where)} == {
        action.method for action in ACTIONS
    }


def test_the_design_s_keys_are_there() -> None:
    shown = {key for action in ACTIONS for key in action.keys}
    assert shown >= {
        "space",
        "left",
        "right",
        "n",
        "p",
        "s",
        "f",
        "u",
        "w",
        "[",
        "]",
        "home",
        "end",
        "/",
        "b",
        "y",
        "t",
    }
    assert shown >= {"c", "+", "-", "enter", "L", "?", "escape", "q", "ctrl+p"}


def test_actions_and_texts_are_in_both_languages_and_fit_together() -> None:
    for action in ACTIONS:
        for text in (action.label, action.help):
            assert text.en
            assert text.zh
    formatter = string.Formatter()
    for key, (en, zh) in TEXTS.items():
        fields = [{name for _, name, _, _ in formatter.parse(text) if name} for text in (en, zh)]
        assert fields[0] == fields[1], key
    assert sum(len(actions) for _, actions in by_group()) == len(ACTIONS)
    assert [action.footer for action in footer_actions()] == sorted(action.footer for action in footer_actions())


def test_the_language_is_asked_for_or_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert language_of(None) == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_of(None) == "zh"
    assert language_of("en") == "en"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert language_of(None) == "en"


@pytest.mark.parametrize(
    ("typed", "shown", "found"),
    [
        ("4", "hello.py:4", 5),
        ("hello.py:3", "hello.py:3", 5),
        ("write", "write", 5),
        ("write()", "write", 5),
        ("textprinted", "TextPrinted", 5),
        ("fd 1", "fd 1", 10),
        ("task 101", "task 101", 25),
        ("syscall", "SyscallReturned", 5),
        ("Task", "Task", 2),
    ],
)
def test_what_is_typed_is_understood(typed: str, shown: str, found: int) -> None:
    question = understand(typed, {1: Source(1, "/home/guest/hello.py", PROGRAM)})
    assert question is not None
    assert question.text == shown
    assert sum(question.fits(event) for event in events()) == found


@pytest.mark.parametrize("typed", ["", "  ", "99", "other.py:3", "no such thing", "frobnicate", "0"])
def test_what_makes_no_sense_is_not_understood(typed: str) -> None:
    assert understand(typed, {1: Source(1, "/home/guest/hello.py", PROGRAM)}) is None


@given(st.text(st.sampled_from("ab ，。（）字中文epoll.")), st.integers(4, 40))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrap(Text(text), width)
    assert all(cell_len(line.plain) <= width for line in lines)
    assert "".join(line.plain for line in lines).replace(" ", "") == text.replace(" ", "")


def test_no_line_begins_with_closing_punctuation() -> None:
    text = (
        "来了十二个字节，服务器每次却只读四个。水平触发（LT）时，epoll 会再次通知它；边缘触发（ET）时，它会永远等下去。"
    )
    for width in range(8, 60):
        assert not any(line.plain[0] in CLOSING for line in wrap(Text(text), width))


def test_the_overview_keeps_its_size_however_long_the_log() -> None:
    overview = Overview()
    log = events(2000)
    for start in range(0, len(log), 777):
        overview.add(log[start : start + 777])
    assert overview.seen == len(log)
    assert len(overview._buckets) <= BUCKETS
    assert sum(sum(bucket) for bucket in overview._buckets) == len(log)
    columns = overview.columns(100)
    assert len(columns) == 100
    assert None not in columns
