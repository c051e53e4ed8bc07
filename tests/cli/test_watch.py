"""trace, attach, doctor, and logs of strace: what they print, and one sentence for whatever cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ioviz.cli import main
from ioviz.live import strace

LOG = """\
[pid  7] epoll_create1(EPOLL_CLOEXEC) = 4
[pid  7] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 5
[pid  7] epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
[pid  7] epoll_wait(4, [{events=EPOLLIN, data={u32=5, u64=5}}], 64, -1) = 1
[pid  7] recvfrom(5, "hello", 100, 0, NULL, NULL) = 5
[pid  7] epoll_wait(4, """


def test_an_strace_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "server.log"
    path.write_text(LOG)
    assert main(["play", "--plain", "--lang", "en", str(path)]) == 0
    told = capsys.readouterr().out
    assert "[observed]" in told
    assert "[inferred]" in told
    assert "sleeps in ep_poll()" in told
    assert main(["play", "--plain", "--lang", "zh", str(path)]) == 0
    assert "[观察到]" in capsys.readouterr().out


def test_a_log_that_is_damaged_is_told_as_far_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(LOG.encode() + b"\nclose(\xff[[[[) = 0\nhello\n")
    assert main(["play", "--plain", "--lang", "en", str(path)]) == 0
    assert "lines were not understood" in capsys.readouterr().out


def test_a_file_that_is_no_log_is_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.log"
    path.write_text("Dear diary,\ntoday I wrote a log = 5\n")
    assert main(["play", "--plain", "--lang", "en", str(path)]) != 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["attach", "x"], "no process ID"),
        (["attach", "0"], "no process ID"),
        (["attach", "-5"], ""),
        (["attach", "4194305"], "there is no process 4194305"),
        (["attach", str(os.getpid())], "is ioviz itself"),
        (["attach", "--source", "probe", "1"], "from its start"),
        (["trace"], "needs something to work on"),
        (["trace", "--", "/no/such/program"], "there is no program"),
        (["trace", "--source", "procfs", "--", "true"], "what runs already"),
        (["trace", "--stdin", "/no/such/file", "--", "true"], "cannot open /no/such/file"),
        (["trace", "--output", "/no/such/folder/x", "--", "true"], "cannot open /no/such/folder/x"),
        (["trace", "--source", "nonsense", "--", "true"], "nonsense"),
        (["attach", "--record", "/no/such/folder/x", str(os.getppid())], "cannot write the recording"),
    ],
)
def test_what_cannot_be_gets_one_sentence(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", *argv]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.startswith("ioviz: ")
    assert err.count("\n") == 1


def test_refusals_speak_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "zh", "attach", "4194305"]) == 2
    assert "没有进程 4194305" in capsys.readouterr().err


def test_the_doctor_names_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--lang", "en", "doctor"])
    told = capsys.readouterr().out
    for name in ("ebpf", "strace", "probe", "procfs"):
        assert f" {name}" in told


@pytest.mark.skipif(strace.why_not() is not None, reason="strace cannot be used here")
def test_a_program_is_traced_recorded_and_played(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os\nr, w = os.pipe()\nos.write(w, b'abc')\nos.read(r, 9)\n")
    record = tmp_path / "run.ioviz"
    trace = [
        sys.executable,
        "-m",
        "ioviz",
        "trace",
        "--lang",
        "en",
        "--source",
        "strace",
        "--plain",
        "--record",
        str(record),
    ]
    done = subprocess.run(
        [*trace, "--", sys.executable, "-S", str(program)], capture_output=True, timeout=60, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "A pipe: 16 slots" in done.stdout
    assert "exit code 0" in done.stdout.splitlines()[-1]
    played = subprocess.run(
        [sys.executable, "-m", "ioviz", "play", "--lang", "en", "--plain", str(record)],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert played.stdout.splitlines()[2:] == done.stdout.splitlines()[2:]


@pytest.mark.skipif(strace.why_not() is not None, reason="strace cannot be used here")
def test_a_program_may_have_files_for_what_it_reads_and_prints(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("hello\n")
    files = ["--stdin", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    trace = [sys.executable, "-m", "ioviz", "trace", "--source", "strace", "--plain", *files, "--", "cat"]
    done = subprocess.run(trace, capture_output=True, timeout=60, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == "hello\n"
