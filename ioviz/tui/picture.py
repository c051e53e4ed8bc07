"""What the stage takes from the floors below to make its picture, and the parts of the picture that cross floors.

The floors below are imported here and only when the first run is opened, after the frame is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from ioviz.lesson.words import vector_name
from ioviz.model.buffer import BytesCopiedIn, BytesCopiedOut
from ioviz.model.cpu import ExceptionRaised, ExceptionReturned, IrqEntered, IrqReturned, SyscallReturned, TrapEntered
from ioviz.model.syscalls import SYS, name_of

if TYPE_CHECKING:
    from ioviz.model.event import Event
    from ioviz.model.world import World
    from ioviz.tui.look import Look
    from ioviz.view.panels import Moment, Panel


class View(NamedTuple):
    """What the floors below offer: the panels, how to make a moment, the sentence, and the steps of an event."""

    panels: tuple[Panel, ...]
    moment: Callable[..., Moment]
    narrate: Callable[[World, Event, str], str]
    steps: Callable[[Event], int]
    step: Callable[[Event, int, str], str] = lambda event, number, lang: ""
    """What happens in a step (from 1) of an event."""


def load_view() -> View:
    """Import the panels and the narration."""
    from ioviz.lesson.narration import narrate
    from ioviz.model.trap_steps import steps_of
    from ioviz.view.panels import PANELS, Moment

    def step(event: Event, number: int, lang: str) -> str:
        steps = steps_of(event)
        return f"{number}/{len(steps)}  {steps[number - 1].of(lang)}" if 0 < number <= len(steps) else ""

    return View(PANELS, Moment, narrate, lambda event: len(steps_of(event)), step)


def crossing(event: Event | None, look: Look, lang: str) -> Text | None:
    """What crosses between user space and kernel in `event`: ▼ down, ▲ up."""
    down, up = look.glyphs.into, look.glyphs.out
    said: tuple[str, str] | None = None
    if isinstance(event, TrapEntered):
        said = down, f"{'syscall' if event.vector < 0 else f'int {event.vector:#x}'}  {name_of(event.nr)}"
    elif isinstance(event, SyscallReturned):
        said = up, f"{name_of(event.nr)} = {f'{event.ret:#x}' if event.nr == SYS.mmap and event.ret > 0 else event.ret}"
    elif isinstance(event, BytesCopiedIn):
        said = down, f"copy {len(event.data)} B"
    elif isinstance(event, BytesCopiedOut):
        said = up, f"copy {event.n} B"
    elif isinstance(event, (IrqEntered, ExceptionRaised)):
        said = down, f"{vector_name(event.vector, lang)} {event.vector:#x}"
    elif isinstance(event, (IrqReturned, ExceptionReturned)):
        said = up, "iret"
    if said is None:
        return None
    style = look.style("background", bold=True, on="accent")
    return Text(f" {said[0]} {said[1]} ", style)


def clock(ns: int, ascii_only: bool) -> str:
    """A virtual time as a person reads it."""
    if ns < 1_000:
        return f"t {ns} ns"
    if ns < 1_000_000:
        return f"t {ns / 1_000:.2f} {'us' if ascii_only else 'µs'}"
    if ns < 1_000_000_000:
        return f"t {ns / 1_000_000:.3f} ms"
    return f"t {ns / 1_000_000_000:.4f} s"


def knobs_shown(world: World, lang: str) -> list[str]:
    """The knobs that the title bar tells: the trigger if it is turned or there is an epoll instance, and the entry."""
    run = world.runs.get(1)
    settings: dict[str, Any] = dict(run.knobs) if run is not None else {}
    found = []
    trigger = settings.get("trigger", "")
    if trigger and (trigger != "as-written" or world.eventpolls):
        as_written = "按程序" if lang == "zh" else "as written"
        found.append({"lt": "LT", "et": "ET", "as-written": as_written}.get(trigger, trigger))
    entry = settings.get("entry", "")
    if entry:
        found.append({"int80": "int 0x80"}.get(entry, entry))
    if settings.get("bits") == "32":
        found.append("32 位" if lang == "zh" else "32 bit")
    if settings.get("timer") == "off":
        found.append("定时器关" if lang == "zh" else "timer off")
    return found
