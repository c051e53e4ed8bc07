"""The shortest sequence that still shows a difference: operations are left out as long as it stays.

Chunks first, then one by one; an operation whose slots are gone goes with them. Then tasks and sizes become plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ioviz.verify.ops import Op, made_by, used_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def shrink(ops: Sequence[Op], differs: Callable[[Sequence[Op]], bool]) -> list[Op]:
    """A sequence from which nothing can be left out without `differs` becoming false."""
    best = list(ops)
    chunk = max(len(best) // 2, 1)
    while True:
        shorter = _without(best, chunk, differs)
        if shorter is not None:
            best = shorter
        elif chunk > 1:
            chunk //= 2
        else:
            break
    for place in range(len(best)):
        for plainer in _plainer(best[place]):
            tried = [*best[:place], plainer, *best[place + 1 :]]
            if differs(tried):
                best = tried
                break
    return best


def _without(ops: list[Op], chunk: int, differs: Callable[[Sequence[Op]], bool]) -> list[Op] | None:
    for start in range(len(ops) - chunk, -1, -chunk):
        tried = whole([*ops[:start], *ops[start + chunk :]])
        if len(tried) < len(ops) and differs(tried):
            return tried
    return None


def whole(ops: Sequence[Op]) -> list[Op]:
    """`ops` without those that use slots which nothing makes any more."""
    made: set[int] = set()
    kept = []
    for op in ops:
        if used_by(op) <= made:
            made.update(made_by(op))
            kept.append(op)
    return kept


def _plainer(op: Op) -> Iterator[Op]:
    """Simpler forms of an operation."""
    if op.kind in ("send", "write") and op.args[2] > 1:
        yield op._replace(args=(*op.args[:2], 1, *op.args[3:]))
    if op.kind == "poll" and len(op.args[0]) > 1:
        for row in op.args[0]:
            yield op._replace(args=((row,), op.args[1]))
    if op.kind in ("read", "recv") and op.args[1] > 10:
        yield op._replace(args=(op.args[0], 10, *op.args[2:]))
