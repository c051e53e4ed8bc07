"""Temporary folders: nobody else's are touched, and a killed owner's go."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ioviz.live.folder import PREFIX, Folder, remove_orphans


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_only_its_user_can_enter_it_and_it_goes(temporary: Path) -> None:
    folder = Folder()
    (Path(folder.name) / "s").touch()
    assert Path(folder.name).parent == temporary
    assert Path(folder.name).stat().st_mode & 0o777 == 0o700
    folder.cleanup()
    folder.cleanup()
    assert list(temporary.iterdir()) == []


def test_a_killed_owners_goes_and_a_living_ones_stays(temporary: Path) -> None:
    program = "import os, signal\nfrom ioviz.live.folder import Folder\nf = Folder()\n"
    program += "open(f.name + '/s', 'w').close()\nprint(f.name, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    env = {**os.environ, "TMPDIR": str(temporary)}
    killed = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    orphan, living = Path(killed.stdout.strip()), Folder()
    assert (orphan / "s").exists()
    remove_orphans()
    assert orphan.exists()  # young: its owner might not have locked it yet
    remove_orphans(-60)
    assert not orphan.exists()
    assert Path(living.name).exists()
    living.cleanup()


def test_what_is_not_ours_stays(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    (temporary / f"{PREFIX}file").touch()
    open_to_all = temporary / f"{PREFIX}open"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    before = set(temporary.iterdir())
    remove_orphans(-60)
    assert set(temporary.iterdir()) == before
