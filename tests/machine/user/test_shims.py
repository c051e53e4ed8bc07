"""The small shims: posix and files, time, signals, random numbers, codecs, garbage, limits, on the whole machine."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING

import pytest

from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, text: str, *, seed: int = 0, stdin: tuple[str, ...] | None = None) -> tuple[str, str, int]:
    """Run `text` on the machine: what it printed to stdout and stderr, and its exit code."""
    (folder / "prog.py").write_text(text, encoding="utf-8")
    printed = {1: b"", 2: b""}

    def show(pid: int, fd: int, data: bytes) -> None:
        printed[fd] += data

    launch = Launch(load_program("prog.py", cwd=str(folder)), stdin=stdin)
    machine = Machine([launch], Config(), lambda event: None, seed=seed, printed=show)
    machine.run()
    code = machine.world.runs[1].code
    machine.dispose()
    return printed[1].decode(), printed[2].decode(), code


PROGRAMS = {
    "files": (
        """
import os, tempfile, pathlib, shutil
with open("/tmp/a.txt", "w") as f:
    print("one", file=f); f.write("zwei 二\\n")
with open("/tmp/a.txt", "rb+") as f:
    f.seek(0, 2); f.write(b"three\\n"); f.seek(0)
    print(f.read().decode().split(), f.tell(), os.fstat(f.fileno()).st_size)
with tempfile.TemporaryDirectory() as d:
    p = pathlib.Path(d, "x", "y"); p.mkdir(parents=True); (p / "z").write_text("hi")
    copy = p.parent / "w"
    print([(b, sorted(c)) for _, b, c in os.walk(d)], shutil.copytree(p, copy) == copy, (copy / "z").read_text())
    os.replace(p / "z", p / "zz"); print(os.listdir(p), (p / "z").exists(), (p / "zz").stat().st_size)
print(os.path.exists(d), [n for n in os.listdir("/tmp") if n[0] == "a"])
for call in ((open, "/no/such"), (os.mkdir, "/tmp"), (os.listdir, "/tmp/a.txt"), (os.read, 99, 1)):
    try: call[0](*call[1:])
    except OSError as e: print(e)
print(open("prog.py").readline() == "\\n", open("/dev/null").read() == "")
os.chdir("/tmp"); print(open("a.txt").readline(), end="")
""",
        "['one', 'zwei', '二', 'three'] 19 19\n[(['x'], []), (['y'], []), ([], ['z'])] True hi\n['zz'] False 2\n"
        "False ['a.txt']\n[Errno 2] No such file or directory: '/no/such'\n[Errno 17] File exists: '/tmp'\n"
        "[Errno 20] Not a directory: '/tmp/a.txt'\n[Errno 9] Bad file descriptor\nTrue True\none\n",
    ),
    "descriptors": (
        """
import os
r, w = os.pipe(); print(r, w, os.get_inheritable(r), os.get_blocking(r))
d = os.dup(w); os.write(d, b"abc"); os.close(w); os.close(d); print(os.read(r, 10), os.read(r, 10))
os.dup2(1, 9); os.write(9, b"to nine\\n")
os.set_blocking(r, False); print(os.get_blocking(r), os.isatty(0), os.isatty(r), tuple(os.get_terminal_size()))
try: os.close(55)
except OSError as e: print(e.errno)
print(os.cpu_count(), os.getpid(), os.getppid(), os.uname().sysname, os.environ["HOME"], os.sep)
""",
        "3 4 False True\nb'abc' b''\nto nine\nFalse True False (80, 24)\n9\n1 101 1 Linux /root /\n",
    ),
    "time": (
        """
import time, datetime
t = time.time(); m = time.monotonic(); time.sleep(2.5)
print(round(time.time() - t, 3), round(time.monotonic() - m, 3), time.strftime("%F %T"), time.tzname)
print(datetime.datetime.now().isoformat(timespec="seconds"), datetime.date.today(), time.localtime().tm_hour)
print(time.mktime(time.gmtime(1e9)), time.strptime("2024-02-29", "%Y-%m-%d").tm_yday, time.ctime(0))
print(time.get_clock_info("monotonic").monotonic, time.perf_counter() < time.perf_counter())
for bad in (-1, "x"):
    try: time.sleep(bad)
    except (ValueError, TypeError) as e: print(type(e).__name__)
""",
        "2.5 2.5 2024-01-01 00:00:02 ('UTC', 'UTC')\n2024-01-01T00:00:02 2024-01-01 0\n"
        "1000000000.0 60 Thu Jan  1 00:00:00 1970\nTrue True\nValueError\nTypeError\n",
    ),
    "signals": (
        """
import os, signal, time, threading
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGPIPE).name)
def handler(number, frame): print(signal.Signals(number).name, frame.f_code.co_name)
for each in (signal.SIGUSR1, signal.SIGALRM): print(signal.signal(each, handler).name)
def here(): os.kill(os.getpid(), signal.SIGUSR1)
here(); signal.setitimer(signal.ITIMER_REAL, 0.5)
t = time.monotonic(); time.sleep(2); print(round(time.monotonic() - t, 2))
def late(number, frame): raise TimeoutError
signal.signal(signal.SIGALRM, late); signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    while True: t += 1
except TimeoutError: print("loop left")
signal.setitimer(signal.ITIMER_REAL, 0.1)
try: input()
except TimeoutError: print("input left")
try: signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt: print("interrupted")
def wrong():
    try: signal.signal(signal.SIGINT, handler)
    except ValueError as e: print(e)
