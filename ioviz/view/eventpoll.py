"""epoll: the interest tree drawn as a tree, the ready list, and who waits in `epoll_wait`.

The tree is drawn from the root down, each level a row, as far as the room allows; a larger one is drawn around the item
that the event concerns. Red and black are told by mark as well as by colour: ● is red, ○ is black.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from ioviz.lesson.words import task_name
from ioviz.model.eventpoll import PRIVATE_BITS, Eventpoll
from ioviz.model.files import EVENTPOLL, fd_key
from ioviz.model.lists import walk
from ioviz.model.poll_bits import EPOLLEXCLUSIVE, EPOLLONESHOT, describe
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

MOST: Final = 24
"""Ready items and waiters that are looked at."""
LEVELS: Final = 5
PROGRAMS, FDS = 12, range(3, 19)
"""Where an instance's owner is looked for: programs often make theirs among the first descriptors."""


def _instance(moment: Moment) -> Eventpoll | None:
    """The instance that the event concerns: that of its own, that of the program at hand, else the first one of the
    host."""
    world, event = moment.world, moment.event
    row = world.eventpolls.get(getattr(event, "ep", getattr(event, "tree", 0)))
    if row is not None and row.host == moment.host:
        return row
    rows = [row for row in islice(world.eventpolls.values(), MOST) if row.host == moment.host]
    task = world.tasks.get(event.task) if event is not None and len(rows) > 1 else None
    if task is not None:
        rows = [row for _, row in _owned(moment, task.process) if row.host == moment.host] or rows
    return rows[0] if rows else None


def _owned(moment: Moment, pid: int) -> list[tuple[int, Eventpoll]]:
    """The instances of process `pid`, with their descriptors."""
    world = moment.world
    rows = (world.fds.get(fd_key(pid, fd)) for fd in FDS)
    files = ((row.fd, world.files[row.file]) for row in rows if row is not None and row.file in world.files)
    return [(fd, world.eventpolls[file.obj]) for fd, file in files if file.kind == EVENTPOLL]


def _owner(moment: Moment, ep: int) -> str:
    """Whose instance it is, as `server.py fd 4`; empty if there is only one, or nobody has it among the first ones."""
    world = moment.world
    if len(world.eventpolls) < 2:
        return ""
    for process in islice(world.processes.values(), PROGRAMS):
        if process.host == moment.host and process.alive:
            for fd, row in _owned(moment, process.id):
                if row.id == ep:
                    return f"{process.name} fd {fd}"
    return ""


def _ready(moment: Moment, ep: int) -> tuple[int, ...]:
    world = moment.world
    return tuple(islice(walk(world.ready_lists, ep, world.ready_links), MOST))


def _waiters(moment: Moment, ep: int) -> tuple[int, ...]:
    world = moment.world
    entries = islice(walk(world.wait_queues, ep, world.wait_links), MOST)
    return tuple(world.wait_entries[entry].task for entry in entries)


def _at_hand(moment: Moment) -> int:
    """The item that the event is about; 0 for none."""
    event = moment.event
    found: int = getattr(event, "item", getattr(event, "node", getattr(event, "pivot", 0)))
    return found


def _top(moment: Moment, row: Eventpoll) -> int:
    """Where to begin drawing: the root, or in a large tree an ancestor of the item at hand."""
    nodes, node = moment.world.rb_nodes, _at_hand(moment)
    if row.count <= 31 or node not in nodes:
        return row.root
    for _ in range(2):
        node = nodes[node].parent or node
    return node


def _levels(moment: Moment, top: int) -> list[list[int]]:
    """The items level by level; 0 where there is none."""
    nodes = moment.world.rb_nodes
    levels = [[top]]
    while any(levels[-1]) and len(levels) <= LEVELS:
        below: list[int] = []
        for node in levels[-1]:
            row = nodes.get(node)
            below += [row.left, row.right] if row is not None else [0, 0]
        levels.append(below)
    return levels[:-1] if not any(levels[-1]) else levels[:LEVELS]


