"""ACCURACY.md: every row names a test that there is; and the differences that are pinned nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, ioviz

PAGE = (ROOT / "ACCURACY.md").read_text(encoding="utf-8")
ROWS = PAGE.partition("## Where the machine differs")[2].partition("\n## ")[0].strip().splitlines()[2:]


def test_every_difference_has_a_test() -> None:
    assert len(ROWS) > 20
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/.]+)`", row.rsplit("|", 2)[1])
        assert named, row
        for path in named:
            assert (ROOT / path).is_file(), row


def test_files_that_nobody_shares(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import fcntl, os, subprocess\n"
        "with open('file', 'w') as one, open('file') as other:\n"
        "    for each in (one, other):\n"
        "        fcntl.lockf(each, fcntl.LOCK_SH | fcntl.LOCK_NB)\n"
        "print('both have the lock')\n"
        "with open('script', 'w') as script:\n"
        "    script.write('#!/usr/bin/python3\\nprint(1)\\n')\n"
        "for start in (lambda: open('/dev/stdin'), lambda: subprocess.run(['./script'])):\n"
        "    try:\n"
        "        start()\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__, error.filename)\n"
    )
    done = ioviz("exec", program, cwd=tmp_path)
    assert done.out == "both have the lock\nFileNotFoundError /dev/stdin\nPermissionError ./script\n", done.err
    assert not (tmp_path / "file").exists()
    program.write_text(
        "import os, subprocess\n"
        "with open('script', 'w') as script:\n"
        "    script.write('#!/usr/bin/python3\\nprint(1)\\n')\n"
        "os.chmod('script', 0o755)\n"
        "subprocess.run(['./script'])\n"
    )
    done = ioviz("exec", program, cwd=tmp_path)
    assert done.code == 126
    assert "program.py:5" in done.err
    assert "./script; Python and sh are there" in done.err


@pytest.mark.parametrize("call", ["sum(range(1_000_000))", "sorted(range(1_000_000), reverse=True)"])
def test_one_call_into_c_is_one_step(call: str, tmp_path: Path) -> None:
    """However long it takes, the machine's clock does not see it."""
    program = tmp_path / "program.py"
    program.write_text(f"import time\nbegun = time.monotonic_ns()\n{call}\nprint(time.monotonic_ns() - begun)\n")
    done = ioviz("exec", program)
    assert 0 < int(done.out) < 100_000
