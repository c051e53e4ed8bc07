"""Whole programs through `ioviz exec`: what they print, and that their recordings are the same in every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.programs import free_port, ioviz, wait_until_it_sleeps


def asyncio_pair(guests: Path, clients: int) -> tuple[str, list[str]]:
    """The echo client as `--peer` takes it, and the server with its arguments."""
    client = f"{guests / 'asyncio_echo_client.py'} 8000 {clients}"
    return client, [str(guests / "asyncio_echo_server.py"), "8000", str(clients)]


def test_an_asyncio_echo_server_prints_what_it_prints_on_the_real_kernel(guests: Path) -> None:
    client, server = asyncio_pair(guests, 3)
    result = ioviz("exec", "--peer", client, *server)
    assert result.code == 0, result.err
    port = str(free_port())
    with subprocess.Popen([sys.executable, "-u", server[0], port, "3"], stdout=subprocess.PIPE, text=True) as real:
        command = [sys.executable, str(guests / "asyncio_echo_client.py"), port, "3"]
        wait_until_it_sleeps(real.pid)
        subprocess.run(command, capture_output=True, check=True)
        out, _ = real.communicate(timeout=60)
    assert sorted(result.out.splitlines()) == sorted(out.splitlines())
    assert result.out.endswith("served\n")
    assert result.err.count("answer") == 6


@pytest.mark.parametrize("name", ["asyncio", "epoll", "threads"])
def test_recordings_are_byte_identical_under_any_hash_seed(name: str, guests: Path, tmp_path: Path) -> None:
    if name == "asyncio":
        client, command = asyncio_pair(guests, 12)
        flags = ["--peer", client]
    else:
        lines = tmp_path / "lines.txt"
        lines.write_text("one\ntwo\n\n")
        server, client = ("epoll_server", "epoll_client") if name == "epoll" else ("bio_server", "bio_client")
        peer = ["--peer", str(guests / "article" / f"{client}.py"), "--peer-stdin", str(lines)]
        flags = [*peer, *peer, "--max-time", "5"]
        command = [str(guests / "article" / f"{server}.py")]
    recordings = set()
    for seed in ("1", "2"):
        file = tmp_path / f"{seed}.ioviz"
        result = ioviz("exec", "--record", file, *flags, *command, env={"PYTHONHASHSEED": seed})
        assert "ioviz itself" not in result.err
        recordings.add(file.read_bytes())
    assert len(recordings) == 1
