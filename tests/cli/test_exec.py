"""`ioviz exec`: the program's own output and exit code, and every way in which a run can end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

from ioviz.model.terminal import TextPrinted
from ioviz.trace.recording import load
from tests.cli.programs import ROOT, ioviz

ECHO_SERVER = """\
import socket
s = socket.socket()
s.bind(("127.0.0.1", 7000))
s.listen()
c, _ = s.accept()
while data := c.recv(100):
    print("got", data)
    c.sendall(data.upper())
"""
ECHO_CLIENT = """\
import socket, sys
s = socket.create_connection((sys.argv[1], 7000))
for word in sys.argv[2:]:
    s.sendall(word.encode())
    print("answer", s.recv(100))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Where a test writes its program."""
    return tmp_path / "program.py"


def test_output_arguments_and_exit_code_are_the_program_s(program: Path) -> None:
    program.write_text("import sys\nprint(sys.argv[1:])\nprint('oops', file=sys.stderr)\nsys.exit(int(sys.argv[-1]))\n")
    result = ioviz("exec", program, "--seed", "x", "7")
    assert (result.code, result.out, result.err) == (7, "['--seed', 'x', '7']\n", "oops\n")


def test_input_comes_from_our_own(program: Path) -> None:
    program.write_text("while line := input('? '):\n    print(line[::-1])\n")
    result = ioviz("exec", program, stdin="abc\n你好\n\n")
    assert result.code == 0
    assert result.out == "? cba\n? 好你\n? "


@pytest.mark.parametrize(("role", "address"), [("--peer", "127.0.0.1"), ("--remote", "10.0.0.1")])
def test_programs_talk_to_each_other(role: str, address: str, tmp_path: Path) -> None:
    server, client = tmp_path / "server.py", tmp_path / "client.py"
    server.write_text(ECHO_SERVER.replace("127.0.0.1", "0.0.0.0"))
    client.write_text(ECHO_CLIENT)
    result = ioviz("exec", role, f"{client} {address} one two", server)
    assert result.code == 0
    assert result.out == "got b'one'\ngot b'two'\n"
    assert result.err == "client.py | answer b'ONE'\nclient.py | answer b'TWO'\n"


def test_a_module_runs_as_python_has_it(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    assert ioviz("exec", "-m", "tool", "-v", cwd=tmp_path).out == "__main__ ['-v']\n"


ENDINGS = {
    "exception": ("def f():\n    1 / 0\nf()\n", 1, 'program.py", line 2, in f'),
    "exit": ("import sys\nsys.exit('bye')\n", 1, "bye"),
    "deadlock": ("import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n", 125, "program.py:4"),
    "waits for ever": (
        "import socket\ns = socket.socket()\ns.bind(('', 1))\ns.listen()\ns.accept()\n",
        125,
        "program.py:5",
    ),
    "endless loop": ("n = 0\nwhile True:\n    n += 1\n", 124, "program.py:"),
    "endless calls": ("import time\nwhile True:\n    time.sleep(1)\n", 124, "--max-time"),
    "unsupported": ("import os\n\nos.fork()\n", 126, 'program.py", line 3'),
    "syntax": ("x = = 1\n", 2, "program.py"),
    "interrupt": (
        "import os, signal\n\nos.kill(os.getpid(), signal.SIGINT)\nwhile True:\n    pass\n",
        130,
        "KeyboardInterrupt",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_is_told_with_file_and_line(name: str, program: Path, tmp_path: Path) -> None:
    text, code, message = ENDINGS[name]
    program.write_text(text)
    recording = tmp_path / "run.ioviz"
    flags = ["--no-lines"] if name == "endless loop" else []
    result = ioviz("exec", "--record", recording, "--max-time", "100", *flags, program)
    if name == "endless calls":
        message = "program.py:3"
    assert result.code == code, result.err
    assert message in result.err
    assert "ioviz itself" not in result.err
    assert "site-packages" not in result.err
    assert str(ROOT / "ioviz") not in result.err
    if code != 2:
        timeline = load(recording)
        assert timeline.world(len(timeline)).runs[1].code == code


def start(*args: str | Path) -> subprocess.Popen[bytes]:
    """`ioviz exec` in the background, once its program has printed a line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ioviz", "exec", *map(str, args)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "IOVIZ_LANG": "en"},
        bufsize=0,  # what the test has not read stays in the pipe
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.3)  # until it is in its loop
    return process


