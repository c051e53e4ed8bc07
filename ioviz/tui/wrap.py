"""Lines of a text that may be Chinese: broken at spaces and between Chinese characters, never before closing nor after
opening punctuation. (Rich breaks at spaces only, which leaves Chinese text ragged.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.text import Text

CLOSING: Final = frozenset("，。、；：？！）》」』”’…—%,.;:?!)]}")
OPENING: Final = frozenset("（《「『“‘([{")


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between these two characters."""
    if after == " ":
        return False
    if before == " ":
        return True
    if after in CLOSING or before in OPENING:
        return False
    return cell_len(before) == 2 or cell_len(after) == 2


def wrap(text: Text, width: int) -> list[Text]:
    """`text` in lines of at most `width` cells; a word that is longer than that is cut."""
    plain = text.plain
    cuts: list[int] = []
    start = used = best = 0
    for index, character in enumerate(plain):
        if index > start and may_break(plain[index - 1], character):
            best = index
        size = cell_len(character)
        while used + size > width and index > start and character != " ":
            start = best if best > start else index
            cuts.append(start)
            used = cell_len(plain[start:index])
        used += size
    lines = list(text.divide(cuts)) if cuts else [text.copy()]
    for line in lines:
        line.rstrip()
    return lines
