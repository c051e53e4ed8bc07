"""Random verification: the two kernels agree, a difference is found, shrunk, saved and shown."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import greenlet
import pytest

from ioviz.verify import campaign as campaign_module
from ioviz.verify.backends import Real, Step, simulate
from ioviz.verify.campaign import PAUSES, Campaign, Difference, one_cpu
from ioviz.verify.ops import Op
from ioviz.verify.program import program_of
from ioviz.verify.sequences import Generator
from ioviz.verify.shrink import shrink
from tests.cli.programs import ioviz
from tests.verify.sequences import ONCE_DIFFERENT, ops

linux = pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")


@linux
@pytest.mark.parametrize("name", ONCE_DIFFERENT)
def test_what_once_differed_is_as_on_linux(name: str) -> None:
    sequence = ONCE_DIFFERENT[name]
    with one_cpu(), Real() as real:
        assert simulate(sequence) == real.run(sequence, *PAUSES[0])


@linux
@pytest.mark.parametrize("seed", [1, 2, 11, 77, 188])
def test_the_kernels_agree(seed: int) -> None:
    campaign = Campaign(seed, 4_000)
    campaign.run()
    assert not campaign.differences, campaign.differences[0].ops
    assert campaign.operations >= 4_000


@linux
def test_the_kernels_agree_on_what_nobody_has_tried_yet() -> None:
    """A hundred thousand operations from a seed of their own; fewer on a busy computer."""
    seed = int.from_bytes(os.urandom(3), "little")
    campaign = Campaign(seed, 100_000)
    campaign.run(seconds=25)
    assert not campaign.differences, f"again: ioviz verify --random 100000 --seed {seed}: {campaign.differences[0].ops}"
    assert campaign.operations > 0


def test_one_cpu_lets_errors_through() -> None:
    with pytest.raises(OSError, match="of the body"), one_cpu():
        raise OSError("of the body")


def test_a_seed_gives_the_same_sequences() -> None:
    assert Generator(5).sequence() == Generator(5).sequence() != Generator(6).sequence()


def test_a_sleeper_is_told_at_the_step_at_which_it_comes_back() -> None:
    steps = simulate(
        ops(("pair", 1, 2, 1), (1, "recv", 2, 5, 0), ("look",), ("send", 1, 7, 1, 0), (1, "recv", 2, 5, 0))
    )
    assert steps[1] == Step("waits", ())
    assert steps[3] == Step(1, ((1, b"\x07"),))
    assert steps[5] == [4], "the last one sleeps for ever"


def test_who_sleeps_for_ever_is_freed_with_the_run() -> None:
    def stacks() -> int:
        gc.collect()
        return sum(isinstance(each, greenlet.greenlet) for each in gc.get_objects())

    before = stacks()
    simulate(ops(("pair", 1, 2, 1), (1, "recv", 2, 5, 0), (2, "recv", 1, 5, 0)))
    assert stacks() == before


def test_what_was_shut_down_begins_anew() -> None:
    """ACCURACY.md: on Linux the client's end is ready to read at once, since the new connection is shut down, too."""
    steps = simulate(
        ops(
            ("listener", 1, 16, 0o4000),
            ("shutdown", 1, 2),
            ("shutdown", 1, 1),
            ("listen", 1, 16),
            ("connect", 2, 1),
            ("look",),
        )
    )
    assert steps[-2].result == [(1, 1), (2, 4)]
    steps = simulate(
        ops(
            ("listener", 1, 16, 0o4000),
            ("pipe", 2, 3, 0),
            ("connect", 4, 3),
            ("shutdown", 4, 2),
            ("again", 4, 1),
            ("recv", 4, 2, 0),
        )
    )
    assert steps[-2].result == "EAGAIN"


def test_shrinking_keeps_what_is_needed() -> None:
    sequence = ops(
        ("pipe", 1, 2, 0), ("look",), ("udp", 3, 0), ("look",), ("write", 2, 5, 100), ("close", 3), ("look",)
    )

    def differs(tried: Any) -> bool:
        return any(op.kind == "write" for op in tried)

    assert shrink(sequence, differs) == ops(("pipe", 1, 2, 0), ("write", 2, 5, 1))


@linux
@pytest.mark.parametrize("seed", [3, 4])
def test_a_saved_program_says_what_linux_gave_on_both_kernels(seed: int, tmp_path: Path) -> None:
    sequence = Generator(seed).sequence()
    with one_cpu(), Real() as real:
        steps = real.run(sequence, *PAUSES[0])
    file = tmp_path / "found.py"
    file.write_text(program_of(Difference(seed, 0, tuple(sequence), tuple(simulate(sequence)), tuple(steps))))
    on_machine = ioviz("exec", file)
    assert on_machine.out.endswith("\nas on Linux\n"), on_machine.out
    on_linux = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=60, check=False)
    assert on_linux.stdout == on_machine.out
    assert on_linux.returncode == on_machine.code == 0


def _wrong(sequence: list[Op]) -> list[Any]:
    """A machine that cannot close."""
    steps = simulate(sequence)
    return [Step("EIO", ()) if op.kind == "close" else step for op, step in zip(sequence, steps, strict=False)] + steps[
        -1:
    ]


@linux
def test_a_difference_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(campaign_module, "simulate", _wrong)
    monkeypatch.setattr(campaign_module, "PAUSES", ((0.0, 0.0),))
    campaign = Campaign(1, 10_000)
    campaign.run()
    (difference,) = campaign.differences
    assert [op.kind for op in difference.ops][1:] == ["close"]
    assert difference.first == 1
    assert "# Here the machine gave 'EIO'." in program_of(difference)


@linux
def test_the_command_says_that_all_agree() -> None:
    done = ioviz("verify", "--random", "1_000", "--seed", "1")
    assert done.code == 0, done.err
    assert "the machine does what Linux" in done.out
    assert "seed 1" in done.out


def test_bad_arguments_are_one_sentence() -> None:
    for args in (("--random", "0"), ("--random", "many"), ()):
        done = ioviz("verify", *args)
        assert done.code == 2
        assert done.err.startswith("ioviz: ")
        assert done.err.count("\n") == 1
