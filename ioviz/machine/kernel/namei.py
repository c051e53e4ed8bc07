"""Names of files: from a path to an inode, and what is in a folder. Linux's `fs/namei.c` has this name.

Paths come as the program gave them; `walk` follows them, part by part, from the root or from the working directory of
the process. What the world calls a name is absolute and normal.

Every host starts with `/`, `/tmp`, `/dev` and its devices, and sees the folders in `Kernel.visible` (the program's own,
the standard library) as a layer below: what is looked at there comes into memory, and nothing is ever written there.
"""

from __future__ import annotations

import os
from errno import ENAMETOOLONG, ENOENT, ENOTDIR
from stat import S_IFCHR, S_IFDIR, S_IFREG, S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Final, NamedTuple

from ioviz.model.ramfs import FileWritten, Inode, InodeCreated

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

FILE_LIMIT: Final = 64 << 20
"""The largest file, in bytes."""
PATH_MAX, NAME_MAX = 4096, 255
"""Bytes of a path with the zero at its end, and of one of its parts."""
DEVICES: Final = {"/dev/null": "null", "/dev/zero": "zero", "/dev/urandom": "random", "/dev/random": "random"}
FOLDERS: Final = ("/", "/dev", "/root", "/tmp", "/var", "/var/tmp")
_HIDDEN: Final = "__pycache__"
"""Not shown of the layer below: it comes and goes between runs."""

Row = tuple[str, int, int]
"""An entry of a folder: name, inode (0: not in memory yet), mode."""


class Place(NamedTuple):
    """Where a path leads: to something in a folder that exists, whether it exists itself or not."""

    name: str
    """Absolute and normal."""
    slashed: bool
    """Whether the path ends in a slash: only a folder will do."""
    dots: str
    """The last part, if it is none that could be made or removed: `.`, `..` or `/`."""


def _begin(k: Kernel) -> None:
    """Make a host's first folders and devices, when it first needs any."""
    if (k.cpu, "/") not in k.world.names:
        for path in FOLDERS:
            create(k, path, S_IFDIR | 0o755)
        for path, device in DEVICES.items():
            create(k, path, S_IFCHR | 0o666, device)


def create(k: Kernel, path: str, mode: int, device: str = "") -> Inode:
    """A new inode under the name `path`."""
    inode = k.new_id()
    k.emit(InodeCreated, k.cpu, path, inode, mode, device)
    return k.world.inodes[inode]


def below(k: Kernel, path: str) -> int:
    """The mode that `path` has in the layer below; 0 if it is not there."""
    roots = k.visible.get(k.cpu, ())
    if any(root == path or root.startswith(path.rstrip("/") + "/") for root in roots):
        return S_IFDIR | 0o755
    if not any(path.startswith(root.rstrip("/") + "/") for root in roots) or _HIDDEN in path:
        return 0
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return 0
    return (S_IFDIR | 0o755) if S_ISDIR(mode) else (S_IFREG | 0o644) if S_ISREG(mode) else 0


def find(k: Kernel, path: str) -> Inode | None:
    """The inode that `path` names, brought up from below if need be."""
    _begin(k)
    inode = k.world.names.get((k.cpu, path))
    if inode is not None:
        return k.world.inodes[inode] if inode else None
    mode = mode_of(k, path)
    if not mode:
        return None
    row = create(k, path, mode)
    if S_ISREG(mode):
        try:
            with open(path, "rb") as file:
                data = file.read(FILE_LIMIT)
        except OSError:
            data = b""
        if data:
            k.emit(FileWritten, row.id, 0, data)
    return k.world.inodes[row.id]


def _parents_seen(k: Kernel, path: str) -> bool:
    """Whether no folder above `path` has been removed or replaced."""
    while path not in ("", "/"):
        path = path.rpartition("/")[0]
        inode = k.world.names.get((k.cpu, path))
        if inode is not None:
            return bool(inode) and S_ISDIR(k.world.inodes[inode].mode)
    return True


def mode_of(k: Kernel, path: str) -> int:
    """The mode of what `path` names, without bringing it up from below; 0 if there is nothing."""
    inode = k.world.names.get((k.cpu, path))
    if inode is not None:
        return k.world.inodes[inode].mode if inode else 0
    mode = below(k, path)
    return mode if mode and _parents_seen(k, path) else 0


def walk(k: Kernel, path: str) -> Place | int:
    """Where `path` leads for the running process, or an errno, negative."""
    _begin(k)
    if not path:
        return -ENOENT
    if _too_long(path, PATH_MAX - 1):
        return -ENAMETOOLONG
    at = "" if path.startswith("/") else k.processes[k.pid].cwd.rstrip("/")
    parts = [part for part in path.split("/") if part]
    last = parts.pop() if parts else "/"
    for part in parts:
        if part == "..":
            at = at.rpartition("/")[0]
        elif part != ".":
            if _too_long(part, NAME_MAX):
                return -ENAMETOOLONG
            at = f"{at}/{part}"
            mode = mode_of(k, at)
            if not S_ISDIR(mode):
                return -ENOTDIR if mode else -ENOENT
    if last == "..":
        return Place(at.rpartition("/")[0] or "/", True, last)
    if at and not mode_of(k, at):  # a working directory that was removed
        return -ENOENT
    if last in (".", "/"):
        return Place(at or "/", True, last)
    return Place(f"{at}/{last}", path.endswith("/"), "")


def inode_at(k: Kernel, place: Place) -> Inode | int:
    """The inode at a place, or an errno, negative: ENOENT if a name can be made there."""
    if _too_long(place.name.rpartition("/")[2], NAME_MAX):
        return -ENAMETOOLONG
    return find(k, place.name) or -ENOENT


def look_up(k: Kernel, path: str) -> tuple[Place, Inode] | int:
    """The place to which `path` leads for the running process and the inode there, or an errno, negative."""
    place = walk(k, path)
    if isinstance(place, int):
        return place
    row = inode_at(k, place)
    if isinstance(row, int):
        return row
    return -ENOTDIR if place.slashed and not S_ISDIR(row.mode) else (place, row)


def _too_long(text: str, most: int) -> bool:
    return len(text) * 4 > most and len(os.fsencode(text)) > most


def entries(k: Kernel, path: str) -> list[Row]:
    """What is in the folder `path`, in order of names."""
    prefix = path.rstrip("/") + "/"
    found: dict[str, Row] = {}
    for name in _names_below(k, path, prefix):
        mode = below(k, prefix + name)
        if mode:
            found[name] = (name, 0, mode & 0o170000)
    for (host, full), inode in k.world.names.items():
        if host == k.cpu and full.startswith(prefix) and len(full) > len(prefix) and "/" not in full[len(prefix) :]:
            name = full[len(prefix) :]
            found.pop(name, None)
            if inode:
                found[name] = (name, inode, k.world.inodes[inode].mode & 0o170000)
    return [found[name] for name in sorted(found)]


def _names_below(k: Kernel, path: str, prefix: str) -> list[str]:
    roots = k.visible.get(k.cpu, ())
    names = [root[len(prefix) :].partition("/")[0] for root in roots if root.startswith(prefix) and root != prefix]
    if any((path + "/").startswith(root.rstrip("/") + "/") for root in roots):
        try:
            names += os.listdir(path)
        except OSError:
            return names
    return [name for name in names if name != _HIDDEN]
