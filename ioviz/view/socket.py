"""Sockets: state, who is at the other end, both buffers filling and draining, and the accept queue."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.lesson.words import process_name, short
from ioviz.model.buffer import first_bytes, rx, tx
from ioviz.model.files import SOCKET
from ioviz.model.socket import ESTABLISHED, LISTEN, Socket
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

MOST: Final = 24


def _rows(moment: Moment) -> list[Socket]:
    found = []
    for sock in reversed(list(islice(reversed(moment.world.sockets.values()), 400))):
        if sock.host == moment.host:
            found.append(sock)
    return found[-MOST:]


def _fds(moment: Moment) -> dict[int, str]:
    """Socket → the descriptors that name it."""
    world = moment.world
    found: dict[int, list[str]] = {}
    for fd in islice(world.fds.values(), 400):
        file = world.files.get(fd.file)
        if file is not None and file.kind == SOCKET:
            found.setdefault(file.obj, []).append(f"{process_name(world, fd.pid).removesuffix('.py')} {fd.fd}")
    return {sock: ", ".join(names) for sock, names in found.items()}


def key(moment: Moment) -> Hashable:
    """The sockets that are shown with their buffers and queues."""
    world = moment.world
    rows = _rows(moment)
    return (
        tuple(
            (sock, world.buffers.get(rx(sock.id)), world.buffers.get(tx(sock.id)), world.accept_queues.get(sock.id))
            for sock in rows
        ),
        tuple(_fds(moment).items()),
    )


def gauge(moment: Moment, used: int, limit: int, width: int) -> Text:
    """`▕▓▓░░▏`: anything at all shows as one block."""
    full = 0 if not used else max(1, min(width, -(-used * width // max(1, limit))))
    block, empty = glyph(moment, "█", "#"), glyph(moment, "░", ".")
    return Text.assemble(
        glyph(moment, "▕", "["),
        (block * full, "green" if full < width else "bold red"),
        (empty * (width - full), "bright_black"),
        glyph(moment, "▏", "]"),
    )


def _buffer(moment: Moment, name: str, buffer: int, width: int) -> Text:
    row = moment.world.buffers.get(buffer)
    if row is None:
        return Text()
    data = first_bytes(moment.world, buffer, 16).decode("latin-1")
    shown = "".join(c if c.isprintable() else "." for c in data)
    text = Text.assemble((f"{name} ", "bright_black"), gauge(moment, row.bytes, min(row.limit, 64), width))
    if row.bytes:
        text.append(f" {row.bytes} B ", style="bold")
        text.append(f"{shown!r}", style="cyan")
    return text


def render(moment: Moment, width: int, height: int) -> Text:
    """Two lines a socket where there is room, else one."""
    rows = _rows(moment)
    if not rows:
        return Text(pick(moment, "no sockets yet", "还没有 socket"), style="bright_black")
    fds = _fds(moment)
    two = len(rows) * 2 <= height
    lines: list[Text] = []
    for sock in rows[-(height // 2 if two else height) :]:
        name = fds.get(sock.id, f"#{sock.id}")
        style = {ESTABLISHED: "green", LISTEN: "magenta"}.get(sock.state, "yellow")
        head = Text.assemble((f"{name:<10} ", "bold"), (f"{sock.state:<11}", style), f" {short(sock.local)}")
        if sock.remote:
            head.append(f" {glyph(moment, '⇄', '<>')} {short(sock.remote)}", style="bright_black")
        if sock.state == LISTEN:
            queue = moment.world.accept_queues.get(sock.id)
            waiting = queue.count if queue is not None else 0
            detail = Text(pick(moment, f"accept queue: {waiting}", f"全连接队列：{waiting}"), style="magenta")
        else:
            size = 6 if width < 60 else 10
            detail = _buffer(moment, "rx", rx(sock.id), size)
            detail.append("  ").append_text(_buffer(moment, "tx", tx(sock.id), size))
        if two:
            lines.append(head)
            lines.append(Text("  ").append_text(detail))
        else:
            lines.append(Text.assemble((f"{name:<10} ", "bold"), (f"{sock.state:<12}", style), detail))
    return joined(lines[:height])


def line(moment: Moment, width: int) -> Text:
    """The buffers that have something in them."""
    rows = _rows(moment)
    fds = _fds(moment)
    parts = [Text(pick(moment, f"{len(rows)} sockets", f"{len(rows)} 个 socket"))]
    for sock in rows:
        for name, buffer in (("rx", rx(sock.id)), ("tx", tx(sock.id))):
            row = moment.world.buffers.get(buffer)
            if row is not None and row.bytes:
                parts.append(Text(f"{fds.get(sock.id, f'#{sock.id}')} {name} {row.bytes} B", style="green"))
    return Text("  ").join(parts)


PANEL: Final = make_panel("sockets", "kernel", {"en": "Sockets", "zh": "Socket"}, key, render, line)
