"""Sockets: state, who is at the other end, both buffers filling and draining, the accept queue, TCP's windows.

A host may have thousands: those that the event concerns come first, then the newest, and a line says how many more
there are. Looking at the panel costs the same however many that is.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.lesson.words import process_name, short
from ioviz.model.buffer import rx, tx
from ioviz.model.cpu import TrapEntered
from ioviz.model.files import SOCKET, fd_key
from ioviz.model.socket import ESTABLISHED, LISTEN, RCV_SHUTDOWN, SEND_SHUTDOWN, Socket
from ioviz.model.syscalls import SYS
from ioviz.view.buffer import described, size
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

MOST: Final = 24
LOOKED_AT: Final = 200
DIM: Final = "bright_black"
NAMED: Final = ("sock", "listener")
BUFFERS: Final = ("buffer", "source", "target")
BY_DESCRIPTOR: Final = frozenset(
    {SYS.read, SYS.write, SYS.close, SYS.sendto, SYS.recvfrom, SYS.sendmsg, SYS.recvmsg, SYS.shutdown}
    | {SYS.bind, SYS.listen, SYS.connect, SYS.accept4}
)
"""Calls that are about the descriptor which is their first argument."""
SIDES: Final = (("rx", rx), ("tx", tx))
SHORT: Final = {ESTABLISHED: "ESTAB"}
"""As ss(8) writes it."""
NAME: Final = 10
"""Columns of a socket's name at least."""
WIDE: Final = 64
"""From this width on, both buffers of a socket are drawn on one line."""


def concerned(moment: Moment) -> list[int]:
    """The sockets that the event at hand is about."""
    event, world = moment.event, moment.world
    found = [getattr(event, name, 0) for name in NAMED]
    for name in BUFFERS:
        buffer = getattr(event, name, 0)
        if isinstance(buffer, int):
            found.append(buffer >> 1)
    first = event.args[0] if isinstance(event, TrapEntered) and event.nr in BY_DESCRIPTOR and event.args else None
    if isinstance(first, int) and event is not None and event.task in world.tasks:
        fd = world.fds.get(fd_key(world.tasks[event.task].process, first))
        file = world.files.get(fd.file) if fd is not None else None
        found.append(file.obj if file is not None and file.kind == SOCKET else 0)
    item = world.epitems.get(getattr(event, "item", 0))
    if item is not None:
        file = world.files.get(item.file)
        found.append(file.obj if file is not None and file.kind == SOCKET else 0)
    found += [world.sockets[sock].peer for sock in found if sock in world.sockets]
    return list(dict.fromkeys(sock for sock in found if sock in world.sockets))


def _rows(moment: Moment) -> list[Socket]:
    """What is shown: in order of age if that is all, else those concerned and then the newest."""
    sockets, host = moment.world.sockets, moment.host
    newest = [row for row in islice(reversed(sockets.values()), LOOKED_AT) if row.host == host]
    if len(sockets) <= MOST:
        return sorted(newest, key=lambda row: row.id)
    first = [sockets[sock] for sock in concerned(moment) if sockets[sock].host == host]
    ids = {row.id for row in first}
    return [*first, *(row for row in newest if row.id not in ids)][:MOST]


def _far(moment: Moment) -> list[Socket]:
    """The sockets at the other end of the link: those of other hosts that are connected to one of these."""
    sockets, host = moment.world.sockets, moment.host
    if len(moment.world.hosts) < 2 or len(sockets) > MOST:
        return []
    ends = {(row.remote, row.local) for row in sockets.values() if row.host == host and row.remote}
    return [row for row in sockets.values() if row.host != host and (row.local, row.remote) in ends]


def _names(moment: Moment) -> dict[int, str]:
    """Socket → `server 4` or `client(102) 3`, the program and descriptor that names it. In a large world only the
    event's are known."""
    world, event = moment.world, moment.event
    rows = list(islice(reversed(world.fds.values()), LOOKED_AT))
    task = world.tasks.get(event.task) if event is not None else None
    if len(world.fds) > LOOKED_AT and task is not None:
        frame = world.fds.get(fd_key(task.process, getattr(event, "fd", -1)))
        rows += [frame] if frame is not None else []
    found: dict[int, str] = {}
    for fd in reversed(rows):
        file = world.files.get(fd.file)
        if file is not None and file.kind == SOCKET:
            name = f"{process_name(world, fd.pid).removesuffix('.py').replace('.py (', '(')} {fd.fd}"
            found[file.obj] = f"{found[file.obj]}, {name}" if file.obj in found else name
    return found


