"""Calibrating: what is measured, the table that follows, and a machine that goes by it or refuses a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.cli import main
from ioviz.machine.hardware.costs import Costs, CostsError, load_costs, own_file
from ioviz.machine.kernel.config import Config, KnobError
from ioviz.measure import calibrate
from ioviz.measure.calibrate import ORDER, Measured, _lines_of, compiler, in_force, measure, table_of
from ioviz.measure.costs_table import amount, costs_lines, verdicts

SOME = {
    "call": 2.0,
    "vdso": 30.0,
    "syscall": 220.0,
    "int80": 900.0,
    "kilobyte": 50.0,
    "poll": 33.4,
    "fault": 1800.0,
    "clone": 9000.0,
    "thread_switch": 2900.0,
    "process_switch": 3000.0,
}


@pytest.mark.skipif(not compiler(), reason="there is no C compiler")
def test_with_a_compiler_everything_is_measured_and_makes_sense() -> None:
    measured = {one.name: one.ns for one in measure(compiled=True)}
    assert set(measured) >= set(ORDER) - {"int80"}  # int 0x80 may be forbidden, or not exist
    assert measured["call"] < measured["syscall"] < measured["pingpong"]


def test_what_came_out_as_nothing_is_not_taken_for_a_measurement(tmp_path: Path) -> None:
    program = tmp_path / "busy"
    program.write_text("#!/bin/sh\necho syscall 200.5\necho thread_switch 0.000\n", encoding="utf-8")
    program.chmod(0o755)
    assert list(_lines_of(program, lambda: False)) == [Measured("syscall", 200.5)]


def test_from_python_less_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ioviz.measure.by_python.ROUNDS", 1)
    measured = {one.name: one.ns for one in measure(compiled=False)}
    assert set(measured) == {
        "syscall", "kilobyte", "epoll_wait", "clone", "thread_switch", "process_switch", "pingpong",
    }  # fmt: skip
    assert all(ns >= 0 for ns in measured.values())


def test_measuring_can_be_stopped() -> None:
    assert len(list(measure(compiled=False, stop=lambda: True))) == 1


def test_the_table_that_follows() -> None:
    table = table_of(SOME)
    built_in = load_costs()
    assert (table["trap"], table["sysret"]) == (140, 80)
    assert table["context_switch"] + table["wakeup"] == 2900
    assert table["page_tables"] == 100
    assert table["poll"] == 33
    assert "irq" not in table
    assert "iret" not in table
    costs = built_in._replace(**table)
    assert in_force("syscall", costs) == 220
    assert in_force("process_switch", costs) == 3000
    assert in_force("call", costs) is None
    assert table_of({}) == {}
    assert table_of({"thread_switch": 5.0, "process_switch": 1.0})["page_tables"] == 0


def test_the_verdicts_are_computed() -> None:
    assert "110 times as much: so it is" in verdicts(SOME, "en")[0]
    assert "14 times as much: not so" in verdicts(SOME, "en")[1]
    assert "确实如此" in verdicts({**SOME, "process_switch": 300.0}, "zh")[1]
    assert verdicts({}, "en") == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits(width: int, lang: str) -> None:
    lines = costs_lines({**SOME, "pingpong": 1e7}, load_costs(), lang, width)
    assert len(lines) == len(ORDER) + 1
    assert all(line.cell_len <= width for line in lines)
    assert [amount(ns) for ns in (1.234, 56.7, 1234.0, 12_345_678.0)] == ["1.23 ns", "57 ns", "1.23 µs", "12.35 ms"]


# -- the machine goes by it --------------------------------------------------------------------------------------------


def run(*argv: str) -> int:
    return main(list(argv))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring without a wait."""
    monkeypatch.setattr(calibrate, "measure", lambda compiled: (Measured(*one) for one in SOME.items()))


def test_a_dry_run_writes_nothing(measured: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("calibrate", "--dry-run", "--lang", "en") == 0
    assert "a switch of threads" in capsys.readouterr().out
    assert not own_file().exists()


def test_what_was_measured_is_used_named_in_the_log_and_forgotten(
    measured: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "p.py"
    program.write_text("import os\nos.write(1, b'x')\n")

    def first_events() -> str:
        capsys.readouterr()
        assert run("exec", "--json", str(program)) == 0
        return capsys.readouterr().out

    before = first_events()
    assert '["costs","built-in"]' in before
    assert run("calibrate") == 0
    own = first_events()
    assert '["costs","own"]' in own
    assert "trap=140 sysret=80" in own
    assert own.splitlines()[-1] != before.splitlines()[-1]
    capsys.readouterr()
    assert run("exec", "--json", "--set", "costs=built-in", str(program)) == 0
    assert capsys.readouterr().out == before
    assert run("calibrate", "--reset") == 0
    assert first_events() == before
    assert run("calibrate", "--reset", "--lang", "en") == 0
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"trap = -1\n", "trap = -1 is no whole number"),
        (b"trap = 1.5\n", "trap = 1.5"),
        (b"trap = true\n", "trap = True"),
        (b"trap = 99999999999\n", "from 0 to"),
        (b"colour = 3\n", "'colour', which nothing costs; it may have line, vdso"),
        (b"trap = \n", "not TOML"),
        (b"\xff", "not TOML"),
        (b"a = " + b"[" * 20_000, "not TOML"),
        (b"#" * 100_000, "larger than"),
    ],
)
def test_a_broken_table_gets_one_sentence(
    content: bytes, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_file().parent.mkdir(parents=True)
    own_file().write_bytes(content)
    program = tmp_path / "p.py"
    program.write_text("print(1)\n")
    assert run("exec", str(program)) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert "ioviz calibrate --reset" in error
    assert len(error.splitlines()) == 1
    assert run("exec", "--set", "costs=built-in", str(program)) == 2  # it is there and broken: say so all the same
    assert run("calibrate", "--reset") == 0
    assert run("exec", str(program)) == 0


def test_a_table_may_leave_things_out() -> None:
    own_file().parent.mkdir(parents=True)
    own_file().write_text("trap = 7\n")
    assert load_costs("own") == load_costs()._replace(trap=7)
    assert Config().turned("costs", "own").settings()[-1][0] == "cost_table"
    own_file().unlink()
    with pytest.raises(KnobError, match="cannot be read"):
        Config().turned("costs", "own")
    with pytest.raises(CostsError):
        load_costs("own")
    assert "cost_table" not in dict(Config().settings())
    assert set(dict(Config().settings())["costs"].split()) == {"built-in"}
    assert len(Costs._fields) == len(load_costs())


def test_what_cannot_be_written_is_said(
    measured: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    assert run("calibrate") == 2
    assert "cannot be written" in capsys.readouterr().err
