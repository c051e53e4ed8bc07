"""Typing to a program from the stage. A guest cannot be rewound, but its run can be made again with one line more: up
to where it is typed nothing is different, so the viewer keeps the place. A line comes at the time at which the viewer
stands, whatever the program does then: it may wait for it, by a read, select, poll or epoll_wait, or read it later.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from ioviz.model.files import TTY
from ioviz.model.task import SLEEPING, TaskSlept
from ioviz.tui.place import Place
from ioviz.tui.screens.asking import Asking
from ioviz.tui.source import Careful

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.model.task import Task
    from ioviz.model.world import World
    from ioviz.tui.player import Player

MOST: Final = 64
"""Wait entries of a task, and items of an epoll instance, that are looked at."""
END: Final = "^D"


class Typing(Asking):
    """See the module."""

    def readers(self, world: World) -> dict[int, str]:
        """pid → name of the programs that wait for a line in `world`, and to which somebody can type there."""
        waiting = dict.fromkeys(task.process for task in world.tasks.values() if waits_for_line(world, task))
        return {pid: name for pid, name in self._typable(world).items() if pid in waiting}

    def _typable(self, world: World) -> dict[int, str]:
        """pid → name of the programs to which somebody can type in `world`."""
        player = self.player
        source = player.source if player is not None else None
        if player is None or not isinstance(source, Careful):
            return {}
        at = self._time(player)
        return {pid: row.name for pid, row in world.processes.items() if source.can_type(world, pid, at)}

    @staticmethod
    def _time(player: Player) -> int:
        event = player.event
        return event.t if event is not None else 0

    def reader_at(self, event: Event | None, world: World) -> str:
        """Who is to be typed to now: told where a program begins to wait, and where the run ended of that. Else ""."""
        run = world.runs.get(1)
        stalled = run is not None and run.ended == "stalled"
        if not stalled and not (isinstance(event, TaskSlept) and waits_for_line(world, world.tasks[event.task])):
            return ""
        return ", ".join(self.readers(world).values())

    def action_type_line(self) -> None:
        """Ask for a line, and type it to the program that waits for one, or will."""
        player = self.player
        if player is None:
            return
        self.pause()
        log = player.source.timeline
        here = log.world(player.place.position)
        readers, others = self.readers(here), self._typable(here)
        if not readers and others:
            later = self.readers(log.world(len(log)))
            self.show_place()  # its world was asked for another place
            readers = {pid: name for pid, name in others.items() if pid in later} or others
        if not readers:
            self.note("type-none")
            return
        from ioviz.tui.screens.prompt import Prompt

        several = len(readers) > 1
        names = ", ".join(f"{pid} {name}" for pid, name in readers.items())
        prompt = Prompt("type-line", "", "type-several-hint" if several else "type-line-hint", name=names)
        self.app.push_screen(prompt, lambda text: self._typed(text, list(readers)))

    def _typed(self, text: str | None, pids: list[int]) -> None:
        if text is None or self.player is None:
            return
        named = re.fullmatch(r"(\d+):\s?(.*)", text) if len(pids) > 1 else None
        pid = int(named[1]) if named is not None and int(named[1]) in pids else pids[0]
        line = named[2] if named is not None and pid == int(named[1]) else text
        self.with_other(self._type(self.player, pid, None if line == END else line))

    async def _type(self, player: Player, pid: int, line: str | None) -> None:
        source, place = player.source, player.place
        assert isinstance(source, Careful)
        log = source.timeline
        other = source.typed(log.world(place.position), pid, line, self._time(player))
        if other is None:
            self.note("type-none")
            return
        self.drop_other()
        parted = await self.compare_runs(source, other)
        if parted is not None and place.position > parted:
            place = Place(parted + 1)
        source.close()
        self.take(other, place)
        self.note("type-ended" if line is None else "type-done")


def waits_for_line(world: World, task: Task) -> bool:
    """Whether `task` sleeps until its terminal has something to read: in a read of it, select, poll, or epoll_wait."""
    if task.state != SLEEPING:
        return False
    rows = map(world.wait_entries.get, range(task.entry, task.entry + min(task.entries, MOST)))
    queues = {row.queue for row in rows if row is not None}
    if any(file.kind == TTY and file.obj in queues for file in islice(world.files.values(), MOST)):
        return True
    watched = (world.files.get(item.file) for item in islice(world.epitems.values(), MOST) if item.ep in queues)
    return any(file is not None and file.kind == TTY for file in watched)
