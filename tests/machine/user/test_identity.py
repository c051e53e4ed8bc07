"""Who a program is and where: on the machine as on the real kernel, by the same calls."""
# ruff: noqa: E501  # the programs' lines

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.model.cpu import TrapEntered
from ioviz.model.syscalls import name_of
from tests.machine.user.both import agree, on_the_machine

START = """
import os, socket, subprocess, sys
PY = sys.executable
HERE = os.getcwd()
def t(call, *args):
    try: print(call(*args))
    except OSError as e: print(type(e).__name__, e.errno)
"""
PROGRAMS: dict[str, tuple[str, str]] = {
    "numbers and names": (
        """
print(os.getpid() == os.getpid() > 1, os.getuid() == os.geteuid(), os.getgid() == os.getegid(), os.getppid() > 0)
print(os.uname().sysname, os.uname()[1] == os.uname().nodename == socket.gethostname(), len(os.uname()))
""",
        "True True True True\nLinux True 5\n",
    ),
    "umask": (
        """
os.umask(0o22); print(oct(os.umask(0o77)), oct(os.umask(0o1777)), oct(os.umask(0o137)))
os.mkdir("d"); os.close(os.open("f", os.O_CREAT | os.O_WRONLY, 0o777)); s = socket.socket(socket.AF_UNIX); s.bind("s")
print([oct(os.stat(each).st_mode) for each in "dfs"])
code = "import os; print(oct(os.umask(0)))"
for more in ({}, {"umask": 0o27}): print(subprocess.run([PY, "-c", code], capture_output=True, text=True, **more).stdout.strip())
print(oct(os.umask(0o22)))
s.close(); os.unlink("s"); os.unlink("f"); os.rmdir("d")
""",
        "0o22 0o77 0o777\n['0o40640', '0o100640', '0o140640']\n0o137\n0o27\n0o137\n",
    ),
    "the working directory": (
        """
os.mkdir("d"); os.mkdir("d/e"); os.chdir("d/e"); print(os.path.relpath(os.getcwd(), HERE), os.path.exists("../../d/e/."))
open("f", "w").close(); print(os.listdir(), os.listdir(".."), os.listdir(b"."))
s = socket.socket(socket.AF_UNIX); s.bind("../s"); s.listen()
os.chdir(".."); c = socket.socket(socket.AF_UNIX); c.connect("s"); print(sorted(os.listdir()), s.getsockname(), c.getpeername())
for path in ("nix", "e/f", "e/f/", "", "e/f/..", "x" * 256): t(os.chdir, path)
os.rename("../d", "../new"); print(os.path.relpath(os.getcwd(), HERE)); os.chdir("e"); print(os.path.relpath(os.getcwd(), HERE))
code = "import os; print(os.path.basename(os.getcwd())); os.chdir('/')"
print(subprocess.run([PY, "-c", code], capture_output=True, text=True).stdout, subprocess.run([PY, "-c", code], capture_output=True, text=True, cwd="..").stdout)
t(lambda: subprocess.run([PY, "-c", code], cwd="nix")); print(os.path.relpath(os.getcwd(), HERE))
os.unlink("f"); os.rmdir("../e"); t(os.getcwd); t(os.mkdir, "x"); t(os.stat, "x"); os.chdir(".."); os.unlink("s")
os.chdir(HERE); os.rmdir("new"); print(os.listdir() == ["prog.py"] or os.listdir())
""",
        "d/e True\n['f'] ['e'] [b'f']\n['e', 's'] ../s ../s\n"
        "FileNotFoundError 2\nNotADirectoryError 20\nNotADirectoryError 20\nFileNotFoundError 2\nNotADirectoryError 20\nOSError 36\n"
        "new\nnew/e\ne\n new\n\nFileNotFoundError 2\nnew/e\n"
        "FileNotFoundError 2\nFileNotFoundError 2\nFileNotFoundError 2\nTrue\n",
    ),
    "paths that lead nowhere": (
        """
open("f", "w").close(); os.mkdir("d")
for path in ("", "f/", "d/", "f/.", "f/..", "nix/..", "d/../f", "d/.", "./" * 2100, "x" * 256, "x" * 255): print(os.path.exists(path), end=" ")
print()
for path in (".", "..", "d/..", "/", "d/.", "f/", "nix/", ""):
    for call in (os.rmdir, os.unlink, os.mkdir, lambda path: os.rename(path, "z"), lambda path: os.rename("f", path)): t(call, path)
t(os.open, "new/", os.O_CREAT); t(os.open, "d", os.O_CREAT | os.O_EXCL); t(os.open, ".", os.O_CREAT | os.O_EXCL); t(os.open, ".", os.O_CREAT)
for path in ("d", "d/", "u/", "nix/u", "f/u"): t(socket.socket(socket.AF_UNIX).bind, path)
print(sorted(os.listdir())); os.unlink("f"); os.rmdir("d"); os.rmdir("z")
""",
        "False False True False False False True True False False False \n"
        "OSError 22\nIsADirectoryError 21\nFileExistsError 17\nOSError 16\nOSError 16\n"
        "OSError 39\nIsADirectoryError 21\nFileExistsError 17\nOSError 16\nOSError 16\n"
        "OSError 39\nIsADirectoryError 21\nFileExistsError 17\nOSError 16\nOSError 16\n"
        "OSError 16\nIsADirectoryError 21\nFileExistsError 17\nOSError 16\nOSError 16\n"
        "OSError 22\nIsADirectoryError 21\nFileExistsError 17\nOSError 16\nOSError 16\n"
        "NotADirectoryError 20\nNotADirectoryError 20\nFileExistsError 17\nNotADirectoryError 20\nNotADirectoryError 20\n"
        "FileNotFoundError 2\nFileNotFoundError 2\nNone\nNone\nNotADirectoryError 20\n"
        "FileNotFoundError 2\nFileNotFoundError 2\nFileNotFoundError 2\nFileNotFoundError 2\nFileNotFoundError 2\n"
        "IsADirectoryError 21\nFileExistsError 17\nFileExistsError 17\nIsADirectoryError 21\n"
        "OSError 98\nOSError 98\nFileNotFoundError 2\nFileNotFoundError 2\nNotADirectoryError 20\n"
        "['d', 'f', 'prog.py', 'z']\n",
    ),
    "modes of files, and who may do what with them": (
        """
open("f","w").close(); os.mkdir("d"); os.close(os.open("x", os.O_CREAT|os.O_WRONLY, 0o755))
for p in ("f","d","x","nix","f/","f/y","","d/"):
    print(p, [os.access(p, m) for m in (os.F_OK, os.R_OK, os.W_OK, os.X_OK, os.R_OK|os.X_OK, 8, -1)])
f=os.open("f",os.O_RDWR); d=os.open("d",os.O_RDONLY); r,w=os.pipe(); s = socket.socket(); e = os.eventfd(0)
for fd in (f,d,r,w,s.fileno(),e,99): t(os.fsync,fd); t(os.fdatasync,fd)
try: os.fsync(-1)
except ValueError as e: print(e)
os.fsync(open("f"))
for m in (0o755, 0o4711, 0, 0o644): t(os.chmod,"f",m); print(oct(os.stat("f").st_mode), os.access("f",os.X_OK))
os.fchmod(f,0o600); os.chmod(f,0o601); os.chmod("d",0o700); t(os.fchmod,99,0); t(os.fchmod,r,0o600); t(os.chmod,"nix",0); t(os.chmod,"f/",0)
print([oct(os.stat(p).st_mode) for p in "fd"])
for each in "fx": os.unlink(each)
os.rmdir("d")
""",
        "f [True, True, True, False, False, False, False]\n"
        "d [True, True, True, True, True, False, False]\n"
        "x [True, True, True, True, True, False, False]\n"
        "nix [False, False, False, False, False, False, False]\n"
        "f/ [False, False, False, False, False, False, False]\n"
        "f/y [False, False, False, False, False, False, False]\n"
        " [False, False, False, False, False, False, False]\n"
        "d/ [True, True, True, True, True, False, False]\n"
        "None\n"
        "None\n"
        "None\n"
        "None\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 22\n"
        "OSError 9\n"
        "OSError 9\n"
        "file descriptor cannot be a negative integer (-1)\n"
        "None\n"
        "0o100755 True\n"
        "None\n"
        "0o104711 True\n"
        "None\n"
        "0o100000 False\n"
        "None\n"
        "0o100644 False\n"
        "OSError 9\n"
        "None\n"
        "FileNotFoundError 2\n"
        "NotADirectoryError 20\n"
        "['0o100601', '0o40700']\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_on_linux(name: str, tmp_path: Path) -> None:
    text, expected = PROGRAMS[name]
    agree(tmp_path, START + text, expected)


def test_each_is_a_call(tmp_path: Path) -> None:
    """What C code asks the kernel is a trap that can be watched."""
    text = "import os, socket\n" + "".join(
        f"{call}\n"
        for call in (
            *("os.getpid()", "os.getppid()", "os.getuid()", "os.geteuid()", "os.getgid()", "os.getegid()"),
            *("os.umask(0)", "os.uname()", "socket.gethostname()", "os.getcwd()", "os.chdir('/')"),
        )
    )
    called = [name_of(event.nr) for event in on_the_machine(tmp_path, text).log if isinstance(event, TrapEntered)]
    ids = ["getpid", "getppid", "getuid", "geteuid", "getgid", "getegid"]
    assert called[-12:] == [*ids, "umask", "uname", "uname", "getcwd", "chdir", "exit_group"]


def test_what_never_changes_is_answered_without_a_call(tmp_path: Path) -> None:
    text = "import os, threading\nos.getresuid(); os.getgroups(); os.getpriority(0, 0); os.times(); os.sched_getaffinity(0)\nthreading.get_native_id()\n"
    ended = on_the_machine(tmp_path, text)
    assert [name_of(event.nr) for event in ended.log if isinstance(event, TrapEntered)] == ["exit_group"]
    loop = "import asyncio\nasync def main(): await asyncio.sleep(0); asyncio.get_running_loop()\nasyncio.run(main())\n"
    ended = on_the_machine(tmp_path, loop)
    assert "getpid" not in [name_of(event.nr) for event in ended.log if isinstance(event, TrapEntered)]