thread = threading.Thread(target=wrong); thread.start(); thread.join()
signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM); print("not reached")
""",
        "True SIG_IGN\nSIG_DFL\nSIG_DFL\nSIGUSR1 here\nSIGALRM <module>\n2.0\nloop left\ninput left\ninterrupted\n"
        "signal only works in main thread of the main interpreter\n",
    ),
    "generators": (
        """
import asyncio
async def numbers(name):
    try:
        for n in range(3): yield n
    finally:
        await asyncio.sleep(0); print(name, "closed")
async def main():
    async for n in numbers("a"):
        if n: break
    await asyncio.sleep(0.1)
    kept = numbers("b"); print(await anext(kept)); await kept.aclose()
asyncio.run(main())
""",
        "a closed\n0\nb closed\n",
    ),
    "gc and weak references": (
        """
import gc, weakref
class Node: pass
a = Node(); a.me = a; r = weakref.ref(a, lambda r: print("gone")); del a
print(r() is None); gc.collect(); print(r() is None, gc.isenabled(), gc.get_objects())
""",
        "False\ngone\nTrue True []\n",
    ),
    "codecs": (
        """
import codecs
codecs.register(lambda name: codecs.lookup("utf-8") if name == "mine" else None)
print(codecs.encode("é", "mine"), codecs.lookup("mine").name, "x".encode("idna"))
print(codecs.open("prog.py").readline() == "\\n")
import pickle
print(all(pickle.loads(pickle.dumps(codecs.encode, n)) is codecs.encode for n in range(6)))
""",
        "b'\\xc3\\xa9' utf-8 b'x'\nTrue\nTrue\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, tmp_path: Path) -> None:
    text, expected = PROGRAMS[name]
    out, err, code = run(tmp_path, text, stdin=("typed too late",))
    assert (out, err) == (expected, "")
    assert code == (143 if name == "signals" else 0)


def test_what_one_guest_registers_another_does_not_find(tmp_path: Path) -> None:
    text = "import codecs\ntry:\n    print(codecs.lookup('mine'))\nexcept LookupError as e:\n    print(e)\n"
    run(tmp_path, PROGRAMS["codecs"][0])
    assert run(tmp_path, text)[0] == "unknown encoding: mine\n"


RANDOM = """
import os, random, secrets, uuid, tempfile
print(random.random(), random.Random().random(), random.Random(5).random())
print(os.urandom(4), secrets.token_hex(4), uuid.uuid4())
print(random.SystemRandom().randrange(10**9), next(tempfile._get_candidate_names()))
"""


def test_randomness_comes_from_the_seed_alone(tmp_path: Path) -> None:
    first, again, other = (run(tmp_path, RANDOM, seed=seed)[0] for seed in (1, 1, 2))
    assert first == again != other
    assert len(first.split()) == 8
    assert first.split()[2] == other.split()[2]  # a seed of the program's own


def test_importing_from_two_threads_at_once(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\nprint('begin')\ntime.sleep(1)\nX = 1\nprint('end')\n")
    (tmp_path / "left.py").write_text("import time\ntime.sleep(0.1)\nimport right\n")
    (tmp_path / "right.py").write_text("import time\ntime.sleep(0.1)\nimport left\n")
    text = """
import threading
def work():
    import slow
    print(slow.X)
def go(*functions):
    threads = [threading.Thread(target=each) for each in functions]
    for each in threads: each.start()
    for each in threads: each.join()
go(work, work, work)
go(lambda: __import__("left"), lambda: __import__("right"))
print("done")
"""
    assert run(tmp_path, text) == ("begin\nend\n1\n1\n1\ndone\n", "", 0)


def test_hosts_streams_and_hooks_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hooks = sys.unraisablehook, sys.displayhook, sys.stdout, sys.getrecursionlimit()
    text = """
import sys, warnings
class A:
    def __del__(self): raise ValueError("in a finalizer")
A()
async def never(): pass
never()
sys.setrecursionlimit(3000); sys.stdout = None; sys.settrace(print); sys.displayhook = print
exec(compile("1 + 1", "<x>", "single"))
"""
    out, err, code = run(tmp_path, text)
    assert (out, code) == ("", 0)
    assert "ValueError: in a finalizer" in err
    assert "RuntimeWarning: coroutine 'never' was never awaited" in err
    assert hooks == (sys.unraisablehook, sys.displayhook, sys.stdout, sys.getrecursionlimit())
    assert capsys.readouterr() == ("", "")


def test_nothing_of_a_guest_stays_when_it_is_over(tmp_path: Path) -> None:
    text = """
import asyncio, threading, typing
T = typing.TypeVar("T")
class Box(typing.Generic[T]): pass
box = Box[int]
class Late:
    def __del__(self): print("late")
late = Late(); late.me = late
async def numbers():
    try:
        while True: yield 1
    finally: print("closed")
async def main():
    kept = numbers(); await anext(kept); await asyncio.sleep(10**9)
threading.Thread(target=lambda: threading.Lock().acquire() and threading.Event().wait(), daemon=True).start()
asyncio.run(main())
"""
    (tmp_path / "prog.py").write_text(text)
    machine = Machine([Launch(load_program("prog.py", cwd=str(tmp_path)))], Config(), lambda event: None)
    kernel = weakref.ref(machine.kernel)
    machine.run()
    machine.dispose()
    del machine
    gc.collect()
    assert kernel() is None
