"""The race: run on the machine and on this computer, and what is concluded from it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.text import Text

from ioviz.cli import main
from ioviz.measure import race, race_table
from ioviz.measure.race import (
    CONNECTIONS,
    METHODS,
    SHARES,
    Cell,
    Lap,
    LeftOut,
    RaceError,
    Times,
    cell,
    cells,
    measured,
    simulated,
    tracks_won,
    winners,
)
from ioviz.measure.race_table import bar_lines, growth_lines, left_out, map_lines, verdicts

MANY, FEW = cell(CONNECTIONS[-1], 0), cell(CONNECTIONS[0], 100)


@pytest.fixture(scope="module")
def machine() -> Times:
    """The race on the machine."""
    return {(lap.method, lap.cell): lap.ns for lap in simulated() if lap is not None}


def test_on_the_machine_everybody_finishes_and_the_claims_hold(machine: Times) -> None:
    assert set(machine) == {(method, one) for method in METHODS for one in cells()}
    assert winners(machine, MANY)[0] == "epoll"
    assert machine["select", MANY] > 5 * machine["epoll", MANY]
    assert machine["nio", MANY] > 5 * machine["select", MANY]
    # the cost of select grows with the connections, that of epoll does not
    assert machine["epoll", MANY] == machine["epoll", cell(CONNECTIONS[0], 0)]
    # where all speak, each look of select finds something, and epoll's lists are what costs
    assert FEW in [one for one, _ in tracks_won(machine, "select", "epoll")]


def test_it_is_the_same_every_time(machine: Times) -> None:
    laps = simulated()
    first = [next(lap for lap in laps if lap is not None) for _ in range(5)]
    assert all(machine[lap.method, lap.cell] == lap.ns for lap in first)
    laps.close()  # the guests are ended


def test_on_this_computer_everybody_finishes_too() -> None:
    here = {(lap.method, lap.cell): lap.ns for lap in measured() if isinstance(lap, Lap)}
    assert set(here) == {(method, one) for method in METHODS for one in cells()}
    assert here["nio", MANY] > here["epoll", MANY]


def test_it_can_be_stopped() -> None:
    assert [lap.method for lap in measured(lambda: True)] == ["bio"]


def test_a_racer_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(race, "METHODS", ("nonsense",))
    with pytest.raises(RaceError, match="nonsense fails on this computer: KeyError"):
        list(measured())
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(RaceError, match="cannot be run"):
        list(measured())


def with_limits(monkeypatch: pytest.MonkeyPatch, folder: Path, limits: str) -> list[Lap | LeftOut]:
    """The race on this computer by a Python for which `limits` of the shell hold, hard."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\n{limits}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    return list(measured())


def test_with_few_files_allowed_the_long_tracks_are_left_out_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(race, "METHODS", ("select", "epoll"))
    laps = with_limits(monkeypatch, tmp_path, "ulimit -n 64")
    here = {(lap.method, lap.cell): lap.ns for lap in laps if isinstance(lap, Lap)}
    left = {(lap.method, lap.cell): lap.why for lap in laps if isinstance(lap, LeftOut)}
    assert {one.connections for _, one in here} == {4, 20}
    assert {one.connections for _, one in left} == {100, 450}
    assert set(left.values()) == {"files 64"}
    assert len(laps) == 2 * len(set(cells()))
    monkeypatch.setattr(race_table, "METHODS", ("select", "epoll"))
    (said,) = left_out(left, "en")
    assert said.startswith("Left out on this computer: 100 connections, 450 connections (a process may have 64 open")
    assert left_out(left, "zh")[0].startswith("这台电脑上没有跑：100 个连接、450 个连接（一个进程最多打开 64 个文件")
    told = verdicts({(lap.method, lap.cell): 100.0 for lap in laps}, here, "en", left)
    assert told[0].startswith("Many connections, few that speak (20, one speaks)")
    assert len(told) == 4
    rows = map_lines(here, "measured", "en", left=left)
    assert rows[-1].plain.split()[1:] == ["–"] * len(SHARES)
    assert "–" not in rows[3].plain


def test_a_soft_limit_is_raised_as_far_as_it_may_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(race, "METHODS", ("epoll",))
    assert not any(isinstance(lap, LeftOut) for lap in with_limits(monkeypatch, tmp_path, "ulimit -S -n 64"))


