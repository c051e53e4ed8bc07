"""Signals of programs, on the machine as on the real kernel: masks, waiting, interrupted calls, default actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.user.both import agree, on_the_machine

START = """
from signal import *
import errno, os, select, signal, socket, sys, threading, time
def note(number, frame): print("handler", signal.Signals(number).name, flush=True)
def later(number, after=0.05):
    def send():
        time.sleep(after); os.kill(os.getpid(), number)
    thread = threading.Thread(target=send); thread.start(); return thread
"""
PROGRAMS: dict[str, tuple[str, str] | tuple[str, str, int]] = {
    "a blocked signal stays pending": (
        """
signal.signal(SIGUSR1, note)
print(pthread_sigmask(SIG_BLOCK, [SIGUSR1]))
os.kill(os.getpid(), SIGUSR1); os.kill(os.getpid(), SIGUSR1)
print(sorted(sigpending()), pthread_sigmask(SIG_BLOCK, []))
print(pthread_sigmask(SIG_UNBLOCK, [SIGUSR1]) == {SIGUSR1}, sigpending())
""",
        "set()\n[<Signals.SIGUSR1: 10>] {<Signals.SIGUSR1: 10>}\nhandler SIGUSR1\nTrue set()\n",
    ),
    "several pending signals: python runs handlers by number, the kernel stacks them": (
        """
r, w = socket.socketpair(); w.setblocking(False); r.setblocking(False)
signal.set_wakeup_fd(w.fileno())
for each in (SIGUSR2, SIGUSR1, SIGHUP): signal.signal(each, note)
pthread_sigmask(SIG_BLOCK, [SIGUSR1, SIGUSR2, SIGHUP])
for each in (SIGUSR1, SIGHUP, SIGUSR2): os.kill(os.getpid(), each)
pthread_sigmask(SIG_SETMASK, [])
print(list(r.recv(10)))
""",
        "handler SIGHUP\nhandler SIGUSR1\nhandler SIGUSR2\n[12, 10, 1]\n",
    ),
    "sigwait, sigwaitinfo, sigtimedwait": (
        """
pthread_sigmask(SIG_BLOCK, [SIGUSR1, SIGUSR2, SIGALRM])
os.kill(os.getpid(), SIGUSR2); os.kill(os.getpid(), SIGUSR1)
print(sigwait([SIGUSR1, SIGUSR2]).name, [s.name for s in sigpending()])
info = sigwaitinfo([SIGUSR2]); print(info.si_signo, info.si_code, info.si_pid == os.getpid(), info.si_status)
print(sigtimedwait([SIGUSR1], 0.01), sigtimedwait([SIGUSR1], 0))
signal.setitimer(ITIMER_REAL, 0.02); print(sigtimedwait([SIGALRM], 5).si_code)
raise_signal(SIGUSR1); print(sigwaitinfo([SIGUSR1]).si_code)
t = later(SIGUSR1); print(sigwait({SIGUSR1}).name); t.join()
signal.signal(SIGHUP, note); t = later(SIGHUP); print(sigtimedwait([SIGUSR1], 0.2)); t.join()
for bad in ([0], [65]):
    try: sigwait(bad)
    except ValueError as e: print(e)
""",
        "SIGUSR1 ['SIGUSR2']\n12 0 True 0\nNone None\n128\n0\nSIGUSR1\nhandler SIGHUP\nNone\n"
        "signal number 0 out of range [1; 64]\nsignal number 65 out of range [1; 64]\n",
    ),
    "a real-time signal queues, others do not": (
        """
pthread_sigmask(SIG_BLOCK, [SIGUSR1, 40])
for _ in range(3): os.kill(os.getpid(), SIGUSR1); os.kill(os.getpid(), 40)
count = 0
while (info := sigtimedwait([SIGUSR1, 40], 0)) is not None: count += 1; print(info.si_signo, end=" ")
print(count)
""",
        "10 40 40 40 4\n",
    ),
    "signals for one thread": (
        """
pthread_sigmask(SIG_BLOCK, [SIGUSR1])
go = threading.Event(); seen = []
def other():
    go.wait(); seen.append(sorted(s.name for s in sigpending()))
t = threading.Thread(target=other); t.start()
pthread_kill(threading.get_ident(), SIGUSR1); pthread_kill(t.ident, SIGUSR1)
print([s.name for s in sigpending()])
sigwait([SIGUSR1]); print(sigpending()); go.set(); t.join(); print(seen)
def waits(): print("other got", sigwait([SIGUSR2]).name)
pthread_sigmask(SIG_BLOCK, [SIGUSR2])
t = threading.Thread(target=waits); t.start(); time.sleep(0.05); os.kill(os.getpid(), SIGUSR2); t.join()
""",
        "['SIGUSR1']\nset()\n[['SIGUSR1']]\nother got SIGUSR2\n",
    ),
    "calls fail with EINTR and Python makes them again": (
        """