def key(moment: Moment) -> Hashable:
    """The sockets that are shown with their buffers and queues, which of them are concerned, and how many there are."""
    world = moment.world
    return (
        tuple(
            (
                sock,
                world.buffers.get(rx(sock.id)),
                world.buffers.get(tx(sock.id)),
                world.accept_queues.get(sock.id),
                world.tcps.get(sock.id),
            )
            for sock in (*_rows(moment), *_far(moment))
        ),
        tuple(concerned(moment)),
        tuple(_names(moment).items()),
        len(world.sockets),
    )


def render(moment: Moment, width: int, height: int) -> Text:
    """As much of each socket as there is room for; those that do not fit are counted."""
    rows = _rows(moment)
    if not rows:
        return Text(pick(moment, "no sockets", "没有 socket"), style=DIM)
    names, here = _names(moment), set(concerned(moment))
    total = len(moment.world.sockets)
    levels = (1, 0) if total > MOST else (3, 2, 1, 0) if width < WIDE else (2, 1, 0)
    far = _far(moment)
    if far and sum(_depth(moment, row, 0) for row in [*rows, *far]) + 1 > height:
        far = []
    room = height - bool(far)
    fits = (level for level in levels if sum(_depth(moment, row, level) for row in [*rows, *far]) <= room)
    level = 1 if total > MOST else next(fits, 0)
    whole = total <= MOST and len(rows) <= height
    if not whole:  # the ones concerned must be among those that are shown, and then those that hold something
        rows.sort(key=lambda row: (row.id not in here, total <= MOST and not _holds(moment, row)))
    longest = max((len(names.get(row.id, "")) for row in [*rows[:height], *far]), default=0)
    pad = max(NAME, min(longest, width * 2 // 5))
    lines: list[Text] = []
    shown = 0
    for row in rows:
        if len(lines) + _depth(moment, row, level) > height - (not whole):
            break
        lines += _block(moment, row, names, row.id in here, level, width, pad)
        shown += 1
    if not whole:
        left = (total if total > MOST else len(rows)) - shown
        hosts = pick(moment, " on all hosts", "（所有主机）") if total > MOST and len(moment.world.hosts) > 1 else ""
        lines.append(Text(pick(moment, f" +{left:,} more", f" 另有 {left:,} 个") + hosts, style=DIM))
    if far:
        where = ", ".join(sorted({moment.world.hosts[row.host].name for row in far}))
        text = pick(moment, f" over there, on {where}:", f" 那一头，{where}：")
        lines.append(Text(text, style=DIM))
        for row in far:
            lines += _block(moment, row, names, row.id in here, level, width, pad)
    return joined(lines)


def _holds(moment: Moment, row: Socket) -> bool:
    """Whether there are bytes in its receive buffer, or connections on its accept queue."""
    queue, buffer = moment.world.accept_queues.get(row.id), moment.world.buffers.get(rx(row.id))
    return (queue is not None and queue.count > 0) or (buffer is not None and buffer.bytes > 0)


def _depth(moment: Moment, row: Socket, level: int) -> int:
    """How many lines a socket takes at a level."""
    numbers = level > 1 and row.id in moment.world.tcps
    return 1 + (level > 0) + (level == 3 and row.state != LISTEN) + numbers


def _block(
    moment: Moment, row: Socket, names: dict[int, str], here: bool, level: int, width: int, pad: int
) -> list[Text]:
    """A socket on one line (level 0), with its buffers on another (1), with TCP's numbers (2), a line a buffer (3).
    `pad`: how wide the names are."""
    mark = glyph(moment, "▶", ">") if here else " "
    state = "green" if row.state == ESTABLISHED else "magenta" if row.state == LISTEN else "yellow"
    name = f"{_fitted(moment, names.get(row.id, f'#{row.id}'), pad):<{pad}} "
    head = Text.assemble((mark, "bold yellow"), (name, "bold"), (f"{row.state:<11}", state))
    if level == 0:
        if width >= WIDE + pad - NAME:
            return [head.append(" ").append_text(_inside(moment, row, max(6, min(24, (width - 46 - pad) // 2))))]
        head = Text.assemble((mark, "bold yellow"), (name, "bold"), (f"{SHORT.get(row.state, row.state):<10} ", state))
        return [head.append_text(_briefly(moment, row, width - head.cell_len))]
    lines = [head.append_text(_ends(moment, row))]
    if level == 3 and row.state != LISTEN:
        bar = max(4, min(28, width - 20))
        lines += [Text("   ").append_text(described(moment, buffer(row.id), name, bar)) for name, buffer in SIDES]
    else:
        lines.append(Text("   ").append_text(_inside(moment, row, max(4, min(24, (width - 34) // 2)))))
    if level > 1 and row.id in moment.world.tcps:
        lines.append(Text("   ").append_text(_numbers(moment, row.id)))
    return lines


def _ends(moment: Moment, row: Socket) -> Text:
    """The addresses, what has been shut, and a pending error."""
    text = Text(f" {short(row.local)}")
    if row.remote:
        text.append(f" {glyph(moment, '⇄', '<>')} {short(row.remote)}", style=DIM)
    if row.shutdown & RCV_SHUTDOWN:
        text.append(pick(moment, "  end of input", "  输入到头"), style="yellow")
    if row.shutdown & SEND_SHUTDOWN:
        text.append(pick(moment, "  sends no more", "  不再发送"), style="yellow")
    if row.error:
        text.append(pick(moment, f"  error {row.error}", f"  错误 {row.error}"), style="bold red")
    if row.nospace:
        text.append(pick(moment, "  sender waits for room", "  发送者在等空间"), style="bold red")
    return text


def _inside(moment: Moment, row: Socket, width: int) -> Text:
    """The two buffers; of a listening socket, the connections that nobody accepted yet."""
    if row.state != LISTEN:
        text = described(moment, rx(row.id), "rx", width)
        return text.append("  ").append_text(described(moment, tx(row.id), "tx", width))
    text = Text(pick(moment, "accept queue ", "全连接队列 "), style=DIM)
    waiting, most = _queued(moment, row)
    if most <= 16:
        text.append(glyph(moment, "▣", "#") * min(waiting, most), "bold magenta")
        text.append(glyph(moment, "▢", ".") * max(0, most - waiting), DIM)
        text.append(" ")
    return text.append_text(_waiting(moment, row))


def _queued(moment: Moment, row: Socket) -> tuple[int, int]:
    """How many connections nobody has accepted yet, and how many may be."""
    queue = moment.world.accept_queues.get(row.id)
    return queue.count if queue is not None else 0, row.backlog + 1


def _waiting(moment: Moment, row: Socket) -> Text:
    waiting, most = _queued(moment, row)
    return Text(f"{waiting}", "bold magenta" if waiting else DIM).append(f"/{most}", DIM)


def _briefly(moment: Moment, row: Socket, width: int) -> Text:
    """What is in it, in few columns: the receive buffer, and the send buffer if there is anything in it."""
    if row.state == LISTEN:
        text = _inside(moment, row, 0)
        return text if text.cell_len <= width else _waiting(moment, row)
    unsent = moment.world.buffers.get(tx(row.id))
    tail = Text(f"  tx {size(unsent.bytes)}", "bold") if unsent is not None and unsent.bytes else Text()
    bar = width - tail.cell_len - 15
    if bar >= 3:
        return described(moment, rx(row.id), "rx", min(bar, 12)).append_text(tail)
    unread = moment.world.buffers.get(rx(row.id))
    if unread is None:
        return tail
    text = Text.assemble(("rx ", DIM), (size(unread.bytes), "bold" if unread.bytes else DIM))
    return text.append(f"/{size(unread.limit)}", DIM).append_text(tail)


def _fitted(moment: Moment, name: str, width: int) -> str:
    """A name cut to `width`, with its descriptor."""
    program, space, fd = name.rpartition(" ")
    if len(name) <= width or not space:
        return name[:width]
    return f"{program[: max(0, width - len(fd) - 2)]}{glyph(moment, '…', '~')} {fd}"[:width]


def _numbers(moment: Moment, sock: int) -> Text:
    """What TCP remembers of a connection over the link."""
    row = moment.world.tcps[sock]
    return Text.assemble(
        ("tcp ", DIM),
        pick(moment, f"acknowledged {row.snd_una}  next {row.snd_nxt}", f"已确认 {row.snd_una}  下一个 {row.snd_nxt}"),
        pick(moment, f"  peer's window {size(row.snd_wnd)}", f"  对端窗口 {size(row.snd_wnd)}"),
        f"  cwnd {size(row.cwnd)}",
        (pick(moment, f"  expects {row.rcv_nxt}", f"  期待 {row.rcv_nxt}"), DIM),
    )


def line(moment: Moment, width: int) -> Text:
    """How many, and the buffers that have something in them."""
    rows = _rows(moment)
    names = _names(moment)
    count = len(moment.world.sockets) if len(moment.world.sockets) > MOST else len(rows)
    parts = [Text(pick(moment, f"{count:,} socket{'s' * (count != 1)}", f"{count:,} 个 socket"))]
    for row in rows:
        for name, buffer in (("rx", rx(row.id)), ("tx", tx(row.id))):
            kept = moment.world.buffers.get(buffer)
            if kept is not None and kept.bytes:
                parts.append(Text(f"{names.get(row.id, f'#{row.id}')} {name} {size(kept.bytes)} B", style="green"))
    return Text("  ").join(parts)


PANEL: Final = make_panel("sockets", "kernel", {"en": "Sockets", "zh": "Socket"}, key, render, line)
