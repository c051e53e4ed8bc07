"""Loading programs, and how they end: exit codes, tracebacks, streams."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ioviz.machine.user.loader import LoadError, load_program
from tests.machine.user.fake import run, start

if TYPE_CHECKING:
    from pathlib import Path

ZIP = b"#!/usr/bin/env python3\nPK\x05\x06" + bytes(18)
"""An application as `python -m zipapp` makes it, with nothing in it."""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x = (\n", "prog.py:1: syntax error: '(' was never closed"),
        (
            b"if True:\nx = 1\n",
            "prog.py:2: indentation error: expected an indented block after 'if' statement on line 1",
        ),
        (b"\x00\x01\x7fELF", "prog.py is not a Python program: it has binary data in it"),
        (ZIP, "prog.py is a zip archive: unpack it, and run its folder"),
        (b"# coding: klingon\n", "prog.py can't be decoded: unknown encoding: klingon"),
        (b"x = 1\ny = '\xff'\n", "prog.py:2 is not utf-8 text"),
        (b"x = 1\n\ny = '\xff'\n", "prog.py:3 is not utf-8 text"),
    ],
)
def test_a_program_that_cannot_run_is_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "prog.py").write_bytes(data)
    with pytest.raises(LoadError) as caught:
        load_program("prog.py", cwd=str(tmp_path))
    assert str(caught.value) == message


def test_missing_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(LoadError, match=r"^there is no file nowhere\.py$"):
        load_program("nowhere.py", cwd=str(tmp_path))
    with pytest.raises(LoadError, match=r"^folder is a folder without a __main__\.py$"):
        load_program("folder", cwd=str(tmp_path))
    with pytest.raises(LoadError, match=r"^'a b' is not the name of a module$"):
        load_program("a b", module=True, cwd=str(tmp_path))


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit('bye')", 1, "bye\n"),
        ("import sys; sys.exit(None)", 0, ""),
        ("raise SystemExit(True)", 1, ""),
        ("exit(4)", 4, ""),
    ],
)
def test_exit_codes(tmp_path: Path, text: str, code: int, error: str) -> None:
    ran = run(tmp_path, text)
    assert (ran.code, ran.err) == (code, error)


ERRORS = [
    "def f(x):\n    return 1 / x\nf(0)\n",
    "try:\n    int('x')\nexcept ValueError:\n    {}['k']\n",
    "try:\n    int('x')\nexcept ValueError as e:\n    raise KeyError('k') from e\n",
    "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\n",
    "class E(Exception):\n    def __str__(self):\n        return 'mine'\nraise E\n",
    "import json\njson.loads('{')\n",
    "assert 1 == 2, 'no'\n",
    "import textwrap\ntextwrap.dedent(5)\n",
    "[1 / y for y in (1, 0)]\n",
    "(lambda: undefined_name)()\n",
    "while 1 / 0:\n    pass\n",
    "import nosuchmodule\n",
    "from os import nosuchname\n",
    "exec('def f(): pass\\n  x')\n",
    "import socket\nsocket.inet_aton(5)\n",
    "import time\ntime.sleep(-1)\n",
    "import traceback\ntry:\n    open('/nonexistent')\nexcept OSError:\n    traceback.print_exc()\n",
    "import logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('oops')\n",
    "import atexit\natexit.register(lambda: 1 / 0)\natexit.register(print, 'last')\n",
    "class A:\n    def __del__(self):\n        raise ValueError('in del')\na = A()\ndel a\n",
    "import sys\nsys.excepthook = lambda k, v, t: print('hook', k, v)\n1 / 0\n",
]


@pytest.mark.parametrize("text", ERRORS)
def test_tracebacks_are_those_of_cpython(tmp_path: Path, text: str) -> None:
    ran = run(tmp_path, text)
    environment = {**os.environ, "PYTHONSAFEPATH": "", "PYTHON_COLORS": "0"}
    environment.pop("PYTHONSAFEPATH")
    real = subprocess.run(
        [sys.executable, "prog.py"], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
    )

    def plain(err: str) -> str:
        lines = err.replace(" at 0x", " at 0x\n").splitlines()
        return "\n".join(line for line in lines if not set(line) <= set(" ~^") and "frozen" not in line)

    assert ran.code == real.returncode
    assert ran.out == real.stdout
    for ours, theirs in zip(plain(ran.err).splitlines(), plain(real.stderr).splitlines(), strict=True):
        if not ours.startswith(("Exception ignored", "0x")) and "in del" not in ours and not ours[:1].isdigit():
            assert ours == theirs


def test_an_uncaught_interrupt_ends_with_130(tmp_path: Path) -> None:
    ran = run(tmp_path, "raise KeyboardInterrupt")
    assert ran.code == 130
    assert ran.err.endswith("KeyboardInterrupt\n")


def test_what_the_machine_lacks_has_its_own_code(tmp_path: Path) -> None:
    ran = run(tmp_path, "import os\nos.fork()\n")
    assert ran.code == 126
    assert "OSError: [Errno 38] ioviz lacks fork: a running program cannot be copied" in ran.err
    assert 'prog.py", line 2' in ran.err
    ran = run(tmp_path, "import ssl\n")
    assert ran.code == 126
    assert "ImportError: ioviz lacks TLS" in ran.err
    assert run(tmp_path, "try:\n    import ssl\nexcept ImportError:\n    print('none')\n").code == 0


def test_streams(tmp_path: Path) -> None:
    text = "name = input('name? ')\nprint('hi', name, sep='-', end='!\\n')\nprint(input())\ninput()\n"
    ran = run(tmp_path, text, stdin="bob\nzürich 北京\n")
    assert ran.out == "name? hi-bob!\nzürich 北京\n"
    assert ran.code == 1
    assert ran.err.endswith("EOFError: EOF when reading a line\n")


def test_each_line_is_one_write(tmp_path: Path) -> None:
    from ioviz.model.syscalls import SYS

    ran = run(
        tmp_path, "print('a', 'b', 1)\nprint('no newline', end='')\nprint()\nimport sys\nsys.stdout.write('x\\ny')\n"
    )
    assert ran.out == "a b 1\nno newline\nx\ny"
    assert ran.kernel.calls == [SYS.write, SYS.write, SYS.write, SYS.exit_group]


def test_arguments_path_and_name(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("X = 5\n")
    text = "import sys, beside\nprint(sys.argv, __name__, __file__ == sys.path[0] + '/prog.py', beside.X)\n"
    ran = run(tmp_path, text, "a", "b c")
    assert ran.out == "['prog.py', 'a', 'b c'] __main__ True 5\n"
    assert [path for path, _ in ran.kernel.sources] == ["prog.py", "beside.py"]
    assert {file for file, _ in ran.kernel.lines} == {1, 2}


def test_modules_and_packages_by_m(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("print('init', __name__)\n")
    (package / "__main__.py").write_text("from . import other\nimport sys\nprint(__package__, sys.argv[1:], other.Y)\n")
    (package / "other.py").write_text("Y = 2\n")
    ran = start(tmp_path, "pkg", ("x",), module=True)
    assert ran.out == "init pkg\npkg ['x'] 2\n"
    missing = start(tmp_path, "nosuch", module=True)
    assert (missing.code, missing.err) == (1, "ioviz: No module named nosuch\n")


def test_a_folder_with_main(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("print('app')\n")
    assert start(tmp_path, "app").out == "app\n"


def test_other_encodings_and_line_ends(tmp_path: Path) -> None:
    assert run(tmp_path, "# coding: latin-1\nprint('\xe9')\n".encode("latin-1")).out == "é\n"
    assert run(tmp_path, b"\xef\xbb\xbfprint('bom')\r\nprint(2)\r\n").out == "bom\n2\n"


def test_two_guests_do_not_meet(tmp_path: Path) -> None:
    text = "import os, sys, string\nstring.mark = getattr(string, 'mark', 0) + 1\nos.environ['A'] = '1'\n"
    for _ in range(2):
        assert run(tmp_path, text + "print(string.mark, len(sys.argv))\n").out == "1 1\n"
    assert "A" not in os.environ or os.environ["A"] != "1"


def test_nothing_of_the_host_leaks_in(tmp_path: Path) -> None:
    text = """
