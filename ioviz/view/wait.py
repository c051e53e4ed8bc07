"""Wait queues: who sleeps where, in the order in which a wake-up finds them, and whose callbacks stand there too."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Final

from rich.text import Text

from ioviz.lesson.words import in_ascii, socket_name, task_name
from ioviz.model.lists import walk
from ioviz.model.task import SLEEPING
from ioviz.view.moment import Moment, glyph, joined, make_panel, pick

MOST: Final = 16
LOOKED_AT: Final = 200


def _queues(moment: Moment) -> list[tuple[int, tuple[int, ...]]]:
    """(queue, entries) of the queues with somebody on them, those with sleepers first."""
    world = moment.world
    sleepers = [task for task in islice(world.tasks.values(), LOOKED_AT) if task.state == SLEEPING and task.entries]
    found: dict[int, tuple[int, ...]] = {}
    for task in sleepers:
        for entry in range(task.entry, task.entry + min(task.entries, 4)):
            row = world.wait_entries.get(entry)
            if row is not None and task.host == moment.host and len(found) < MOST:
                found.setdefault(row.queue, tuple(islice(walk(world.wait_queues, row.queue, world.wait_links), MOST)))
    for item in islice(world.epitems.values(), MOST):
        row = world.wait_entries.get(item.entry)
        if row is not None and len(found) < MOST and world.eventpolls[item.ep].host == moment.host:
            found.setdefault(row.queue, tuple(islice(walk(world.wait_queues, row.queue, world.wait_links), MOST)))
    return list(found.items())


def _timed(moment: Moment) -> list[int]:
    """Tasks that only the clock wakes."""
    tasks = islice(moment.world.tasks.values(), LOOKED_AT)
    return [row.id for row in tasks if row.state == SLEEPING and row.host == moment.host and not row.entries][:MOST]


def key(moment: Moment) -> Hashable:
    """The queues, what stands on them, and whose they are."""
    tasks = moment.world.tasks
    queues = tuple(
        (_owner(moment, queue), entries, tuple(map(moment.world.wait_entries.get, entries)))
        for queue, entries in _queues(moment)
    )
    return queues, tuple(tasks[tid] for tid in _timed(moment))


def _owner(moment: Moment, queue: int) -> str:
    world = moment.world
    if queue in world.sockets:
        name = socket_name(world, queue)
        return in_ascii(name) if moment.ascii else name
    if queue in world.eventpolls:
        return pick(moment, f"epoll #{queue}: epoll_wait", f"epoll #{queue}：epoll_wait")
    if queue in world.pipes:
        return pick(moment, f"pipe #{queue}", f"管道 #{queue}")
    if queue in world.eventfds or queue in world.timerfds:
        kind = "eventfd" if queue in world.eventfds else "timerfd"
        return _number(moment, queue, kind)
    if any(row.queue == queue for row in islice(world.futexes.values(), MOST)):
        return pick(moment, "a lock (futex)", "锁（futex）")
    if any(row.poll_queue == queue for row in islice(world.eventpolls.values(), MOST)):
        return pick(moment, "polls of an epoll descriptor", "对 epoll 描述符的轮询")
    return pick(moment, "terminal", "终端")


def _number(moment: Moment, obj: int, kind: str) -> str:
    """`eventfd fd 3`: an object that has no other name, by the descriptors of it that are watched."""
    world = moment.world
    items = islice(world.epitems.values(), LOOKED_AT)
    named = dict.fromkeys(item.fd for item in items if item.file in world.files and world.files[item.file].obj == obj)
    return f"{kind} {', '.join(f'fd {fd}' for fd in named)}" if named else f"{kind} #{obj}"


def _entry(moment: Moment, entry: int) -> Text:
    world = moment.world
    row = world.wait_entries.get(entry)
    if row is None:
        return Text("?")
    if row.item:
        item = world.epitems.get(row.item)
        return Text(f"ep_poll_callback(fd {item.fd if item is not None else '?'})", style="yellow")
    text = Text(task_name(world, row.task), style="bold blue")
    if row.exclusive:
        text.append(pick(moment, " exclusive", " 独占"), style="bright_black")
    return text


def render(moment: Moment, width: int, height: int) -> Text:
    """A line a queue, more if it is long and there is room: whose it is, then its entries from the head."""
    lines: list[Text] = []
    queues, timed = _queues(moment), _timed(moment)
    spare = height - len(queues) - len(timed)
    for queue, entries in queues:
        owner = Text.assemble((f"{_owner(moment, queue)}  ", "bright_black"))
        told = [_entry(moment, entry) for entry in entries]
        whole = Text(glyph(moment, " → ", " -> ")).join(told)
        below = [owner, *_below(moment, told, width)]
        if owner.cell_len + whole.cell_len > width and len(below) - 1 <= spare:
            lines += below
            spare -= len(below) - 1
        else:
            lines.append(owner.append_text(whole))
    for tid in timed:
        task = moment.world.tasks[tid]
        until = f"t {task.until / 1e6:.3f} ms" if task.until else pick(moment, "a signal", "信号")
        label = pick(moment, "timer", "定时器")
        if moment.world.mirrors and not task.until:  # where it sleeps is known, and not what will wake it
            label, until = pick(moment, "elsewhere", "别处"), task.wchan
        elif task.wchan == "folio_wait_bit_common":
            label, until = pick(moment, "disk", "硬盘"), pick(moment, "its interrupt", "它的中断")
        lines.append(
            Text.assemble((f"{label}  ", "bright_black"), (task_name(moment.world, tid), "bold blue"), f"  {until}")
        )
    if not lines:
        return Text(pick(moment, "nobody waits", "没有谁在等"), style="bright_black")
    return joined(lines[:height])


def _below(moment: Moment, entries: list[Text], width: int) -> list[Text]:
    """The entries of a queue from its head, indented, as many to a line as it holds."""
    arrow = glyph(moment, " →", " ->")
    lines: list[Text] = []
    for number, entry in enumerate(entries):
        piece = entry.copy().append(arrow if number < len(entries) - 1 else "")
        if lines and lines[-1].cell_len + 1 + piece.cell_len <= width:
            lines[-1].append(" ").append_text(piece)
        else:
            lines.append(Text("  ").append_text(piece))
    return lines


def line(moment: Moment, width: int) -> Text:
    """Who sleeps, and where."""
    tasks = islice(moment.world.tasks.values(), LOOKED_AT)
    asleep = [row for row in tasks if row.state == SLEEPING and row.host == moment.host]
    if not asleep:
        return Text(pick(moment, "nobody waits", "没有谁在等"), style="bright_black")
    parts = [Text.assemble((task_name(moment.world, row.id), "blue"), f" {row.wchan}") for row in asleep[:4]]
    return Text("  ").join(parts)


PANEL: Final = make_panel("wait", "kernel", {"en": "Wait queues", "zh": "等待队列"}, key, render, line)
