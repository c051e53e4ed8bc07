"""CPython's own tests of select, poll, epoll and selectors as guests: they pass as on the real kernel.

The two tests that start a shell can't: the machine has no processes started by a program.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

NEED_A_SHELL = {"test_poll": ["test_poll2"], "test_select": ["test_select"], "test_epoll": [], "test_selectors": []}


@pytest.mark.skipif(importlib.util.find_spec("test.support") is None, reason="Python came without its tests")
@pytest.mark.parametrize("module", sorted(NEED_A_SHELL))
def test_they_pass(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ioviz", "exec", "-m", "unittest", f"test.{module}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    failed = re.findall(r"^(?:ERROR|FAIL): (\w+)", done.stdout, re.MULTILINE)
    assert failed == NEED_A_SHELL[module], done.stdout
    ran = re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)
    assert ran, done.stdout
    assert int(ran[1]) >= 6
    assert done.returncode == (1 if failed else 0)
