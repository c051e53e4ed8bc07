"""Colours and line-drawing characters of the frame: dark and light, and plain ASCII.

Each floor has its colour; what is active is brighter and bold as well, so that nothing is told by colour alone.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DARK: Final = Theme(
    name="ioviz-dark",
    primary="#7aa2f7",
    secondary="#bb9af7",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    accent="#ff9e64",
    foreground="#c8d0e8",
    background="#12141c",
    surface="#12141c",
    panel="#1b1e2b",
    dark=True,
    variables={
        "floor-user": "#7dcfff",
        "floor-kernel": "#ff9e64",
        "floor-hardware": "#9ece6a",
        "muted": "#7d86a8",
        "faint": "#3b4261",
        "block-cursor-background": "#2b3150",
        "block-cursor-foreground": "#ffffff",
    },
)
LIGHT: Final = Theme(
    name="ioviz-light",
    primary="#2e5cb8",
    secondary="#7a3eb1",
    warning="#8f5e15",
    error="#b4234a",
    success="#33691e",
    accent="#b15c00",
    foreground="#262b3d",
    background="#fbfbf8",
    surface="#fbfbf8",
    panel="#eceef3",
    dark=False,
    variables={
        "floor-user": "#006b9e",
        "floor-kernel": "#b15c00",
        "floor-hardware": "#33691e",
        "muted": "#6b7290",
        "faint": "#c4c9d8",
        "block-cursor-background": "#cfdcf5",
        "block-cursor-foreground": "#12141c",
    },
)


def _terminal(background: str, foreground: str, *colours: str) -> TerminalTheme:
    """What the sixteen colours that panels name look like: eight, then their bright ones."""
    rgb = [tuple(bytes.fromhex(colour[1:])) for colour in (background, foreground, *colours)]
    return TerminalTheme(rgb[0], rgb[1], rgb[2:10], rgb[10:18])  # type: ignore[arg-type]


ANSI_DARK: Final = _terminal(
    "#12141c", "#c8d0e8",
    "#12141c", "#f7768e", "#9ece6a", "#e0af68", "#7aa2f7", "#bb9af7", "#7dcfff", "#c8d0e8",
    "#7d86a8", "#ff9db0", "#b9f27c", "#ffc777", "#9db8ff", "#d0b8ff", "#a8e1ff", "#ffffff",
)  # fmt: skip
ANSI_LIGHT: Final = _terminal(
    "#fbfbf8", "#262b3d",
    "#262b3d", "#b4234a", "#33691e", "#8f5e15", "#2e5cb8", "#7a3eb1", "#006b9e", "#4a5068",
    "#6b7290", "#c94a6b", "#4a8230", "#a8741f", "#4a75cc", "#935cc4", "#1f86b8", "#12141c",
)  # fmt: skip


class Glyphs(NamedTuple):
    """The characters that the frame is drawn with."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str
    heavy: str
    dot: str
    play: str
    pause: str
    knob: str
    tick: str
    stop: str
    rail: str
    done: str
    folded: str
    ellipsis: str
    into: str
    out: str
    times: str
    right: str
    left: str
    played: str
    half: str


UNICODE: Final = Glyphs(
    "╭",
    "╮",
    "╰",
    "╯",
    "─",
    "│",
    "━",
    "●",
    "▶",
    "‖",
    "◆",
    "╷",
    "▲",
    "─",
    "━",
    "▸",
    "…",
    "▼",
    "▲",
    "×",
    "→",
    "←",
    "✓",
    "◐",
)
ASCII: Final = Glyphs(
    "+",
    "+",
    "+",
    "+",
    "-",
    "|",
    "=",
    "*",
    ">",
    "=",
    "O",
    "'",
    "^",
    "-",
    "=",
    ">",
    "~",
    "v",
    "^",
    "x",
    "->",
    "<-",
    "x",
    "~",
)


def glyphs(ascii_only: bool) -> Glyphs:
    """The set to draw with."""
    return ASCII if ascii_only else UNICODE


def prefers_light() -> bool:
    """Whether the terminal says that its background is light (`COLORFGBG`, or `IOVIZ_THEME=light`)."""
    wish = os.environ.get("IOVIZ_THEME", "")
    if wish:
        return wish == "light"
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in {"7", "15"}
