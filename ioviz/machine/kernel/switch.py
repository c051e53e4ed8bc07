"""Switching stacks: every task runs on a greenlet of its own. The only file that knows greenlets.

The hub is the greenlet that called `Switch.run`. A task's greenlet is first entered from the hub, since one that is
entered from another task would inherit that one's recursion depth; after that tasks switch to each other directly.
Greenlets never cross OS threads: whoever runs the machine runs all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from collections.abc import Callable


class TaskKilled(BaseException):
    """Thrown into a guest's code to end it. Nothing may report it or go on after it."""


class Stack:
    """The stack of one task: not started, suspended or finished."""

    __slots__ = ("_greenlet", "started")

    def __init__(self, entry: Callable[[], None], hub: greenlet) -> None:
        self._greenlet = greenlet(entry, hub)
        self.started = False

    def enter(self) -> None:
        """Run this stack from where it stopped; returns when someone enters the caller's stack again."""
        self.started = True
        self._greenlet.switch()

    @property
    def finished(self) -> bool:
        """Whether the entry has returned."""
        return self.started and self._greenlet.dead

    def kill(self) -> None:
        """Unwind the stack by `TaskKilled`, if anything is on it. A guest that refuses to end is left alone."""
        if not self.started or self._greenlet.dead:
            return
        for _ in range(20):
            self._greenlet.throw(TaskKilled)
            if self._greenlet.dead:
                return


class Switch:
    """The hub and the way back to it."""

    def __init__(self) -> None:
        self._hub: greenlet = getcurrent()

    def adopt_hub(self) -> None:
        """Make the calling greenlet the hub. Call before entering any stack."""
        self._hub = getcurrent()

    def stack(self, entry: Callable[[], None]) -> Stack:
        """A new stack that will run `entry` and then return to the hub."""
        return Stack(entry, self._hub)

    def to_hub(self) -> None:
        """Leave the current stack for the hub; returns when the stack is entered again."""
        self._hub.switch()

    def in_hub(self) -> bool:
        """Whether the caller is the hub itself."""
        return getcurrent() is self._hub
