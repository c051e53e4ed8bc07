"""Descriptor tables: number → open file → object, with the references that keep an open file alive."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.lesson.words import process_name, short
from ioviz.model.files import SOCKET, TTY, Fd, OpenFile
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick, starting

MOST: Final = 40
O_NONBLOCK: Final = 0o4000
NARROW: Final = 46


def _rows(moment: Moment) -> list[tuple[Fd, OpenFile | None]]:
    """The newest descriptors of this host, at most MOST, without the terminals; ascending by process and number."""
    world = moment.world
    found: list[tuple[Fd, OpenFile | None]] = []
    for fd in islice(reversed(world.fds.values()), 400):
        file = world.files.get(fd.file)
        process = world.processes.get(fd.pid)
        if process is not None and process.host == moment.host and (file is None or file.kind != TTY):
            found.append((fd, file))
            if len(found) == MOST:
                break
    return sorted(found, key=lambda pair: (pair[0].pid, pair[0].fd))


def _nameless(moment: Moment) -> list[OpenFile]:
    """Open sockets of this host that no descriptor names any more, and something else keeps: a call that sleeps on
    them, or a message that they travel in. Looked for in a small world only."""
    world = moment.world
    if len(world.files) > MOST or len(world.fds) > 2 * MOST:
        return []
    named = {fd.file for fd in world.fds.values()}
    loose = [file for file in world.files.values() if file.id not in named and file.refs > 0 and file.kind == SOCKET]
    return [file for file in loose if file.obj in world.sockets and world.sockets[file.obj].host == moment.host]


def key(moment: Moment) -> Hashable:
    """The rows that are shown, with the state of their sockets."""
    sockets = moment.world.sockets
    rows, loose = _rows(moment), _nameless(moment)
    files = [*(file for _, file in rows if file is not None), *loose]
    ends = tuple(sockets.get(file.obj) for file in files if file.kind == SOCKET)
    return tuple(rows), tuple(loose), ends, starting(moment)


def _object(moment: Moment, file: OpenFile, *, brief: bool) -> str:
    if file.kind == SOCKET:
        row = moment.world.sockets.get(file.obj)
        if row is not None and brief:
            return f"{short(row.remote or row.local)} {row.state}"
        if row is not None:
            far = f" {glyph(moment, '↔', '<>')} {short(row.remote)}" if row.remote else ""
            return f"socket #{file.obj} {short(row.local)}{far} {row.state}"
    return f"{file.kind} #{file.obj}"


def render(moment: Moment, width: int, height: int) -> Text:
    """A line a descriptor."""
    rows, loose = _rows(moment), _nameless(moment)
    if starting(moment):
        return Text(pick(moment, "no process yet", "还没有进程"), style="bright_black")
    if not rows and not loose:
        return Text(pick(moment, "only 0, 1 and 2: the terminal", "只有 0、1、2：终端"), style="bright_black")
    lines = []
    for fd, file in rows[-max(1, height - len(loose)) :]:
        program = process_name(moment.world, fd.pid)
        if width < NARROW:
            program = program.removesuffix(".py").replace(".py (", "(")
            if len(program) > width // 4:
                program = program[: width // 4 - 1] + glyph(moment, "…", "~")
        line = Text.assemble((f"{program} ", "bright_black"), (f"fd {fd.fd:<{2 if width < NARROW else 4}}", "bold"))
        if file is not None:
            line.append_text(_open_file(moment, file, width))
        lines.append(line)
    for file in loose:
        nameless = pick(moment, "no descriptor ", "没有描述符 ")
        lines.append(Text(nameless, style="bold yellow").append_text(_open_file(moment, file, width)))
    return joined(lines[:height])


def _open_file(moment: Moment, file: OpenFile, width: int) -> Text:
    """What it opens, how many references it has, and whether it is non-blocking."""
    text = Text(f"{glyph(moment, '→', '->')} {_object(moment, file, brief=width < NARROW)}")
    text.append(pick(moment, f"  refs {file.refs}", f"  引用 {file.refs}"), style="bright_black")
    if file.flags & O_NONBLOCK:
        text.append(pick(moment, "  non-blocking", "  非阻塞"), style="yellow")
    return text


def line(moment: Moment, width: int) -> Text:
    """The newest descriptors in short."""
    rows = _rows(moment)
    if starting(moment):
        return Text(pick(moment, "no process yet", "还没有进程"), style="bright_black")
    if not rows:
        return Text("0 1 2", style="bright_black")
    return Text("  ").join(Text(f"{fd.fd} {file.kind if file is not None else '?'}") for fd, file in rows[-6:])


PANEL: Final = make_panel("files", "kernel", {"en": "Descriptors", "zh": "描述符表"}, key, render, line)
