"""CPython's own tests of select, poll, epoll and selectors as guests: they pass as on the real kernel, all of them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

# Debian ships test.support with Python, and the tests themselves apart.
HAS_TESTS = importlib.util.find_spec("test") is not None and importlib.util.find_spec("test.test_epoll") is not None
MODULES = {"test_poll": 7, "test_select": 6, "test_epoll": 10, "test_selectors": 50}


@pytest.mark.skipif(not HAS_TESTS, reason="Python came without its tests")
@pytest.mark.parametrize("module", sorted(MODULES))
def test_they_pass(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ioviz", "exec", "-m", "unittest", f"test.{module}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    ran = re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)
    assert ran, done.stdout
    assert int(ran[1]) >= MODULES[module]