def test_ctrl_c_is_the_program_s_own(program: Path) -> None:
    program.write_text(
        "try:\n    print('ready')\n    while True: pass\n"
        "except KeyboardInterrupt:\n    print('caught')\n    raise SystemExit(5)\n"
    )
    process = start(program)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (5, b"caught\n", b"")


def test_ctrl_c_while_a_line_is_asked_for(program: Path) -> None:
    program.write_text("print('ready')\ninput()\n")
    process = start(program)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"KeyboardInterrupt" in err
    assert b"line 2" in err


def test_a_second_ctrl_c_ends_the_run(program: Path, tmp_path: Path) -> None:
    program.write_text(
        "import sys\nready = print\nwhile True:\n    try:\n        ready('ready'); ready = len\n"
        "        while True: pass\n    except BaseException: pass\n"
    )
    process = start("--record", tmp_path / "run.ioviz", program)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"program.py:" in err
    assert load(tmp_path / "run.ioviz").world(0) is not None


def test_a_third_ctrl_c_goes_at_once_and_loses_no_event(program: Path, tmp_path: Path) -> None:
    program.write_text("print('ready')\nfor n in range(1000):\n    print(n)\nprint('x' * 1_000_000)\n")
    recording = tmp_path / "run.ioviz"
    process = start("--record", recording, program)  # nobody reads on: it stands still where the pipe is full
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert process.wait(timeout=60) == 130
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdin is not None
    assert b"program.py:4" in process.stderr.read()
    for stream in (process.stdout, process.stderr, process.stdin):
        stream.close()
    timeline = load(recording)
    assert not timeline.cut
    assert timeline.world(len(timeline)).runs[1].ended == "interrupted"
    printed = b"".join(event.data for event in timeline.events(0, len(timeline)) if isinstance(event, TextPrinted))
    assert printed.count(b"\n") == 1002


def test_nobody_reads_our_output(program: Path) -> None:
    program.write_text("print('ready')\nwhile True:\n    print('more')\n")
    process = start(program)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


def test_recordings_are_the_same_whatever_the_hash_seed(tmp_path: Path) -> None:
    server, client = tmp_path / "server.py", tmp_path / "client.py"
    server.write_text(ECHO_SERVER)
    client.write_text(ECHO_CLIENT + "print({'a', 'b', 'c', s, object})\n")
    files = []
    for seed in ("0", "1", "random"):
        files.append(tmp_path / f"{seed}.ioviz")
        peer = f"{client} 127.0.0.1 one two"
        result = ioviz("exec", "--record", files[-1], "--peer", peer, server, env={"PYTHONHASHSEED": seed})
        assert result.code == 0, result.err
    assert len({file.read_bytes() for file in files}) == 1


def test_events_as_json_lines(program: Path) -> None:
    program.write_text("print('hello')\n")
    result = ioviz("exec", "--json", program)
    events = [json.loads(line) for line in result.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [event["data"] for event in events if event["kind"] == "TextPrinted"] == ["hello\n"]


def test_strace_goes_to_stderr(program: Path) -> None:
    program.write_text("import os\nos.write(1, b'hello\\n')\n")
    result = ioviz("exec", "--strace", program)
    assert result.out == "hello\n"
    assert 'write(1, "hello\\n", 6)                  = 6\n' in result.err
    assert result.err.endswith("+++ exited with 0 +++\n")


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["none.py"], "none.py"),
        (["--set", "trigger=sideways", "{program}"], "trigger"),
        (["--set", "colour=red", "{program}"], "colour"),
        (["--peer", "none.py", "{program}"], "none.py"),
        (["--peer", "{program}", "--peer-stdin", "none.txt", "{program}"], "none.txt"),
        (["--record", "/nowhere/run.ioviz", "{program}"], "/nowhere/run.ioviz"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(args: list[str], complaint: str, program: Path) -> None:
    program.write_text("print('never')\n")
    result = ioviz("exec", *(arg.format(program=program) for arg in args))
    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "args", [["exec", "PROGRAM"], ["exec", "--json", "PROGRAM"], ["play", "--plain", "PROGRAM"], ["--help"]]
)
def test_a_full_disk_is_told_in_a_sentence(args: list[str], buffered: bool, program: Path) -> None:
    program.write_text("print('hello')\n")
    words = [str(program) if word == "PROGRAM" else word for word in args]
    environment = {**os.environ, "IOVIZ_LANG": "en"}
    environment.pop("PYTHONUNBUFFERED", None)
    if not buffered:
        environment["PYTHONUNBUFFERED"] = "1"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ioviz", *words],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    if args == ["--help"] and not buffered:
        return  # argparse itself does not look whether it was written
    assert done.returncode == 74
    assert done.stderr == b"ioviz: the output could not be written: No space left on device\n"