signal.signal(SIGALRM, note)
r, w = os.pipe()
def feed(): time.sleep(0.1); os.write(w, b"x")
for call in (lambda: os.read(r, 1), lambda: select.select([r], [], [], 5)[0] == [r] and os.read(r, 1)):
    t = threading.Thread(target=feed); t.start(); setitimer(ITIMER_REAL, 0.03); print(call()); t.join()
setitimer(ITIMER_REAL, 0.02)
t = time.monotonic(); time.sleep(0.1); print(time.monotonic() - t >= 0.1)
""",
        "handler SIGALRM\nb'x'\nhandler SIGALRM\nb'x'\nhandler SIGALRM\nTrue\n",
    ),
    "siginterrupt: the kernel makes the call again before Python's handler runs": (
        """
signal.signal(SIGALRM, note); signal.siginterrupt(SIGALRM, False)
r, w = os.pipe()
def feed(): time.sleep(0.1); print("fed", flush=True); os.write(w, b"x")
t = threading.Thread(target=feed); t.start(); setitimer(ITIMER_REAL, 0.03); print(os.read(r, 1)); t.join()
a, b = socket.socketpair()
def feed2(): time.sleep(0.1); print("fed", flush=True); b.send(b"y")
t = threading.Thread(target=feed2); t.start(); setitimer(ITIMER_REAL, 0.03); print(a.recv(1)); t.join()
t = threading.Thread(target=feed); t.start(); setitimer(ITIMER_REAL, 0.03); select.select([r], [], []); t.join()
lock = threading.Lock(); lock.acquire()
def free(): time.sleep(0.1); print("freed", flush=True); lock.release()
t = threading.Thread(target=free); t.start(); setitimer(ITIMER_REAL, 0.03); lock.acquire(); t.join()
""",
        "fed\nhandler SIGALRM\nb'x'\nfed\nhandler SIGALRM\nb'y'\nhandler SIGALRM\nfed\nfreed\nhandler SIGALRM\n",
    ),
    "a handler that raises leaves the call": (
        """
class Late(Exception): pass
def late(number, frame): raise Late
signal.signal(SIGALRM, late)
r, w = os.pipe(); a, b = socket.socketpair(); lock = threading.Lock(); lock.acquire(); ep = select.epoll()
ls = socket.create_server(("127.0.0.1", 0))
calls = dict(read=lambda: os.read(r, 1), recv=lambda: a.recv(1), acquire=lock.acquire, poll=ep.poll, accept=ls.accept,
    sleep=lambda: time.sleep(9), pause=signal.pause, select=lambda: select.select([r], [], []),
    sigwait=lambda: sigwaitinfo([SIGUSR1]))
for name, call in calls.items():
    setitimer(ITIMER_REAL, 0.02)
    try: call()
    except Late: print(name)
""",
        "read\nrecv\nacquire\npoll\naccept\nsleep\npause\nselect\nsigwait\n",
    ),
    "an interrupted send returns what it sent": (
        """
signal.signal(SIGALRM, lambda *a: None)
a, b = socket.socketpair(); setitimer(ITIMER_REAL, 0.03)
n = a.send(bytes(10_000_000)); print(0 < n < 10_000_000)
r, w = os.pipe(); setitimer(ITIMER_REAL, 0.03); print(os.write(w, bytes(1_000_000)))
ls = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(ls.getsockname()); s = ls.accept()[0]
setitimer(ITIMER_REAL, 0.03); n = c.send(bytes(50_000_000)); print(0 < n < 50_000_000)
setitimer(ITIMER_REAL, 0.03); s.settimeout(None); got = s.recv(60_000_000, socket.MSG_WAITALL); print(0 < len(got) <= n)
""",
        "True\n65536\nTrue\nTrue\n",
    ),
    "alarm and the timer": (
        """
print(signal.alarm(10), signal.alarm(0), signal.alarm(0))
print(signal.setitimer(ITIMER_REAL, 3, 1)); left, again = signal.getitimer(ITIMER_REAL); print(2.9 < left <= 3, again)
left, again = signal.setitimer(ITIMER_REAL, 0); print(2.9 < left <= 3, again, signal.getitimer(ITIMER_REAL))
times = []
def tick(*a):
    times.append(1)
    if len(times) == 4: signal.setitimer(ITIMER_REAL, 0)
signal.signal(SIGALRM, tick); signal.setitimer(ITIMER_REAL, 0.01, 0.02)
while len(times) < 4: signal.pause()
print(len(times))
for bad in ((7, 1), (ITIMER_REAL, -1)):
    try: signal.setitimer(*bad)
    except signal.ItimerError as e: print(e.errno)
