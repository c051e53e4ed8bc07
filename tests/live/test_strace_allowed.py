"""What Yama forbids is refused before anything is started, with the mend."""

from __future__ import annotations

import os
import shutil

import pytest

from ioviz.live import procfs, strace, strace_allowed
from ioviz.live.calls import Call, Item
from ioviz.live.strace_allowed import why_not
from tests.live.real import needs_strace


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux with strace and a process of ours, whatever this computer is."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(procfs, "why_not", lambda pid=None: None)
    monkeypatch.setattr(procfs, "status_of", lambda pid, name: "0")
    return monkeypatch


@pytest.mark.parametrize(
    ("scope", "root", "said"),
    [
        (0, False, ""),
        (0, True, ""),
        (1, True, ""),
        (1, False, "ptrace_scope is 1"),
        (2, True, ""),
        (2, False, "ptrace_scope is 2"),
        (3, True, "lets nobody trace"),
        (3, False, "lets nobody trace"),
    ],
)
def test_attaching_under_yama(system: pytest.MonkeyPatch, scope: int, root: bool, said: str) -> None:
    system.setattr(strace_allowed, "yama", lambda: scope)
    system.setattr(os, "geteuid", lambda: 0 if root else 1000)
    refusal = why_not(4711)
    assert (refusal.sentence() if refusal is not None else "").count(said)
    assert (refusal is None) == (not said)
    if refusal is not None:
        assert str(scope) in refusal.sentence("zh")
        assert refusal.mend


def test_who_is_traced_already_is_left_alone(system: pytest.MonkeyPatch) -> None:
    system.setattr(strace_allowed, "yama", lambda: 0)
    system.setattr(procfs, "status_of", lambda pid, name: "99")
    refusal = why_not(4711)
    assert refusal is not None
    assert "traced already, by process 99" in refusal.sentence()


@pytest.mark.parametrize(
    ("scope", "root", "may"), [(0, False, True), (1, False, True), (2, False, False), (2, True, True)]
)
def test_starting_a_program_under_yama(system: pytest.MonkeyPatch, scope: int, root: bool, may: bool) -> None:
    system.setattr(strace_allowed, "yama", lambda: scope)
    system.setattr(os, "geteuid", lambda: 0 if root else 1000)
    assert (why_not() is None) == may


@needs_strace
def test_where_only_parents_may_trace_the_program_permits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strace, "yama", lambda: 1)
    source = strace.StraceSource(argv=("true",))
    source.start()
    items: list[Item] = []
    while not source.ended:
        source.wait(5)
        items += source.take(1_000)
    source.stop()
    assert [item.name for item in items if isinstance(item, Call)][:1] == ["execve"]