def test_closed_streams_are_no_fault(program: Path) -> None:
    program.write_text("print('hello')\n")
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = f"{sys.executable} -m ioviz exec {program} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, closed
        assert done.stdout == (b"" if ">&-" in closed.split() else b"hello\n")
        assert done.stderr == b""


@pytest.mark.parametrize("flags", [["--peer", "/dev/zero"], ["--peer", "PROGRAM", "--peer-stdin", "/dev/zero"]])
def test_what_never_ends_is_not_read(flags: list[str], program: Path) -> None:
    program.write_text("print('hello')\n")
    result = ioviz("exec", *[str(program) if word == "PROGRAM" else word for word in flags], program)
    assert result.code == 2
    assert "more than" in result.err
    assert result.err.count("\n") == 1


def test_a_time_that_no_run_lasts_is_no_fault(program: Path) -> None:
    program.write_text("print('hello')\n")
    assert ioviz("exec", "--max-time", "1e308", program).code == 0


@pytest.mark.parametrize("wait", ["True", "select.select([0], [], [], 1)[0]"], ids=["read", "select"])
def test_who_types_at_the_terminal_sees_the_answer_before_the_next_line(program: Path, wait: str) -> None:
    program.write_text(
        "import select, socket, sys, threading, time\n"
        "near, far = socket.socketpair()\n"
        "def answer():\n"
        "    while data := far.recv(100):\n"
        "        time.sleep(0.1)\n"
        "        print('answer', data.upper(), flush=True)\n"
        "threading.Thread(target=answer, daemon=True).start()\n"
        f"while {wait} and (line := sys.stdin.readline()):\n"
        "    near.sendall(line.encode())\n"
        "print('bye')\n"
    )
    child = pexpect.spawn(sys.executable, ["-m", "ioviz", "exec", str(program)], cwd=ROOT, timeout=60)
    for word in ("hello", "again"):
        child.sendline(word)
        child.expect_exact(f"answer b'{word.upper()}\\n'")
    child.sendeof()
    child.expect_exact("bye")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_ctrl_c_at_a_question_interrupts_the_program_and_again_ends_the_run(program: Path) -> None:
    program.write_text(
        "while True:\n    try:\n        input('? ')\n    except KeyboardInterrupt:\n        print('not now')\n"
    )
    child = pexpect.spawn(sys.executable, ["-m", "ioviz", "exec", str(program)], cwd=ROOT, timeout=60)
    child.expect_exact("? ")
    child.sendintr()
    child.expect_exact("not now")
    child.expect_exact("? ")
    child.sendintr()
    child.expect("ioviz: interrupted at .*program.py:[345]")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


@pytest.mark.parametrize("body", ["pass", "print(n)", "os.write(1, b'x')", "time.sleep(0.001)"])
def test_a_recursion_without_end_is_the_program_s_own_error_and_its_recording_is_whole(
    program: Path, tmp_path: Path, body: str
) -> None:
    program.write_text(
        f"import os, sys, time\ndef f(n):\n    {body}\n    f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n"
        "    print('caught', file=sys.stderr)\nf(0)\n"
    )
    result = ioviz("exec", "--record", tmp_path / "run.ioviz", program)
    assert result.code == 1
    assert result.err.startswith("caught\nTraceback")
    assert "RecursionError: maximum recursion depth exceeded" in result.err
    recorded = load(tmp_path / "run.ioviz")
    assert [event.seq for event in recorded.events(0, len(recorded))] == list(range(len(recorded)))
    assert recorded.world(len(recorded)).runs[1].code == 1


@pytest.mark.parametrize("recorded", [True, False])
def test_a_run_that_is_ended_from_outside_says_where_it_was_and_keeps_its_recording(
    program: Path, tmp_path: Path, recorded: bool
) -> None:
    program.write_text("import os\nprint('ready', flush=True)\nwhile True:\n    os.stat('/')\n")
    flags = ["--record", str(tmp_path / "run.ioviz")] if recorded else []
    with subprocess.Popen(
        [sys.executable, "-m", "ioviz", "exec", *flags, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "IOVIZ_LANG": "en"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert re.fullmatch(r"ioviz: interrupted at .*program\.py:[234]\n", err.decode())
    if recorded:
        run = load(tmp_path / "run.ioviz")
        assert (run.world(len(run)).runs[1].ended, run.world(len(run)).runs[1].code) == ("interrupted", 143)
        assert not run.cut
