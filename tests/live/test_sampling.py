"""Samples of a process: what has changed is seen, and what has not is not read again."""

from __future__ import annotations

import os
import select
import socket
import time

import pytest

from ioviz.live import sampling
from ioviz.live.sampling import ProcfsSource, Sampler
from tests.live.real import needs_procfs

HIGH = 700
pytestmark = needs_procfs


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read once only."""
    monkeypatch.setattr(sampling, "WHOLE", 1e6)


def by_number(sampler: Sampler) -> dict[int, str]:
    snapshot = sampler.sample()
    assert snapshot is not None
    return {each.fd: each.target for each in snapshot.processes[0].descriptors}


@pytest.mark.usefixtures("seldom")
def test_descriptors_that_come_and_go_are_seen() -> None:
    sampler = Sampler(os.getpid(), time.monotonic_ns)
    before = by_number(sampler)
    with socket.socket() as new:
        os.dup2(new.fileno(), HIGH)  # a number that listing our own descriptors does not take for a moment
    assert by_number(sampler) == {**before, HIGH: os.readlink(f"/proc/self/fd/{HIGH}")}
    os.close(HIGH)
    assert by_number(sampler) == before


@pytest.mark.usefixtures("seldom")
def test_a_number_that_names_another_socket_is_noticed_by_its_interest_list() -> None:
    with select.epoll() as ep:
        first = socket.socket()
        ep.register(first, select.EPOLLIN)
        sampler = Sampler(os.getpid(), time.monotonic_ns)
        before = by_number(sampler)
        number = first.fileno()
        first.close()
        second = socket.socket()
        assert second.fileno() == number
        ep.register(second, select.EPOLLIN)
        now = by_number(sampler)
        second.close()
    assert now[number] != before[number]


@pytest.mark.usefixtures("seldom")
def test_bytes_that_wait_are_seen_and_the_rest_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SOCKETS_SHARE", 1e9)  # the sockets each time
    a, b = socket.socketpair()
    with a, b:
        sampler = Sampler(os.getpid(), time.monotonic_ns)
        sampler.sample()
        a.send(b"hello")
        snapshot = sampler.sample()
    assert snapshot is not None
    assert [each.rx for each in snapshot.sockets.values() if each.rx] == [5] or len(snapshot.sockets) == 1


@pytest.mark.usefixtures("seldom")
def test_a_socket_is_read_anew_when_the_kernel_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SOCKETS_SHARE", 1e9)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        inode = os.fstat(accepted.fileno()).st_ino
        with accepted:
            sampler = Sampler(os.getpid(), time.monotonic_ns)
            sizes = []
            for data in (b"", b"hello", b" world"):
                client.sendall(data)
                snapshot = sampler.sample()
                assert snapshot is not None
                sizes.append(snapshot.sockets[inode].rx)
            last = sampler.sample()
    assert last is None or not last.sockets, "nothing has changed"
    assert sizes == [0, 5, 11]


def test_what_is_opened_for_what_is_closed_is_seen_when_everything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "WHOLE", 0.0)
    monkeypatch.setattr(sampling, "WHOLE_SHARE", 1e9)
    sampler = Sampler(os.getpid(), time.monotonic_ns)
    os.dup2(0, HIGH)
    before = by_number(sampler)
    os.close(HIGH)
    os.dup2(0, HIGH + 1)
    after = by_number(sampler)
    os.close(HIGH + 1)
    assert after == {**{fd: said for fd, said in before.items() if fd != HIGH}, HIGH + 1: before[HIGH]}


def test_it_ends_with_the_process() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "100"], dict(os.environ))
    source = ProcfsSource(pid, rate=100)
    source.start()
    assert source.pids == (pid,)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    while not source.ended:
        source.take(10)
        source.wait(1)
    source.stop()
