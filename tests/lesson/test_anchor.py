"""How a chapter finds its event: by what happened, from the chapter before it onward."""

from __future__ import annotations

import pytest

from ioviz.lesson.anchor import Anchor, AnchorError, find_anchors
from ioviz.model.event import Event
from ioviz.model.terminal import TextPrinted

LOG: list[Event] = [
    TextPrinted(seq=number, t=number, cpu=1, task=1, cause=0, origin=0, at=0, pid=1, fd=1, data=data)
    for number, data in enumerate((b"a", b"b", b"a", b"c", b"a"))
]


def said(data: str, nth: int = 1, after: Anchor | None = None) -> Anchor:
    return Anchor("TextPrinted", where={"data": data.encode()}, nth=nth, after=after)  # type: ignore[dict-item]


def test_each_is_looked_for_from_the_one_before_it_onward() -> None:
    assert find_anchors(LOG, [said("a"), said("a"), said("c")]) == [0, 2, 3]
    assert find_anchors(LOG, [said("c"), said("b"), said("a")]) == [3, None, 4]
    assert find_anchors(LOG, [said("a", nth=3)]) == [4]


def test_after_means_that_another_has_happened_since_the_chapter_before() -> None:
    assert find_anchors(LOG, [said("a", after=said("b"))]) == [2]
    assert find_anchors(LOG, [said("a", after=said("c", after=said("b")))]) == [4]
    assert find_anchors(LOG, [said("a", nth=2, after=said("b"))]) == [4]
    assert find_anchors(LOG, [said("c"), said("a", after=said("b"))]) == [3, None]


def test_what_comes_before_is_checked_too() -> None:
    with pytest.raises(AnchorError, match="NoSuchEvent"):
        said("a", after=Anchor("NoSuchEvent")).check(["server.py"])
