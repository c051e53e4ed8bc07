"""Typing to a program from the stage. A guest cannot be rewound, but its run can be made again with one line more: up
to where it is read nothing is different, so the viewer keeps the place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ioviz.tui.place import Place
from ioviz.tui.screens.asking import Asking
from ioviz.tui.source import Careful

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.model.world import World
    from ioviz.tui.player import Player

READS: Final = "n_tty_read"
"""The kernel function in which a task sleeps that waits for a line."""
END: Final = "^D"


class Typing(Asking):
    """See the module."""

    def readers(self, world: World) -> dict[int, str]:
        """pid → name of the programs that wait for a line in `world`, and to which somebody can type."""
        source = self.player.source if self.player is not None else None
        if not isinstance(source, Careful):
            return {}
        waiting = dict.fromkeys(task.process for task in world.tasks.values() if task.wchan == READS)
        return {pid: world.processes[pid].name for pid in waiting if source.can_type(world, pid)}

    def reader_at(self, event: Event | None, world: World) -> str:
        """Who is to be typed to now: told where a program begins to wait, and where the run ended of that. Else ""."""
        run = world.runs.get(1)
        stalled = run is not None and run.ended == "stalled"
        if not stalled and getattr(event, "wchan", "") != READS:
            return ""
        return ", ".join(self.readers(world).values())

    def action_type_line(self) -> None:
        """Ask for a line, and type it to the program that waits for one, or will."""
        player = self.player
        if player is None:
            return
        self.pause()
        log = player.source.timeline
        readers: dict[int, str] = {}
        for place in (player.place.position, len(log)):
            readers = readers or self.readers(log.world(place))
        if not readers:
            self.show_place()  # its world was asked for another place
            self.note("type-none")
            return
        from ioviz.tui.screens.prompt import Prompt

        several = len(readers) > 1
        names = ", ".join(f"{pid} {name}" for pid, name in readers.items())
        prompt = Prompt("type-line", "", "type-several-hint" if several else "type-line-hint", name=names)
        self.show_place()
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
        other = source.typed(log.world(len(log)), pid, line)
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
