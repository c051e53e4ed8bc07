"""A buffer as a bar that fills and drains, with how much is in it and how much may be.

As long as the unread bytes fit into the bar they are written in it, one a cell; a fuller buffer is drawn in proportion
to its limit. So a few bytes are seen to go, and a full buffer is seen to be full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.model.buffer import first_bytes
from ioviz.view.moment import Moment, glyph

if TYPE_CHECKING:
    from ioviz.model.buffer import Buffer

DIM: Final = "bright_black"


def bar(moment: Moment, buffer: int, row: Buffer, width: int) -> Text:
    """`▕hello░░░░▏` or `▕█████░░░░▏`, `width` cells between the ends."""
    charged = max(row.bytes, row.truesize)
    part = -(-charged * width // row.limit) if row.limit > 0 else width
    if row.bytes <= width and part <= width // 2:
        inside = _printable(first_bytes(moment.world, buffer, width))
    else:
        inside = glyph(moment, "█", "#") * min(width, part)
    full = charged >= row.limit
    return Text.assemble(
        (glyph(moment, "▕", "["), DIM),
        (inside, "bold red" if full else "bold green"),
        (glyph(moment, "░", ".") * (width - len(inside)), DIM),
        (glyph(moment, "▏", "]"), DIM),
    )


def described(moment: Moment, buffer: int, name: str, width: int) -> Text:
    """`rx ▕hello░░░░▏ 5 B of 128 K`; nothing if there is no such buffer."""
    row = moment.world.buffers.get(buffer)
    if row is None:
        return Text()
    text = Text.assemble((f"{name} " if name else "", DIM), bar(moment, buffer, row, width))
    text.append(f" {size(row.bytes)}", "bold" if row.bytes else DIM)
    return text.append(f"/{size(row.limit)}", DIM)


def size(count: int) -> str:
    """`512`, `64K`, `3.9M`: bytes, K of 1,024."""
    if count < 10_000:
        return str(count)
    if count < 1 << 20:
        return f"{count / 1024:.4g}K" if count < 100 << 10 else f"{count / 1024:.0f}K"
    return f"{count / (1 << 20):.2g}M"


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
