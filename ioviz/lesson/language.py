"""Which language to speak: one answer for the command line and for the stage."""

from __future__ import annotations

import os
from typing import Final

LANGUAGES: Final = ("en", "zh")
NAMES: Final = ("IOVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The variables of the environment that say it, the first one above all."""


def language_of(asked: str | None = None) -> str:
    """What was asked for, else what the environment says, else English."""
    if asked in LANGUAGES:
        return asked
    for name in NAMES:
        if value := os.environ.get(name, ""):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