import asyncio, concurrent.futures, http.server, json, logging, selectors, socketserver, threading, unittest
import datetime, decimal, importlib.util, inspect, pickle, random, subprocess, tempfile, typing, queue, pathlib
import urllib.request, email.message
"""
    ran = run(tmp_path, text)
    assert (ran.code, ran.err) == (0, "")
    modules = ran.guest.modules
    kind = type(os)
    mine = {id(module) for module in modules.values()}
    leaks = [
        f"{name}.{attribute}"
        for name, module in list(modules.items())
        for attribute, value in list(vars(module).items())
        if isinstance(value, kind) and id(value) not in mine and sys.modules.get(value.__name__) is value
    ]
    assert leaks == []
    assert [name for name, module in modules.items() if sys.modules.get(name) is module] == []


IMPORTS = """
import importlib, importlib.util, json, sys
print(importlib.import_module("json.tool").__name__, importlib.reload(json) is json, importlib.util.find_spec("nosuch"))
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "made":
            return importlib.util.spec_from_loader(name, self)
    def create_module(self, spec): return None
    def exec_module(self, module): module.X = 9
sys.meta_path.insert(0, Finder())
import made; print(made.X, made.__spec__.name)
sys.modules["blocked"] = None
for name in ("blocked", "beside.inner", "os.nosuch"):
    try: __import__(name)
    except ImportError as e: print(type(e).__name__, e)
try: from beside import nothing
except ImportError as e: print(e)
from beside import *
print(public, __import__("os.path").__name__, __import__("os.path", fromlist=["join"]).__name__)
import circle_a
print(circle_a.b.a is circle_a)
"""


def test_imports(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("__all__ = ['public']\npublic, private = 1, 2\n")
    (tmp_path / "circle_a.py").write_text("import circle_b as b\n")
    (tmp_path / "circle_b.py").write_text("import circle_a as a\n")
    (tmp_path / "prog.py").write_text(IMPORTS)
    real = subprocess.run([sys.executable, "prog.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    ran = run(tmp_path, IMPORTS)
    assert (ran.out, ran.err, ran.code) == (real.stdout, "", 0)
