"""The article's servers and clients print on the machine what they print on the real kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.programs import Result, ioviz, real

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [
    ("bio_server.py", "bio_client.py", 8000),
    ("nio_server.py", "bio_client.py", 8000),
    ("select_server.py", "bio_client.py", 8000),
    ("epoll_server.py", "epoll_client.py", 8088),
]
TYPED = ["hello", "你好", "bye", ""]


def simulated(server: Path, client: Path, typed: list[str], folder: Path, *flags: str) -> Result:
    """Run a pair on the machine for five virtual seconds: the servers never end by themselves."""
    lines = folder / "typed.txt"
    lines.write_text("".join(f"{line}\n" for line in typed), encoding="utf-8")
    return ioviz("exec", *flags, "--max-time", "5", "--peer", client, "--peer-stdin", lines, server)


def printed_by(client: Path, result: Result) -> str:
    """What the client printed: the lines of stderr that bear its name."""
    prefix = f"{client.name} | "
    return "".join(line[len(prefix) :] for line in result.err.splitlines(keepends=True) if line.startswith(prefix))


def by_thread(out: str) -> list[str]:
    """The lines of a server with those of its waiting main thread first: how threads interleave is left open."""
    return sorted(out.splitlines(), key=lambda line: not line.startswith("等待"))


def told(out: str) -> str:
    """The output of a server without its time-outs: how many there are depends on how long the real one had to wait."""
    return out.replace("无事件就绪\n[]\n", "")


def printed_by_threads(out: str) -> str:
    """What the epoll client printed, as its letters in order of the alphabet: its two threads write a line and its end
    apart, so that their lines may run into each other, and one `recv` may take what was sent twice. Its thread says
    good-bye only if it was not yet in `recv` when the other closed the socket, which on a busy computer happens."""
    return "".join(sorted("".join(out.replace("子线程由于client断开连接而退出", "").split())))


@pytest.mark.parametrize(("server", "client", "port"), PAIRS)
def test_same_output_as_on_the_real_kernel(server: str, client: str, port: int, guests: Path, tmp_path: Path) -> None:
    server_file, client_file = guests / "article" / server, guests / "article" / client
    expected_server, expected_client = real(server_file, client_file, port, TYPED, tmp_path)
    result = simulated(server_file, client_file, TYPED, tmp_path)
    assert by_thread(told(result.out)) == by_thread(told(expected_server))
    if client == "epoll_client.py":  # two threads print: whose line comes first is left open
        assert printed_by_threads(printed_by(client_file, result)) == printed_by_threads(expected_client)
    else:
        assert printed_by(client_file, result) == expected_client
    assert "hello" in expected_server
