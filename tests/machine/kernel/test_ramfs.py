"""The file system in memory against the real one: the same calls, the same answers."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ioviz.machine.kernel.kernel import Kernel
from ioviz.model.ramfs import PAGE, read_pages
from ioviz.model.syscalls import SYS
from tests.machine.kernel.harness import run

PLAIN = ["a", "b", "d", "d/a", "d/e", "d/e/a", "a/x", "missing/x"]
ODD = [
    *("a/", "b/", "d/", "d/e/", "./a", "d//a", "d/.", "a/.", "d/./", "d/..", "a/..", "d/../a", "d/e/../../b/"),
    *("a/../b", "missing/../a", "x" * 255, "x" * 256, "d/" + "x" * 256 + "/a", "./" * 2050 + "a", "\u00e9" * 128),
]
NAMES = st.sampled_from(PLAIN) | st.sampled_from(ODD)
OPS = st.one_of(
    st.tuples(
        st.just("write"), NAMES, st.binary(max_size=20), st.sampled_from([os.O_TRUNC, os.O_APPEND, os.O_EXCL, 0])
    ),
    st.tuples(st.just("read"), NAMES, st.integers(0, 30)),
    st.tuples(st.just("mkdir"), NAMES),
    st.tuples(st.just("rmdir"), NAMES),
    st.tuples(st.just("unlink"), NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("stat"), NAMES),
    st.tuples(st.just("list"), NAMES),
    st.tuples(st.just("patch"), NAMES, st.integers(0, 3 * PAGE), st.binary(min_size=1, max_size=PAGE)),
    st.tuples(st.just("truncate"), NAMES, st.integers(0, 2 * PAGE)),
)


def _result(value: Any) -> int:
    """The number of a result, with errors that mean the same made the same."""
    number = value[0] if isinstance(value, tuple) else value
    if number in (-errno.EEXIST, -errno.ENOTEMPTY):
        return -errno.ENOTEMPTY
    return int(number)


def ours(k: Kernel, root: str, op: tuple[Any, ...]) -> Any:
    """Do `op` on the kernel."""
    path = f"{root}/{op[1]}"
    if op[0] == "write":
        fd = k.syscall(SYS.openat, path, os.O_WRONLY | os.O_CREAT | op[3], 0o666)
        if fd < 0:
            return _result(fd)
        done = k.syscall(SYS.write, fd, op[2])
        k.syscall(SYS.close, fd)
        return done
    if op[0] in ("read", "patch", "truncate"):
        fd = k.syscall(SYS.openat, path, os.O_RDONLY if op[0] == "read" else os.O_RDWR, 0)
        if fd < 0:
            return _result(fd)
        result: Any
        if op[0] == "read":
            result = k.syscall(SYS.read, fd, op[2])
            result = result[1] if isinstance(result, tuple) else result
        elif op[0] == "patch":
            result = k.syscall(SYS.lseek, fd, op[2], 0), k.syscall(SYS.write, fd, op[3])
        else:
            result = k.syscall(SYS.ftruncate, fd, op[2]), k.syscall(SYS.lseek, fd, 0, 2)
        k.syscall(SYS.close, fd)
        return result
    if op[0] == "list":
        fd = k.syscall(SYS.openat, path, os.O_RDONLY | os.O_DIRECTORY, 0)
        if fd < 0:
            return _result(fd)
        rows = k.syscall(SYS.getdents64, fd)[1]
        assert k.syscall(SYS.getdents64, fd) == (0, ())
        k.syscall(SYS.close, fd)
        return [(name, kind) for name, _, kind in rows]
    if op[0] == "stat":
        result = k.syscall(SYS.stat, path)
        if isinstance(result, int):
            return result
        mode = result[1][0]
        return mode, result[1][6] if stat.S_ISREG(mode) else None
    if op[0] == "rename":
        return _result(k.syscall(SYS.rename, path, f"{root}/{op[2]}"))
    args = (0o777,) if op[0] == "mkdir" else ()
    return _result(k.syscall(getattr(SYS, op[0]), path, *args))


def theirs(root: str, op: tuple[Any, ...]) -> Any:
    """Do `op` on the real kernel."""
    path = f"{root}/{op[1]}"
    fd = -1
    try:
        if op[0] == "write":
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | op[3], 0o666)
            return os.write(fd, op[2])
        if op[0] in ("read", "patch", "truncate"):
            fd = os.open(path, os.O_RDONLY if op[0] == "read" else os.O_RDWR)
            if op[0] == "read":
                return os.read(fd, op[2])
            if op[0] == "patch":
                return os.lseek(fd, op[2], 0), os.write(fd, op[3])
            os.ftruncate(fd, op[2])
            return 0, os.lseek(fd, 0, 2)
        if op[0] == "list":
            rows = sorted(os.scandir(path), key=lambda entry: entry.name)
            return [(row.name, stat.S_IFDIR if row.is_dir() else stat.S_IFREG) for row in rows]
        if op[0] == "stat":
            status = os.stat(path)
            return status.st_mode, status.st_size if stat.S_ISREG(status.st_mode) else None
        if op[0] == "rename":
            os.rename(path, f"{root}/{op[2]}")
        else:
            getattr(os, op[0])(path)
        return 0
    except OSError as error:
        return _result(-(error.errno or 0))
    finally:
        if fd >= 0:
            os.close(fd)


@given(st.lists(OPS, max_size=25))
@example([("mkdir", "d"), ("write", "d/a", b"", 0), ("rename", "d/a", "d")])
@example([("rename", "x" * 256, "d/a"), ("rename", "missing/x", "./" * 2050)])
@example([("mkdir", "d"), ("write", "a", b"", 0), *((op, path, "b") for op in ("rename", "unlink") for path in ODD)])
def test_the_same_as_the_real_one(ops: list[tuple[Any, ...]]) -> None:
    real = tempfile.mkdtemp()
    os.chmod(real, 0o755)
    before = os.umask(0o022)
    got: list[Any] = []

    def body(k: Kernel) -> None:
        k.syscall(SYS.mkdir, "/tmp/t", 0o777)
        got.extend(ours(k, "/tmp/t", op) for op in ops)

    try:
        ran = run(body)
        assert ran.code == 0
        assert got == [theirs(real, op) for op in ops]
        for row in ran.kernel.world.inodes.values():
            names = [name for name, inode in ran.kernel.world.names.items() if inode == row.id]
            assert len(names) == row.links > 0
    finally:
        os.umask(before)
        shutil.rmtree(real)


def test_an_open_file_outlives_its_name() -> None:
    def body(k: Kernel) -> None:
        fd = k.syscall(SYS.openat, "/tmp/x", os.O_RDWR | os.O_CREAT, 0o600)
        k.syscall(SYS.write, fd, b"kept")
        inode = k.syscall(SYS.fstat, fd)[1][1]
        assert k.syscall(SYS.unlink, "/tmp/x") == 0
        assert k.syscall(SYS.stat, "/tmp/x") == -errno.ENOENT
        assert k.syscall(SYS.lseek, fd, 0, 0) == 0
        assert k.syscall(SYS.read, fd, 10) == (4, b"kept")
        assert k.syscall(SYS.close, fd) == 0
        assert inode not in k.world.inodes
        assert not k.world.pages

    assert run(body).code == 0


def test_devices() -> None:
    def body(k: Kernel) -> None:
        null = k.syscall(SYS.openat, "/dev/null", os.O_RDWR, 0)
        assert k.syscall(SYS.write, null, b"gone") == 4
        assert k.syscall(SYS.read, null, 10) == (0, b"")
        zero = k.syscall(SYS.openat, "/dev/zero", os.O_RDONLY, 0)
        assert k.syscall(SYS.read, zero, 3) == (3, b"\0\0\0")
        assert len(k.syscall(SYS.read, k.syscall(SYS.openat, "/dev/urandom", 0, 0), 5)[1]) == 5
        assert stat.S_ISCHR(k.syscall(SYS.fstat, 0)[1][0])

    assert run(body).code == 0


def test_the_layer_below_is_seen_and_never_written(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.txt").write_bytes(b"below")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"no")
    root = str(tmp_path / "sub")

    def body(k: Kernel) -> None:
        k.visible[1] = (root,)
        path = f"{root}/file.txt"
        fd = k.syscall(SYS.openat, path, os.O_RDWR, 0)
        assert k.syscall(SYS.read, fd, 10) == (5, b"below")
        assert k.syscall(SYS.write, fd, b"!") == 1
        assert k.syscall(SYS.openat, str(tmp_path / "secret" / "key"), os.O_RDONLY, 0) == -errno.ENOENT
        assert k.syscall(SYS.stat, str(tmp_path))[1][0] == stat.S_IFDIR | 0o755
        assert k.syscall(SYS.unlink, path) == 0
        assert k.syscall(SYS.stat, path) == -errno.ENOENT
        folder = k.syscall(SYS.openat, root, os.O_RDONLY | os.O_DIRECTORY, 0)
        assert k.syscall(SYS.getdents64, folder) == (0, ())
        assert k.syscall(SYS.openat, f"{root}/new", os.O_WRONLY | os.O_CREAT, 0o666) >= 0

    assert run(body).code == 0
    assert (tmp_path / "sub" / "file.txt").read_bytes() == b"below"
    assert not (tmp_path / "sub" / "new").exists()


def test_pages_of_a_file_with_a_hole() -> None:
    def body(k: Kernel) -> None:
        fd = k.syscall(SYS.openat, "/tmp/h", os.O_RDWR | os.O_CREAT, 0o600)
        k.syscall(SYS.lseek, fd, 3 * PAGE + 5, 0)
        k.syscall(SYS.write, fd, b"end")
        inode = k.syscall(SYS.fstat, fd)[1][1]
        assert len(k.world.pages) == 1
        assert read_pages(k.world, inode, PAGE, 2 * PAGE) == bytes(2 * PAGE)
        assert read_pages(k.world, inode, 3 * PAGE, PAGE) == bytes(5) + b"end"

    assert run(body).code == 0
