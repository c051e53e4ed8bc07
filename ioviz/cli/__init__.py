"""The command line: verbs and flags. Nothing heavy is imported before a verb is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    print(f"ioviz {__version__}")
    return 0