def key(moment: Moment) -> Hashable:
    """What of the tree is drawn, the list and the waiters."""
    row = _instance(moment)
    if row is None:
        return None
    world = moment.world
    drawn = tuple(
        (world.rb_nodes.get(node), world.epitems.get(node))
        for level in _levels(moment, _top(moment, row))
        for node in level
    )
    event = moment.event
    return (
        row,
        _owner(moment, row.id),
        drawn,
        _ready(moment, row.id),
        _waiters(moment, row.id),
        _at_hand(moment),
        getattr(event, "successor", 0),
    )


def _fd(moment: Moment, item: int) -> str:
    row = moment.world.epitems.get(item)
    return str(row.fd) if row is not None else f"#{item}"


def _chain(moment: Moment, ready: tuple[int, ...], count: int) -> Text:
    if not ready:
        return Text(pick(moment, "empty", "空"), style="bright_black")
    arrow = Text(glyph(moment, " ⇄ ", " <-> "), style="bright_black")
    text = arrow.join(Text(f"[{_fd(moment, item)}]", style="bold green") for item in ready)
    if count > len(ready):
        text.append(f" {glyph(moment, '…', '...')} +{count - len(ready)}", style="bright_black")
    return text


def render(moment: Moment, width: int, height: int) -> Text:
    """The ready list on top, since that is the point; then who waits; then the tree, and what each item asks for."""
    row = _instance(moment)
    if row is None:
        return Text(pick(moment, "no epoll instance", "没有 epoll 实例"), style="bright_black")
    world = moment.world
    ready, waiters = _ready(moment, row.id), _waiters(moment, row.id)
    lines = [
        Text.assemble(
            (pick(moment, "ready list  ", "就绪链表  "), "bold"), _chain(moment, ready, world.ready_lists[row.id].count)
        )
    ]
    if waiters or len(_fitting(moment, row, width, height - 3)) == len(_fitting(moment, row, width, height - 2)):
        lines.append(
            Text.assemble(
                (pick(moment, "epoll_wait  ", "等待者    "), "bold"),
                (
                    ", ".join(task_name(world, tid) for tid in waiters) or pick(moment, "nobody sleeps here", "没有"),
                    "blue" if waiters else "bright_black",
                ),
            )
        )
    if height >= 4:
        what = pick(moment, f"{row.count} item{'s' * (row.count != 1)}", f"{row.count} 项")
        levels = _fitting(moment, row, width, height - len(lines) - 1)
        top = levels[0][0] if levels else row.root
        if top != row.root:
            what += pick(moment, f", here those below fd {_fd(moment, top)}", f"，这里是 fd {_fd(moment, top)} 以下")
        elif row.root:
            under = row.count - sum(node != 0 for level in levels for node in level)
            what += pick(moment, f", {under} further down", f"，更下面还有 {under} 项") if under else ""
        legend = pick(moment, "red", "红"), pick(moment, "black", "黑")
        if owner := _owner(moment, row.id):
            owned = what + pick(moment, f" of {owner}", f"，属于 {owner}")
            what = owned if cell_len(owned + "".join(legend)) + 20 <= width else what
        red, black = glyph(moment, "●", "*"), glyph(moment, "○", "o")
        lines.append(
            Text.assemble(
                (pick(moment, "tree        ", "红黑树    "), "bold"),
                what,
                "  ",
                (f"{red} {legend[0]}", "red"),
                (f"  {black} {legend[1]}", "bright_black"),
            )
        )
    if row.root:
        lines += _tree(moment, row, width, height - len(lines))
        lines += _details(moment, row, ready, height - len(lines))
    return joined(lines[:height])


def _across(levels: list[list[int]], width: int) -> int:
    """How many columns these levels of the tree take."""
    return min(width - 2, max(12, (1 << len(levels) >> 1) * 6))


def _fitting(moment: Moment, row: Eventpoll, width: int, room: int) -> list[list[int]]:
    """The levels of the tree for which there is room: from its top, or from an ancestor of the item at hand, if that
    would not be among them."""
    if not row.root or room < 1:
        return []
    levels = _cut(_levels(moment, _top(moment, row)), width, room)
    nodes, node = moment.world.rb_nodes, _at_hand(moment)
    if node not in nodes or any(node in level for level in levels):
        return levels
    for _ in range(len(levels) - 1):
        node = nodes[node].parent or node
    return _cut(_levels(moment, node), width, room)


