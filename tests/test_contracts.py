"""The floors of the house: who may import whom, and what may be imported without what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_imports_run_downward_only() -> None:
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ioviz.cli", {"textual", "rich", "msgspec", "ioviz.machine", "ioviz.session"}),
        ("ioviz.model.vocabulary", {"textual", "rich", "greenlet", "ioviz.machine"}),
        ("ioviz.machine.machine", {"textual", "rich", "ioviz.session", "ioviz.tui"}),
        ("ioviz.lesson.scene", {"textual", "rich", "greenlet", "ioviz.tui"}),
    ],
)
def test_a_floor_does_not_load_what_is_above_it(module: str, absent: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not absent & set(loaded.split())
