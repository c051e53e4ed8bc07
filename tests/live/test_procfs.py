"""Snapshots of this very process: descriptors, the kernel's interest list, sizes of queues."""

from __future__ import annotations

import os
import select
import socket
import sys

import pytest

from ioviz.live import procfs
from ioviz.live.kcmp import same_file
from ioviz.live.sockdiag import read_sockets
from tests.live.real import needs_procfs

pytestmark = needs_procfs


def test_a_snapshot_has_what_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as ep:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            ep.register(client, select.EPOLLIN | select.EPOLLET)
            ep.register(listener, select.EPOLLIN | select.EPOLLONESHOT)
            reads, writes = os.pipe()
            snapshot = procfs.take([os.getpid()], seed=True)
            os.close(reads)
            os.close(writes)
            (process,) = snapshot.processes
            by_fd = {row.fd: row for row in process.descriptors}
            assert by_fd[ep.fileno()].kind == "epoll"
            items = {row.fd: (row.events, row.data & 0xFFFFFFFF) for row in by_fd[ep.fileno()].interests}
            assert items == {
                client.fileno(): (select.EPOLLIN | select.EPOLLET | 0x18, client.fileno()),
                listener.fileno(): (select.EPOLLIN | select.EPOLLONESHOT | 0x18, listener.fileno()),
            }
            assert (by_fd[reads].kind, by_fd[reads].flags & 3, by_fd[writes].flags & 3) == ("pipe", 0, 1)
            state = snapshot.sockets[by_fd[listener.fileno()].inode]
            assert (state.state, state.rx, state.local) == ("LISTEN", 1, f"127.0.0.1:{port}")
            assert sys.executable in process.argv[0] or process.name


@pytest.mark.parametrize("ours", [True, False])
def test_sizes_of_queues_by_both_ways(ours: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            client.sendall(b"12345")
            select.select([server], [], [], 5)
            inode = os.fstat(server.fileno()).st_ino
            state = read_sockets(os.getpid(), {inode}, ours=ours)[inode]
            assert (state.state, state.rx, state.type) == ("ESTABLISHED", 5, socket.SOCK_STREAM)
            assert bool(state.rcvbuf) is ours


def test_a_unix_pair_knows_its_other_end() -> None:
    a, b = socket.socketpair()
    with a, b:
        a.sendall(b"123")
        inodes = {os.fstat(s.fileno()).st_ino: s for s in (a, b)}
        found = read_sockets(os.getpid(), set(inodes), ours=True)
        mine, other = (os.fstat(s.fileno()).st_ino for s in (a, b))
        assert found[mine].peer == other
        assert found[other].rx == 3


def test_what_is_refused() -> None:
    assert procfs.why_not(os.getpid()) is None
    refusal = procfs.why_not(4_194_305)
    assert refusal is not None
    assert "4194305" in refusal.sentence("zh")
    assert not procfs.exists(4_194_305)
    assert procfs.take([4_194_305]).missing


def test_the_dead_and_the_kernel_s_own_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], dict(os.environ))
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    dead = procfs.why_not(child)
    os.waitpid(child, 0)
    assert dead is not None
    assert "has ended" in dead.sentence()
    assert "已经结束" in dead.sentence("zh")
    monkeypatch.setattr(procfs, "stat_fields", lambda pid: ["S", "0", "0", "0", "0", "-1", "2129984"])
    kernel = procfs.why_not(os.getpid())
    assert kernel is not None
    assert "thread of the kernel" in kernel.sentence()


def test_descriptors_of_one_epoll_instance_are_told_from_those_of_another() -> None:
    with select.epoll() as one, select.epoll() as other:
        again = os.dup(one.fileno())
        try:
            if not same_file(os.getpid(), one.fileno(), os.getpid(), again):
                pytest.skip("this kernel has no kcmp, or does not permit it")
            (process,) = procfs.take([os.getpid()], seed=True).processes
        finally:
            os.close(again)
        known = {row.fd: row.inode for row in process.descriptors}
        assert known[one.fileno()] == known[again] != known[other.fileno()]
        assert known[again] < 0