def _cut(levels: list[list[int]], width: int, room: int) -> list[list[int]]:
    while len(levels) > 1 and (2 * len(levels) - 1 > room or _across(levels, width) >> len(levels) - 1 < 5):
        levels.pop()
    return levels


def _tree(moment: Moment, row: Eventpoll, width: int, room: int) -> list[Text]:
    """The tree: a row of nodes, a row of branches, and so on."""
    levels = _fitting(moment, row, width, room)
    across = _across(levels, width) if levels else 0
    event = moment.event
    here = {getattr(event, name, 0) for name in ("item", "node", "pivot", "successor")} - {0}
    lines: list[Text] = []
    for depth, level in enumerate(levels):
        cell = across // len(level)
        if depth:
            lines.append(_branches(moment, level, cell, across))
        line = Text("  ")
        for node in level:
            line.append_text(_node(moment, node, cell, node in here))
        lines.append(line)
    return lines


def _node(moment: Moment, node: int, cell: int, here: bool) -> Text:
    rb = moment.world.rb_nodes.get(node)
    if rb is None:
        return Text(" " * cell)
    mark = glyph(moment, "●", "*") if rb.red else glyph(moment, "○", "o")
    label = f"{mark}{_fd(moment, node)}"
    if node in moment.world.ready_links:
        label += glyph(moment, "✓", "!")
    style = ("bold red" if rb.red else "bold") + (" reverse" if here else "")
    left = max(0, (cell - cell_len(label)) // 2)
    text = Text(" " * left)
    text.append(label, style=style)
    text.append(" " * max(0, cell - left - cell_len(label)))
    return text


def _branches(moment: Moment, level: list[int], cell: int, across: int) -> Text:
    line = Text("  ", style="bright_black")
    for left, right in zip(level[::2], level[1::2], strict=True):
        middle, half = cell - 1, cell // 2
        row = [" "] * (2 * cell)
        if left:
            row[half:middle] = glyph(moment, "─", "-") * (middle - half)
            row[half] = glyph(moment, "╭", "/")
        if right:
            row[middle + 1 : cell + half] = glyph(moment, "─", "-") * (half - 1 if half else 0)
            row[cell + half - 1] = glyph(moment, "╮", "\\")
        if left or right:
            row[middle] = glyph(moment, "┴" if left and right else "╯" if left else "╰", "+")
        line.append("".join(row)[: 2 * cell])
    return line


def _details(moment: Moment, row: Eventpoll, ready: tuple[int, ...], room: int) -> list[Text]:
    """A line an item: what it asks for, in which mode."""
    if room < 1:
        return []
    world, event = moment.world, moment.event
    named = getattr(event, "item", 0)
    items = dict.fromkeys([named, *ready, *[node for level in _levels(moment, _top(moment, row)) for node in level]])
    lines: list[Text] = []
    for item in items:
        epitem = world.epitems.get(item)
        if epitem is None or len(lines) == room:
            continue
        mode = "ET" if epitem.events & 1 << 31 else "LT"
        if epitem.events & EPOLLONESHOT:
            mode += " ONESHOT"
        if epitem.events & EPOLLEXCLUSIVE:
            mode += " EXCLUSIVE"
        line = Text.assemble(
            (f"  fd {epitem.fd:<4}", "bold"), (f"{describe(epitem.requested & 0x201F)} ", "yellow"), (mode, "magenta")
        )
        if epitem.events & EPOLLONESHOT and not epitem.events & ~PRIVATE_BITS:
            line.append(pick(moment, "  disarmed until MOD", "  已停用，等 MOD"), style="red")
        if item in ready:
            line.append(pick(moment, "  on the ready list", "  在就绪链表上"), style="green")
        lines.append(line)
    return lines


def line(moment: Moment, width: int) -> Text:
    """Counts, and the ready list."""
    row = _instance(moment)
    if row is None:
        return Text(pick(moment, "none", "无"), style="bright_black")
    text = Text.assemble(pick(moment, f"tree {row.count}  ready ", f"树 {row.count}  就绪 "))
    return text.append_text(_chain(moment, _ready(moment, row.id)[:6], moment.world.ready_lists[row.id].count))


PANEL: Final = make_panel("eventpoll", "kernel", {"en": "epoll", "zh": "epoll"}, key, render, line)
