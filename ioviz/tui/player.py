"""Where the viewer stands in a run, and how to get from there to another place. Knows no terminal.

A place is (position, step). `position` is how many events have been applied, so the event at hand is number
`position - 1`; `step` is 0 when that event is seen as a whole, else 1 … n inside the steps that it unfolds into.
Movements that have to look for something are generators: they look through a slice of the log, run the machine for a
slice when the log is at its end, yield how far they are, and return the place they found (None: there is none). Whoever
drives them decides how long to go on, so no key blocks the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final

from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.task import LineReached, TaskSwitched, TaskWoken
from ioviz.tui.place import Place

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.tui.source import Source

SLICE: Final = 2_048
"""Events that are looked at, or made, between two yields: a few milliseconds."""


Scan = Generator[int, None, Place | None]
Fits = Callable[["Event"], bool]


def no_steps(event: Event) -> int:
    """For those who know no unfolding: every event is one step."""
    return 0


class Player:
    """The viewer's place in `source`. `unfold` says into how many steps an event unfolds."""

    def __init__(self, source: Source, unfold: Callable[[Event], int] = no_steps) -> None:
        self.source = source
        self.unfold = unfold
        self.place = Place(0)
        self._back: list[Place] = []

    # -- where we are ------------------------------------------------------------------------------------------------

    @property
    def log_length(self) -> int:
        """How many events there are so far."""
        return len(self.source.timeline)

    @property
    def event(self) -> Event | None:
        """The event that led to the world on the screen."""
        timeline, position = self.source.timeline, self.place.position
        return timeline.event(position - 1) if position > timeline.first else None

    @property
    def steps(self) -> int:
        """Into how many steps the event at hand unfolds."""
        event = self.event
        return self.unfold(event) if event is not None else 0

    @property
    def grows(self) -> bool:
        """Whether asking for more makes more. What really happens cannot be hurried."""
        return not self.source.ended and not getattr(self.source, "live", False)

    @property
    def at_end(self) -> bool:
        """Nothing follows."""
        return self.source.ended and self.place.position >= self.log_length

    def go(self, place: Place) -> bool:
        """Stand at `place`, or as near as the log allows. True if that is elsewhere."""
        position = min(max(place.position, self.source.timeline.first), self.log_length)
        found = Place(position, place.step if position == place.position else 0)
        moved, self.place = found != self.place, found
        return moved

    # -- one thing ---------------------------------------------------------------------------------------------------

    def forward(self) -> Scan:
        """The next event, as a whole."""
        return self._ensure(Place(self.place.position + 1))

    def backward(self) -> Scan:
        """The event before; from inside an unfolded one, back to its whole."""
        yield from ()
        position, step = self.place
        if step > 1:
            return Place(position)
        return Place(position - 1) if position > self.source.timeline.first else None

    def into(self) -> Scan:
        """The next step: into the event at hand if it unfolds, else to the first step of the next."""
        position, step = self.place
        if step < self.steps:
            return Place(position, step + 1)
        found = yield from self._ensure(Place(position + 1))
        if found is None:
            return None
        return Place(found.position, min(1, self.unfold(self.source.timeline.event(found.position - 1))))

    def out_of(self) -> Scan:
        """The step before: the mirror image of `into`."""
        yield from ()
        position, step = self.place
        if step > 1:
            return Place(position, step - 1)
        first = self.source.timeline.first
        if position <= first + 1:
            return Place(first) if position > first else None
        return Place(position - 1, self.unfold(self.source.timeline.event(position - 2)))

    def reach(self, place: Place) -> Scan:
        """`place`, once the machine has got there; the end of the run if it ends before."""
        found = yield from self._ensure(place)
        return found if found is not None else Place(self.log_length)

    def end(self) -> Scan:
        """The last event of the run, once the machine has got there."""
        while self.grows:
            self.source.advance(SLICE)
            yield self.log_length
        return Place(self.log_length)

    # -- looking for something ---------------------------------------------------------------------------------------

    def find(self, fits: Fits, *, back: bool = False) -> Scan:
        """The nearest event, after the one at hand (or before it), that fits."""
        return self._find_back(self.place.position - 2, fits) if back else self._find(self.place.position, fits)

    def call(self, *, back: bool = False) -> Scan:
        """Over a system call: the next return from one; at an entry, the return of this very call."""
        event = self.event
        if isinstance(event, TrapEntered) and not back:
            return self.until_return()
        return self.find(lambda e: isinstance(e, SyscallReturned), back=back)

    def until_return(self) -> Scan:
        """Until the call in which the task at hand is returns; without one, until any does."""
        task = self._task_in_call()
        return self.find(lambda e: isinstance(e, SyscallReturned) and (not task or e.task == task))

    def to_entry(self) -> Scan:
        """Back to where the task at hand entered the kernel."""
        task = self._task_in_call()
        event = self.event
        if isinstance(event, SyscallReturned):
            task = event.task
        return self.find(lambda e: isinstance(e, TrapEntered) and (not task or e.task == task), back=True)

    def line(self, *, back: bool = False) -> Scan:
        """The next source line that any program reaches."""
        return self.find(lambda e: isinstance(e, LineReached), back=back)

    def wakeup(self, *, back: bool = False) -> Scan:
        """The next wake-up or switch of tasks."""
        return self.find(lambda e: isinstance(e, (TaskWoken, TaskSwitched)), back=back)

    # -- why ---------------------------------------------------------------------------------------------------------

    def why(self) -> Place | None:
        """The place of the event that led to the one at hand; remembers where we came from."""
        event = self.event
        if event is None or not self.source.timeline.first <= event.cause < self.place.position - 1:
            return None
        return self.leap(event.cause)

    def leap(self, index: int) -> Place:
        """The place of event `index`; remembers where we came from."""
        self._back.append(self.place)
        return Place(index + 1)

    def because(self) -> Place | None:
        """Back to where the last `why` was asked."""
        return self._back.pop() if self._back else None

    # -- inside ------------------------------------------------------------------------------------------------------

    def _task_in_call(self) -> int:
        """The task of the event at hand if it is inside a system call, else 0."""
        event = self.event
        if event is None or isinstance(event, SyscallReturned):
            return 0
        return event.task if event.task in self.source.timeline.world(self.place.position).frames else 0

    def _ensure(self, place: Place) -> Scan:
        """Make the log long enough for `place`."""
        while self.log_length < place.position:
            if not self.grows:
                return None
            self.source.advance(SLICE)
            yield self.log_length
        return place

    def _find(self, start: int, fits: Fits) -> Scan:
        index = start
        while True:
            stop = min(index + SLICE, self.log_length)
            if index >= stop:
                if not self.grows:
                    return None
                self.source.advance(SLICE)
            else:
                for number, event in enumerate(self.source.timeline.events(index, stop), index + 1):
                    if fits(event):
                        return Place(number)
                index = stop
            yield index

    def _find_back(self, last: int, fits: Fits) -> Scan:
        stop, first = last + 1, self.source.timeline.first
        while stop > first:
            start = max(first, stop - SLICE)
            events = self.source.timeline.events(start, stop)
            for offset in range(len(events) - 1, -1, -1):
                if fits(events[offset]):
                    return Place(start + offset + 1)
            stop = start
            yield stop
        return None
