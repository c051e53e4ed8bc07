"""epoll inside epoll: the checks that keep wake-ups from running in a circle, too deep or too wide.

Source: Linux `fs/eventpoll.c` (`ep_loop_check`, `reverse_path_check`). At most five instances may stand in a row, and
the number of ways from a file up to instances that nobody watches is limited by their length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.model import rbtree
from ioviz.model.files import EVENTPOLL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

MAX_NESTS: Final = 4
PATH_LIMITS: Final = (0, 500, 100, 50, 10)
"""How many ways of each length (links beyond the first) a file may have; the first length is not limited."""


def ep_loop_check(k: Kernel, ep: int, target: int) -> bool:
    """Whether watching instance `target` from instance `ep` would close a circle or make a chain that is too long."""
    below = _depth_below(k, ep, target, 0)
    return below > MAX_NESTS or below + 1 + _depth_above(k, ep, 0) > MAX_NESTS


def _depth_below(k: Kernel, start: int, ep: int, depth: int) -> int:
    """How many links lead down from `ep`; more than allowed if one of them leads back to `start`."""
    if ep == start or depth > MAX_NESTS:
        return MAX_NESTS + 1
    deepest = 0
    for inner in _instances_in(k, ep):
        deepest = max(deepest, 1 + _depth_below(k, start, inner, depth + 1))
    return deepest


def _depth_above(k: Kernel, ep: int, depth: int) -> int:
    """How many links lead up from `ep`."""
    if depth > MAX_NESTS:
        return depth
    above = (k.world.epitems[item].ep for item in k.watches.get(k.epoll_files[ep], ()))
    return max((1 + _depth_above(k, outer, depth + 1) for outer in above), default=0)


def _instances_in(k: Kernel, ep: int) -> Iterator[int]:
    world = k.world
    for item in rbtree.walk(world, world.eventpolls[ep].root):
        file = world.files[world.epitems[item].file]
        if file.kind == EVENTPOLL:
            yield file.obj


def reverse_path_check(k: Kernel, ep: int, target: OpenFile) -> bool:
    """Whether watching `target` from `ep` would give some file too many ways up."""
    return any(_too_many_paths(k, file, target.id, ep) for file in _files_below(k, target))


def _files_below(k: Kernel, file: OpenFile) -> Iterator[int]:
    """The files, other than instances, that are watched at any depth below `file`, or itself."""
    if file.kind != EVENTPOLL:
        yield file.id
        return
    world = k.world
    for item in rbtree.walk(world, world.eventpolls[file.obj].root):
        yield from _files_below(k, world.files[world.epitems[item].file])


def _too_many_paths(k: Kernel, file: int, target: int, new: int) -> bool:
    counts = [0] * (MAX_NESTS + 1)

    def climb(at: int, length: int) -> bool:
        if length > MAX_NESTS:
            return True
        above = [k.world.epitems[item].ep for item in k.watches.get(at, ())]
        if at == target:
            above.append(new)
        for outer in above:
            up = k.epoll_files[outer]
            if k.watches.get(up) or up == target:
                if climb(up, length + 1):
                    return True
            elif length:
                counts[length] += 1
                if counts[length] > PATH_LIMITS[length]:
                    return True
        return False

    return climb(file, 0)
