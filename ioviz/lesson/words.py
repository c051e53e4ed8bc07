"""How sentences and pictures name things: a task by its program, a socket by its descriptor, an item by the one it has.

Everything here costs the same in a large world as in a small one: the descriptor of a socket is looked for only while
there are few of them, and a socket is named by its addresses otherwise.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from ioviz.model.event import file_and_line
from ioviz.model.files import PIPE_READ, PIPE_WRITE, SOCKET
from ioviz.model.idt import IDT
from ioviz.model.syscalls import RESTARTS

if TYPE_CHECKING:
    from ioviz.model.world import World

FEW: Final = 256
"""Descriptors among which one is looked for."""


def task_name(world: World, tid: int) -> str:
    """`server.py`, `server.py/103` for a further thread; empty for the idle loop.

    `server.py (102)` if several processes run it."""
    task = world.tasks.get(tid)
    if task is None:
        return ""
    if task.id == task.process:
        return process_name(world, task.process)
    process = world.processes.get(task.process)
    return f"{process.name if process is not None else task.process}/{tid}"


def process_name(world: World, pid: int) -> str:
    """The program's name, with the pid if several processes run it."""
    process = world.processes.get(pid)
    if process is None:
        return str(pid)
    same = sum(1 for row in world.processes.values() if row.name == process.name) if len(world.processes) < FEW else 0
    return f"{process.name} ({pid})" if same > 1 else process.name


def fd_of(world: World, kind: str, obj: int) -> tuple[int, int] | None:
    """(pid, fd) of a descriptor for the object, if there are few enough to look."""
    if len(world.fds) > FEW:
        return None
    for row in world.fds.values():
        file = world.files.get(row.file)
        if (
            file is not None
            and file.obj == obj
            and (file.kind == kind or (kind == PIPE_READ and file.kind == PIPE_WRITE))
        ):
            return row.pid, row.fd
    return None


def socket_name(world: World, sock: int) -> str:
    """`fd 4 of server.py`, or the addresses, or the id."""
    found = fd_of(world, SOCKET, sock)
    if found is not None:
        return f"fd {found[1]} · {process_name(world, found[0])}"
    row = world.sockets.get(sock)
    if row is not None and row.local:
        return f"{short(row.local)} ↔ {short(row.remote)}" if row.remote else short(row.local)
    return f"socket #{sock}"


def short(address: str) -> str:
    """An address without what goes without saying: `127.0.0.1:8000` → `:8000`."""
    return address.removeprefix("127.0.0.1").removeprefix("0.0.0.0")


def buffer_owner(world: World, buffer: int) -> tuple[str, str]:
    """(name of the socket or pipe, "rx", "tx" or "pipe") of a buffer."""
    obj = buffer >> 1
    if obj in world.pipes:
        found = fd_of(world, PIPE_READ, obj)
        return (f"fd {found[1]} · {process_name(world, found[0])}" if found else f"pipe #{obj}"), "pipe"
    return socket_name(world, obj), "tx" if buffer & 1 else "rx"


def place_name(world: World, at: int) -> str:
    """`server.py:27`, or empty."""
    file, line = file_and_line(at)
    source = world.sources.get(file)
    return f"{source.path.rpartition('/')[2]}:{line}" if source is not None else ""


def line_text(world: World, at: int) -> str:
    """The source line itself, without its indentation."""
    file, line = file_and_line(at)
    source = world.sources.get(file)
    if source is None:
        return ""
    lines = source.text.split("\n")
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def result_name(ret: int) -> str:
    """What a call returned: a number, or the errno by name."""
    if -4096 < ret < 0:
        if -ret in RESTARTS:
            return RESTARTS[-ret][0]
        return f"-1 {errno.errorcode.get(-ret, -ret)} ({os.strerror(-ret)})"
    return str(ret)


def vector_name(vector: int, lang: str) -> str:
    """What the gate of `vector` is for: `page fault`."""
    from ioviz.lesson import sentences_zh

    gate = IDT.get(vector)
    name = gate.name if gate is not None else "vector"
    return sentences_zh.TERMS.get(f"vector_name {name}", name) if lang == "zh" else name


def preview(data: bytes | str, most: int = 24) -> str:
    """The beginning of some bytes as text in quotes; escapes what is no plain character."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:most])
    return f'"{shown}"' + ("…" if len(text) > most else "")


_ASCII: Final = str.maketrans(
    {
        "→": "->",
        "←": "<-",
        "↔": "<->",
        "⇄": "<->",
        "·": "-",
        "“": '"',
        "”": '"',
        "…": "...",
        "×": "x",
        "≤": "<=",
        "’": "'",
        "–": "-",
    }
)


def in_ascii(text: str) -> str:
    """A sentence in English without any character beyond ASCII, as far as our own words go."""
    return text.translate(_ASCII)
