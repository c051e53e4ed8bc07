"""Programs with packages that other people wrote, unmodified: trio and aiohttp, and what packages in general may do."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ioviz.machine.user import cmodules, importer
from tests.cli.programs import ROOT, Result, ioviz
from tests.machine.user.fake import run


def pair(guests: Path, name: str, *flags: str | Path) -> Result:
    """Run the server of package `name` with its client beside it."""
    folder = guests / "packages"
    return ioviz(
        "exec", *flags, "--max-time", "10", "--peer", folder / f"{name}_client.py", folder / f"{name}_server.py"
    )


def test_trio(guests: Path) -> None:
    done = pair(guests, "trio")
    assert done.code == 0, done.err
    assert done.out == "a client is gone\n" * 3 + "the server ends\n"
    assert sorted(done.err.splitlines()) == [f"trio_client.py | b'HELLO {number}'" for number in range(3)]


def test_aiohttp(guests: Path) -> None:
    done = pair(guests, "aiohttp")
    assert done.code == 0, done.err
    assert done.out == "the server ends\n"
    assert done.err.splitlines() == [
        f"aiohttp_client.py | 200 text/plain; charset=utf-8 Hello, {name}" for name in ("world", "kernel")
    ]


@pytest.mark.parametrize("name", ["trio", "aiohttp"])
def test_a_run_with_a_package_repeats(name: str, guests: Path, tmp_path: Path) -> None:
    recordings = []
    for number in range(2):
        file = tmp_path / f"{number}.ioviz"
        pair(guests, name, "--record", file)
        recordings.append(file.read_bytes())
    assert recordings[0] == recordings[1]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as one of installed packages."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(cmodules, "SITE", (str(folder),))
    monkeypatch.setattr(cmodules, "_SITE", (f"{folder}/",))
    monkeypatch.setattr(importer, "_INSTALLED", (*importer._INSTALLED, f"{folder}/"))
    return folder


def test_a_package_may_import_tls_and_not_use_it(site: Path, tmp_path: Path) -> None:
    (site / "polite.py").write_text(
        "import ssl\n"
        "def context():\n    made = ssl.create_default_context()\n    made.check_hostname = False\n    return made\n"
        "def encrypt():\n    return context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())\n"
    )
    ran = run(tmp_path, "import polite\nprint(polite.context().check_hostname, len(polite.ssl.RAND_bytes(3)))\n")
    assert (ran.code, ran.out) == (0, "False 3\n"), ran.err
    ran = run(tmp_path, "import polite\n\npolite.encrypt()\n")
    assert ran.code == 126
    assert "ioviz lacks TLS: no connection can be encrypted" in ran.err
    assert 'prog.py", line 3' in ran.err


def test_a_package_may_look_for_a_function_of_c(site: Path, tmp_path: Path) -> None:
    (site / "curious.py").write_text(
        "import ctypes, ctypes.util\n"
        "found = ctypes.util.find_library('c')\n"
        "try:\n    ctypes.CDLL('libc.so.6')\nexcept OSError as error:\n    print(error)\n"
        "def call():\n    return ctypes.pythonapi.Py_GetVersion()\n"
    )
    ran = run(tmp_path, "import curious\nprint(curious.found, curious.ctypes.sizeof(curious.ctypes.c_int))\n")
    assert (ran.code, ran.out) == (0, "ioviz lacks foreign functions: no library of C can be called\nNone 4\n"), ran.err
    ran = run(tmp_path, "import curious\ncurious.call()\n")
    assert ran.code == 126
    assert "ioviz lacks foreign functions" in ran.err


def test_a_package_may_import_multiprocessing_and_not_use_it(site: Path, tmp_path: Path) -> None:
    (site / "many.py").write_text("import multiprocessing.synchronize\nlock = multiprocessing.Lock\n")
    assert run(tmp_path, "import many\n").code == 0
    ran = run(tmp_path, "import many\nmany.lock()\n")
    assert ran.code == 126
    assert "ioviz lacks processes that share memory" in ran.err


def test_a_program_of_ones_own_is_told_at_once(tmp_path: Path) -> None:
    for name, lacks in (("ssl", "TLS"), ("ctypes", "foreign functions")):
        ran = run(tmp_path, f"import {name}\n")
        assert ran.code == 126
        assert f"ioviz lacks {lacks}: there is no module '_{name}'" in ran.err


def test_the_data_and_the_version_of_a_package_can_be_read(site: Path, tmp_path: Path) -> None:
    (site / "pack").mkdir()
    (site / "pack" / "__init__.py").write_text("")
    (site / "pack" / "data.txt").write_text("some data")
    (site / "pack-1.5.dist-info").mkdir()
    (site / "pack-1.5.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pack\nVersion: 1.5\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import importlib.metadata, importlib.resources\n"
        "print(importlib.metadata.version('pack'))\n"
        "print((importlib.resources.files('pack') / 'data.txt').read_text())\n"
    )
    ran = ioviz("exec", program, env={"PYTHONPATH": f"{ROOT}{os.pathsep}{site}"})
    assert (ran.code, ran.out) == (0, "1.5\nsome data\n"), ran.err


def test_the_c_form_of_warn_is_the_guests_own(tmp_path: Path) -> None:
    ran = run(tmp_path, "import zipimport, _warnings\n_warnings.warn('careful')\n")
    assert ran.code == 0
    assert ran.err.endswith("UserWarning: careful\n  _warnings.warn('careful')\n"), ran.err


def test_generic_protocols(tmp_path: Path) -> None:
    """Packages with types begin with them."""
    ran = run(
        tmp_path,
        "from typing import Generic, Protocol, TypeVar, runtime_checkable\n"
        "T = TypeVar('T')\n"
        "@runtime_checkable\nclass Gives(Protocol[T]):\n    def get(self) -> T: ...\n"
        "class Box(Generic[T]):\n    pass\n"
        "class Full(Box[T], Gives[T]):\n    def get(self):\n        return 1\n"
        "print(Gives[int].__origin__ is Gives, isinstance(Full(), Gives), Full[int].__args__, Gives.__parameters__)\n",
    )
    assert (ran.code, ran.out) == (0, "True True (<class 'int'>,) (~T,)\n"), ran.err


def test_c_code_that_would_pass_the_machine_by_is_refused() -> None:
    guest: Any = SimpleNamespace(lacked=False)
    with pytest.raises(ImportError, match="ioviz lacks uvloop: its C code makes system calls past the machine"):
        cmodules.build_extension(guest, "uvloop.loop")
    assert guest.lacked