def test_what_one_way_has_no_room_for_is_left_out_of_it_alone() -> None:
    some = times(bio=900, nio=500, select=100, poll=102, epoll=200)
    left = {("bio", MANY): "threads", ("bio", cell(CONNECTIONS[-1], 100)): "threads", ("nio", MANY): "No buffer space"}
    for one in left:
        del some[one]
    assert winners(some, MANY) == []
    assert winners(some, MANY, left) == ["select", "poll"]
    assert left_out(left, "en") == [
        "Left out on this computer: BIO with 450 connections (there are no more threads, see ulimit -u).",
        "Left out on this computer: NIO with 450 connections (No buffer space).",
    ]


def times(**ns: float) -> Times:
    """The same times on every track."""
    return {(method, one): value for method, value in ns.items() for one in cells()}


def test_who_wins_is_computed() -> None:
    some = times(bio=900, nio=500, select=100, poll=102, epoll=200)
    assert winners(some, MANY) == ["select", "poll"]
    assert winners({}, MANY) == []
    assert [ratio for _, ratio in tracks_won(some, "select", "epoll")] == [2.0] * len(set(cells()))
    assert tracks_won(some, "select", "poll") == []
    other = times(bio=900, nio=500, select=200, poll=102, epoll=100)
    texts = verdicts(some, some, "en")
    assert "epoll is 0.5 times as fast" in texts[0]
    assert "not so here" in texts[0]
    assert "select takes 50%" in texts[1]
    assert "so it is here" in texts[1]
    assert texts[2].startswith("select beats epoll on the machine: 4 connections, 1 speak (50% less time)")
    assert "the two do not agree" in verdicts(some, other, "en")[0]
    assert "没有在任何情形下胜过" in verdicts(other, other, "zh")[2]
    even = times(bio=900, nio=500, select=100, poll=102, epoll=101)
    assert "no difference here" in verdicts(even, even, "en")[1]
    assert "so it is on one side, no difference on the other" in verdicts(some, even, "en")[1]
    assert "一边并非如此，另一边看不出差别" in verdicts(some, even, "zh")[0]
    polls = times(bio=900, nio=90, select=100, poll=102, epoll=101)
    assert "Where all speak, NIO is the fastest on this computer:" in verdicts(some, polls, "en")[2]
    assert "全都在说话时，两边最快的是 NIO" in verdicts(polls, polls, "zh")[2]
    assert verdicts({}, {}, "en") == []
    assert len(verdicts(some, {}, "en")) == 1
    assert verdicts(times(bio=900, nio=500, select=100), {}, "en") == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_pictures_fit(machine: Times, lang: str) -> None:
    lines = map_lines(machine, "simulated", lang, MANY)
    assert len(lines) == 2 + len(CONNECTIONS)
    assert all(line.cell_len <= 38 for line in lines)
    assert any("reverse" in str(span.style) for span in lines[-1].spans)
    for width in (76, 116):
        for one in cells():
            bars = bar_lines((("simulated", machine), ("measured", {})), one, lang, width)
            assert all(Text(line.plain).cell_len <= width for line in bars)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_how_the_time_grows(machine: Times, lang: str) -> None:
    both: tuple[tuple[str, Times], ...] = (("simulated", machine), ("measured", {}))
    for share in SHARES:
        lines = growth_lines(both, share, lang)
        assert all(line.cell_len <= 76 for line in lines)
        assert len(lines) == 2 + len(METHODS)
    grows = {line.plain.split()[0]: line.plain.split()[1:9:2] for line in growth_lines(both, 0, lang)[2:]}
    assert len(set(grows["epoll"])) == 1
    nio = [float(ns) for ns in grows["NIO"]]
    assert nio == sorted(nio)
    assert nio[-1] > 10 * nio[0]
    blocks = [line.plain.split()[8] for line in growth_lines(both, 0, lang)[2:]]
    assert blocks[1] == "█"
    assert blocks[4] == "▁"
    assert "█" not in growth_lines(both, 0, lang, "")[3].plain


def test_as_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    some = times(bio=900, nio=500, select=100, poll=102, epoll=200)
    laps = [race.Lap(method, one, ns) for (method, one), ns in some.items()]
    monkeypatch.setattr(race, "simulated", lambda config: iter([*laps, None]))
    monkeypatch.setattr(race, "measured", lambda: iter(laps))
    assert main(["race", "--plain", "--ascii", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert out.count("select=") == 2 * len(CONNECTIONS) * len(SHARES)
    assert "4 connections, 1 active:" in out
    assert "#" in out
    assert main(["race", "--plain", "--lang", "zh"]) == 0
    assert "文章说这时" in capsys.readouterr().out


def test_a_track_has_one_that_speaks_at_least() -> None:
    assert cell(4, 10) == Cell(4, 1)
    assert len(cells()) == len(CONNECTIONS) * len(SHARES)
