"""The live demo on the stage: its server and its clients do what the keys say. Every other run says that it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.tui.actions import DEMO
from ioviz.tui.screens.framing import Framing, Said
from ioviz.tui.source import Careful

if TYPE_CHECKING:
    from ioviz.live.demo.demo import Demo

ROOMY: Final = 100
"""Columns from which on the header has room for the round trip."""


class Steering(Framing):
    """See the module."""

    @property
    def demo(self) -> Demo | None:
        """The demo that is watched, while it runs."""
        source = self.player.source if self.player is not None else None
        return source.demo if isinstance(source, Careful) and not source.ended else None

    def footer_first(self) -> tuple[str, ...]:
        """A demo's own keys first."""
        return DEMO if self.demo is not None else ()

    def demo_state(self) -> list[Said]:
        """What the header says of the clients."""
        demo = self.demo
        if demo is None:
            return []
        status = demo.status
        found = [
            Said(self.say("demo-clients", n=status.clients), 4),
            Said(self.say("demo-rate", n=short_number(round(status.rate))), 2),
        ]
        if status.trip and self.app.size.width >= ROOMY:
            found.append(Said(self.say("demo-trip", n=short_number(status.trip)), 1))
        if demo.model.switchable:
            found.append(Said(demo.trigger.upper() + ("" if demo.drains else self.say("demo-once"))))
        return found

    def _demo_or_say(self) -> Demo | None:
        if self.demo is None:
            self.note("no-demo")
        return self.demo

    def action_message(self) -> None:
        if demo := self._demo_or_say():
            demo.send()
            self.note("demo-sent" if demo.status.clients else "demo-nobody")

    def action_more_clients(self) -> None:
        if demo := self._demo_or_say():
            demo.open_client()
            self.note("demo-opened")

    def action_fewer_clients(self) -> None:
        if demo := self._demo_or_say():
            demo.close_client()
            self.note("demo-closed" if demo.status.clients else "demo-nobody")

    def action_more_load(self) -> None:
        self._change_load(+1)

    def action_less_load(self) -> None:
        self._change_load(-1)

    def _change_load(self, steps: int) -> None:
        if demo := self._demo_or_say():
            self.note("demo-load", n=f"{demo.change_rate(steps):,}")

    def action_drain(self) -> None:
        if demo := self._demo_or_say():
            drains = demo.switch_draining()
            self.note("demo-no-trigger" if drains is None else "demo-drains" if drains else "demo-reads-once")

    def action_toggle_trigger(self) -> None:
        """In a demo the running server itself is switched; nothing is run again."""
        demo = self.demo
        if demo is None:
            super().action_toggle_trigger()
            return
        trigger = demo.switch()
        if trigger is not None and self.player is not None:
            self.kept = self.player.log_length  # c compares what comes with what was
        self.note("demo-no-trigger" if trigger is None else f"demo-{trigger}")


def short_number(n: int) -> str:
    """1234 → 1.2k."""
    if n < 1000:
        return str(n)
    return f"{n / 1000:.1f}k" if n < 100_000 else f"{n // 1000}k" if n < 1_000_000 else f"{n / 1e6:.1f}M"
