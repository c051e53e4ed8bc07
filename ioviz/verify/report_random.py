"""What a campaign of random verification says on the terminal."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ioviz.verify.backends import Step
from ioviz.verify.texts import text

if TYPE_CHECKING:
    from rich.console import Console

    from ioviz.verify.campaign import Campaign, Difference


def kernel_name() -> str:
    """`Linux 6.18.44`."""
    return f"{platform.system()} {platform.release().split('-')[0]}"


def progress_text(campaign: Campaign, lang: str) -> str:
    """One line on how far a campaign is."""
    return text(
        lang,
        "progress",
        done=campaign.operations,
        wanted=campaign.wanted,
        rate=campaign.rate,
        seed=campaign.seed,
    )


def tell_campaign(console: Console, campaign: Campaign, lang: str, *, stopped: bool) -> None:
    """How a campaign went."""
    values: dict[str, Any] = {
        "operations": campaign.operations,
        "sequences": campaign.sequences,
        "kernel": kernel_name(),
        "seconds": campaign.seconds,
        "rate": campaign.rate,
        "seed": campaign.seed,
        "retried": campaign.retried,
    }
    if campaign.differences:
        for difference in campaign.differences:
            console.print(Text("✗ ", "bold red").append(text(lang, "random-differs", **values), "bold"))
            console.print(_table(difference, lang), highlight=False)
    else:
        key = "random-stopped" if stopped else "random-agrees"
        mark = Text("– ", "bold yellow") if stopped else Text("✓ ", "bold green")
        console.print(mark.append(text(lang, key, **values), "bold"))
    console.print(Text("  " + text(lang, "random-how", **values), "dim"))
    if campaign.retried:
        console.print(Text("  " + text(lang, "random-retried", **values), "dim"))


def _table(difference: Difference, lang: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(text(lang, "step"), justify="right")
    table.add_column(text(lang, "task"), justify="center")
    table.add_column(text(lang, "operation"), overflow="fold")
    table.add_column(text(lang, "machine"), overflow="fold")
    table.add_column(kernel_name(), overflow="fold")
    for number, op in enumerate(difference.ops):
        mine, theirs = difference.simulated[number], difference.real[number]
        args = ", ".join(str(arg) for arg in op.args)
        row = [str(number), str(op.task or ""), f"{op.kind} {args}", _shown(mine, lang), _shown(theirs, lang)]
        if mine == theirs:
            table.add_row(*row[:4], text(lang, "same"), style="dim" if number < difference.first else "")
        else:
            table.add_row(*row, style="bold red")
    if difference.simulated[-1] != difference.real[-1]:
        table.add_row("", "", "", _asleep(difference.simulated[-1], lang), _asleep(difference.real[-1], lang))
    return table


def _shown(step: Any, lang: str) -> str:
    if not isinstance(step, Step):
        return str(step)
    shown = step.result if isinstance(step.result, str) else repr(step.result)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return "; ".join([shown, *(text(lang, "back", number=number, value=value) for number, value in step.back)])


def _asleep(steps: Any, lang: str) -> str:
    shown = ", ".join(map(str, steps)) if isinstance(steps, list) else str(steps)
    return text(lang, "asleep", steps=shown or text(lang, "nobody"))