""",
        "0 10 0\n(0.0, 0.0)\nTrue 1.0\nTrue 1.0 (0.0, 0.0)\n4\n22\n22\n",
    ),
    "SIGPIPE is ignored by Python, and kills if a program says so": (
        """
r, w = os.pipe(); os.close(r); a, b = socket.socketpair(); b.close()
pthread_sigmask(SIG_BLOCK, [SIGPIPE])
for call in (lambda: os.write(w, b"x"), lambda: a.send(b"x")):
    try: call()
    except BrokenPipeError: print("EPIPE", sigpending())
signal.signal(SIGPIPE, SIG_DFL); print(sigwait([SIGPIPE]).name)
try: a.send(b"x", socket.MSG_NOSIGNAL)
except BrokenPipeError: print(sigpending())
try: os.write(w, b"x")
except BrokenPipeError: print(sigpending())
print("now", flush=True)
pthread_sigmask(SIG_UNBLOCK, [SIGPIPE]); print("not reached")
""",
        "EPIPE {<Signals.SIGPIPE: 13>}\nEPIPE {<Signals.SIGPIPE: 13>}\nSIGPIPE\nset()\n{<Signals.SIGPIPE: 13>}\nnow\n",
        -13,
    ),
    "default actions": (
        """
for each in (SIGCHLD, SIGURG, SIGWINCH, SIGCONT, SIGPIPE): raise_signal(each); print(each.name)
signal.signal(SIGUSR1, SIG_IGN); raise_signal(SIGUSR1)
pthread_sigmask(SIG_BLOCK, [SIGUSR2]); raise_signal(SIGUSR2); signal.signal(SIGUSR2, SIG_IGN); print(sigpending())
threading.Thread(target=lambda: (time.sleep(0.05), os.kill(os.getpid(), SIGTERM))).start()
print("waits", flush=True); time.sleep(9); print("not reached")
""",
        "SIGCHLD\nSIGURG\nSIGWINCH\nSIGCONT\nSIGPIPE\nset()\nwaits\n",
        -15,
    ),
    "SIGKILL can't be blocked, caught or waited for": (
        """
print(pthread_sigmask(SIG_BLOCK, [SIGKILL, SIGSTOP]), pthread_sigmask(SIG_BLOCK, []))
try: signal.signal(SIGKILL, note)
except OSError as e: print(e.errno)
for bad in ((SIGUSR1, 5), (0, SIGUSR1)):
    try: signal.signal(*bad)
    except (TypeError, ValueError) as e: print(type(e).__name__)
try: os.kill(2**22 + 5, 0)
except ProcessLookupError as e: print(e.errno)
try: os.kill(os.getpid(), 65)
except OSError as e: print(e.errno)
sys.stdout.flush(); os.kill(os.getpid(), SIGKILL); print("not reached")
""",
        "set() set()\n22\nTypeError\nValueError\n3\n22\n",
        -9,
    ),
    "the wake-up descriptor": (
        """
for bad in (-2, 999):
    try: set_wakeup_fd(bad)
    except (OSError, ValueError) as e: print(type(e).__name__)
r, w = os.pipe()
try: set_wakeup_fd(w)
except ValueError as e: print("non-blocking" in str(e))
os.set_blocking(w, False); print(set_wakeup_fd(w), set_wakeup_fd(w) == w)
signal.signal(SIGUSR1, note); raise_signal(SIGUSR1); print(os.read(r, 9))
t = later(SIGUSR1); print(select.select([r], [], [])[0] == [r], os.read(r, 9)); t.join()
set_wakeup_fd(w, warn_on_full_buffer=False)
try:
    while True: os.write(w, bytes(4096))
except BlockingIOError: pass
raise_signal(SIGUSR1); os.close(r); raise_signal(SIGUSR1)
""",
        "OSError\nOSError\nTrue\n-1 True\nhandler SIGUSR1\nb'\\n'\nhandler SIGUSR1\nTrue b'\\n'\nhandler SIGUSR1\n"
        "handler SIGUSR1\n",
    ),
}


def test_what_is_refused_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="stops no process"):
        on_the_machine(tmp_path, START + "os.kill(os.getpid(), SIGSTOP)")
    ended = on_the_machine(tmp_path, START + "setitimer(ITIMER_PROF, 1)")
    assert ended.status == 126
    assert "ioviz lacks timers of processor time" in ended.err


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_on_linux(name: str, tmp_path: Path) -> None:
    text, expected, status = (*PROGRAMS[name], 0)[:3]
    agree(tmp_path, START + str(text), str(expected), int(status))
