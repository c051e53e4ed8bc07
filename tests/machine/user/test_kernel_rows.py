"""Every row of what the kernel does (`tests/guests/kernel_rows.py`), on the machine and on the real kernel.

The ids of the tests are the rows: B1 ready list and triggers, B2 errors, B3 dup and close, B4 who is woken, B5 masks,
B6 buffers, B7 listen, connect and time. `python tests/guests/kernel_rows.py [B1 ...]` prints what this computer does,
`ioviz exec tests/guests/kernel_rows.py` what the machine does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests.kernel_rows import ROWS
from tests.machine.user.both import on_the_machine

PROGRAM = Path(__file__).parents[2] / "guests" / "kernel_rows.py"
GROUPS = sorted({name[:2] for name, _, _ in ROWS})
_seen: dict[tuple[str, str], dict[str, str]] = {}


def seen_by(kernel: str, group: str, folder: Path) -> dict[str, str]:
    """What the rows of `group` show, as printed, by their numbers. Each group runs once."""
    if (kernel, group) not in _seen:
        if kernel == "machine":
            # The module's main guard runs everything: the rows are chosen by its arguments.
            text = PROGRAM.read_text(encoding="utf-8").replace("main(sys.argv[1:])", f"main([{group!r}])")
            out = on_the_machine(folder, text).out
        else:
            out = subprocess.run(
                [sys.executable, str(PROGRAM), group],
                cwd=folder,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout
        _seen[kernel, group] = dict(line.split("\t", 1) for line in out.splitlines())
    return _seen[kernel, group]


@pytest.mark.parametrize("kernel", ["machine", "real"] if sys.platform == "linux" else ["machine"])
@pytest.mark.parametrize(("name", "expected"), [row[:2] for row in ROWS], ids=[row[0] for row in ROWS])
def test_row(name: str, expected: object, kernel: str, tmp_path: Path) -> None:
    assert seen_by(kernel, name[:2], tmp_path).get(name[:5]) == repr(expected)


def test_rows_have_names_of_their_own() -> None:
    numbers = [name[:5] for name, _, _ in ROWS]
    assert len(set(numbers)) == len(numbers)
    assert GROUPS == ["B1", "B2", "B3", "B4", "B5", "B6", "B7"]
