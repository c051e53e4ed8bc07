"""Processes that a program starts: on the machine as on the real kernel."""
# ruff: noqa: E501  # the programs' lines

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.user.both import agree, on_the_machine

START = "import os, select, signal, socket, subprocess, sys, threading, time\nPY = sys.executable\n"
PROGRAMS: dict[str, tuple[str, str] | tuple[str, str, int]] = {
    "pipes to and from a child, its arguments and status": (
        """
code = "import sys; print(sys.argv); print(input().upper()); print('err', file=sys.stderr); sys.exit(3)"
done = subprocess.run([PY, "-c", code, "a", "b c"], input="hello\\n", capture_output=True, text=True)
print(done.stdout, done.stderr, done.returncode)
""",
        "['-c', 'a', 'b c']\nHELLO\n err\n 3\n",
    ),
    "a child inherits what it is to inherit": (
        """
r, w = os.pipe(); r2, w2 = os.pipe()
code = "import os, sys\\nfor fd in map(int, sys.argv[1:]):\\n    try: print(os.write(fd, b'x'))\\n    except OSError as e: print(e.errno)"
run = lambda **more: print(subprocess.run([PY, "-c", code, str(w), str(w2)], capture_output=True, text=True, **more).stdout.split())
run(); run(pass_fds=[w2]); run(close_fds=False); os.set_inheritable(w, True); run(close_fds=False)
print(os.read(r2, 9), os.read(r, 9), os.get_inheritable(w2))
""",
        "['9', '9']\n['9', '1']\n['9', '9']\n['1', '9']\nb'x' b'x' False\n",
    ),
    "an open file is shared, position and all": (
        """
with open("shared.txt", "w+") as f:
    f.write("first\\n"); f.flush()
    subprocess.run([PY, "-c", "print('second')"], stdout=f)
    subprocess.run("echo third", shell=True, stdout=f)
    f.seek(0); print(f.read().split())
os.remove("shared.txt")
""",
        "['first', 'second', 'third']\n",
    ),
    "a child that ends is a zombie until it is waited for": (
        """
p = subprocess.Popen([PY, "-c", "pass"])
print(os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_EXITED)
os.kill(p.pid, 0); os.kill(p.pid, signal.SIGKILL)
print(os.waitpid(p.pid, 0) == (p.pid, 0))
for call in (lambda: os.kill(p.pid, 0), lambda: os.waitpid(p.pid, 0), lambda: os.wait()):
    try: call()
    except OSError as e: print(type(e).__name__)
q = subprocess.Popen([PY, "-c", "import time; time.sleep(0.3)"]); print(os.waitpid(q.pid, os.WNOHANG))
print(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG), q.wait())
""",
        "True\nTrue\nProcessLookupError\nChildProcessError\nChildProcessError\n(0, 0)\nNone 0\n",
    ),
    "ended by a signal": (
        """
code = "import time; print('up', flush=True)\\nwhile True: time.sleep(0.05)"  # SIGINT may come just before a sleep
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
    p = subprocess.Popen([PY, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdout.readline(); p.send_signal(number); print(p.wait())
p = subprocess.Popen([PY, "-c", code], stdout=subprocess.PIPE); p.stdout.readline(); p.terminate()
row = os.waitid(os.P_PID, p.pid, os.WEXITED); print(row.si_status, row.si_code == os.CLD_KILLED, row.si_signo == signal.SIGCHLD)
""",
        "-15\n-9\n-2\n15 True True\n",
    ),
    "SIGCHLD": (
        """
got = []
signal.signal(signal.SIGCHLD, lambda *a: got.append(1))
p = subprocess.Popen([PY, "-c", "import time; time.sleep(0.1)"]); signal.pause(); print(len(got), p.wait())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
p = subprocess.Popen([PY, "-c", "raise SystemExit(7)"]); info = signal.sigwaitinfo([signal.SIGCHLD])
print(info.si_pid == p.pid, info.si_status, info.si_code == os.CLD_EXITED, p.wait())
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
p = subprocess.Popen([PY, "-c", "raise SystemExit(7)"])
try: os.waitpid(p.pid, 0)
except ChildProcessError: print("reaped by itself")
""",
        "1 0\nTrue 7 True 7\nreaped by itself\n",
    ),
    "a time-out, and several children at once": (
        """
p = subprocess.Popen([PY, "-c", "import time; time.sleep(60)"])
try: p.wait(timeout=0.2)
except subprocess.TimeoutExpired: print("late")
p.kill(); print(p.wait())
children = [subprocess.Popen(f"sleep 0.{n}; exit {n}", shell=True) for n in (3, 1, 2)]
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in children])
""",
        "late\n-9\n[1, 2, 3]\n",
    ),
    "what can't be started": (
        """
for bad in (["/no/such/program"], ["/tmp"]):
    try: subprocess.run(bad)
    except OSError as e: print(type(e).__name__)
try: subprocess.run([PY, "-c", ""], cwd="/no/such")
except OSError as e: print(e.filename)
print(subprocess.run([PY, "/no/such.py"], stderr=subprocess.PIPE).returncode)
""",
        "FileNotFoundError\nPermissionError\n/no/such\n2\n",
    ),
    "the shell": (
        """
run = lambda text: print(subprocess.run(text, shell=True, capture_output=True, text=True))
out = lambda text: subprocess.run(text, shell=True, capture_output=True, text=True)
for text in ("for i in 1 2 3; do echo t $i; done", "false || echo a && echo 'b  c'", "exit 5", "true; false",
    "echo one >x.txt; echo two >>x.txt; cat <x.txt; cat /no/such 2>/dev/null; echo $?", "echo e 1>&2", "echo abc | cat | cat",
    "if false; then echo no; else echo yes; fi", 'x=5; echo "$x" "${x}6" \\'$x\\'; echo $HOME_NOT_SET end', "# nothing",
    "kill -9 $$", "i=; while test_nothing 2>/dev/null; do :; done; echo done", "sleep 0.01 & wait; echo waited"):
    done = out(text); print(repr(done.stdout), repr(done.stderr), done.returncode)
print(os.system("exit 3") >> 8, os.popen("echo from popen").read(), end="")
os.remove("x.txt")
""",
        "'t 1\\nt 2\\nt 3\\n' '' 0\n'a\\nb  c\\n' '' 0\n'' '' 5\n'' '' 1\n'one\\ntwo\\n1\\n' '' 0\n'' 'e\\n' 0\n'abc\\n' '' 0\n"
        "'yes\\n' '' 0\n'5 56 $x\\nend\\n' '' 0\n'' '' 0\n'' '' -9\n'done\\n' '' 0\n'waited\\n' '' 0\n3 from popen\n",
    ),
    "a pipe whose reader is a child, SIGPIPE in a child": (
        """
p = subprocess.Popen("cat; echo end", shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b"x" * 200000)[0][-5:])
p = subprocess.Popen("while true; do echo y; done", shell=True, stdout=subprocess.PIPE)
p.stdout.readline(); p.stdout.close(); print(p.wait())
""",
        "b'xend\\n'\n-13\n",
    ),
    "posix_spawn": (
        """
r, w = os.pipe()
actions = [(os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_CLOSE, w), (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
pid = os.posix_spawn(PY, [PY, "-c", "import os; print(os.environ['WHO'], len(os.read(0, 9)))"], {"WHO": "me"}, file_actions=actions)
os.close(w); print(os.waitpid(pid, 0)[1], os.read(r, 99))
try: os.posix_spawn("/no/such", ["x"], {})
except FileNotFoundError as e: print(e.filename)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
for more in ({}, {"setsigmask": [signal.SIGUSR2]}):
    pid = os.posix_spawnp("python3", ["python3", "-c", "import signal; raise SystemExit(len(signal.pthread_sigmask(0, [])) * 10 + 10 * (signal.SIGUSR2 in signal.pthread_sigmask(0, [])))"], os.environ, **more)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
        "0 b'me 0\\n'\n/no/such\n10\n20\n",
    ),
    "groups and sessions": (
        """
p = subprocess.Popen("sleep 60", shell=True, start_new_session=True)
print(os.getpgid(p.pid) == p.pid, os.getsid(p.pid) == p.pid, os.getpgid(0) == os.getpgrp())
os.killpg(p.pid, signal.SIGTERM); print(p.wait())
code = "import os; print(os.getppid(), os.getpid() != os.getppid())"
print(subprocess.run([PY, "-c", code], capture_output=True, text=True).stdout.split() == [str(os.getpid()), "True"])
""",
        "True True True\n-15\nTrue\n",
    ),
    "a socket handed to a child": (
        """
a, b = socket.socketpair()
p = subprocess.Popen([PY, "-c", "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.send(s.recv(9).upper())", str(b.fileno())], pass_fds=[b.fileno()])
b.close(); a.send(b"hello"); print(a.recv(9), a.recv(9), p.wait())
""",
        "b'HELLO' b'' 0\n",
    ),
    "an asyncio subprocess": (
        """
import asyncio
async def main():
    p = await asyncio.create_subprocess_exec(PY, "-c", "print(input()[::-1])", stdin=-1, stdout=-1)
    print(await p.communicate(b"abc\\n"), p.returncode)
    p = await asyncio.create_subprocess_shell("exec sleep 60"); await asyncio.sleep(0.2); p.kill(); print(await p.wait())
asyncio.run(main())
""",
        "(b'cba\\n', None) 0\n-9\n",
    ),
    "a module, a file, standard input, and an orphan": (
        """
open("mod_here.py", "w").write("import sys; print(__name__, sys.argv[1:])")
print(subprocess.run([PY, "mod_here.py", "1"], capture_output=True, text=True).stdout, end="")
print(subprocess.run([PY, "-"], input="print(6 * 7)", capture_output=True, text=True).stdout, end="")
print(subprocess.run([PY, "-m", "base64", "-h"], capture_output=True, text=True).returncode)
os.remove("mod_here.py")
r, w = os.pipe()
subprocess.run([PY, "-c", f"import subprocess; subprocess.Popen('sleep 0.2; echo x >&{w}', shell=True, pass_fds=[{w}])"], pass_fds=[w])
os.close(w); print(os.read(r, 9), os.read(r, 9))
""",
        "__main__ ['1']\n42\n0\nb'x\\n' b''\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_on_linux(name: str, tmp_path: Path) -> None:
    text, expected, status = (*PROGRAMS[name], 0)[:3]
    agree(tmp_path, START + str(text), str(expected), int(status))


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("os.fork()", "fork: a running program cannot be copied"),
        ("subprocess.run(['ls'])", "the program 'ls': a program can start Python and sh, nothing else"),
        ("subprocess.run([PY, '-c', ''], preexec_fn=print)", "preexec_fn"),
        ("os.execv(PY, [PY])", "exec in place of a running program"),
    ],
)
def test_what_is_refused_says_so(call: str, what: str, tmp_path: Path) -> None:
    ended = on_the_machine(tmp_path, START + call)
    assert ended.status == 126
    assert f"ioviz lacks {what}" in ended.err
    assert 'prog.py", line 3' in ended.err


def test_a_spawned_process_is_told(tmp_path: Path) -> None:
    ended = on_the_machine(tmp_path, START + "subprocess.run('exit 3', shell=True)")
    kinds = [type(event).__name__ for event in ended.log]
    places = [kinds.index(kind) for kind in ("ProcessSpawned", "ProcessExecuted", "ProcessExited", "ProcessReaped")]
    assert places == sorted(places)
