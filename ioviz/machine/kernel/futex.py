"""futex(2): WAIT and WAKE, the sleeping half of the locks of threads.

The user half (the lock word) is the guest's. Where Linux compares the word again inside the call, we need not: nothing
preempts a guest between its look at the word and the call.
"""

from __future__ import annotations

from errno import EINTR, EINVAL, ETIMEDOUT
from typing import TYPE_CHECKING, Final

from ioviz.model.futex import FutexForgotten, FutexHashed
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

WAIT: Final = 0
WAKE: Final = 1


def sys_futex(k: Kernel, key: int, op: int, val: int, timeout: int | None) -> int:
    """Sleep on, or wake `val` sleepers of, the futex `key` of this process; `timeout` in ns from now."""
    place = (k.pid, key)
    row = k.world.futexes.get(place)
    if op == WAKE:
        woken = 0
        while row is not None and woken < val:
            head = k.world.wait_queues[row.queue].head
            if not head:
                break
            k.wake_task(k.world.wait_entries[head].task)
            woken += 1
        return woken
    if op != WAIT:
        return -EINVAL
    if row is None:
        k.emit(FutexHashed, k.pid, key, k.new_id())
        row = k.world.futexes[place]
    why = k.sleep("futex_wait", (row.queue,), EXCLUSIVE, 0 if timeout is None else k.now + max(timeout, 1))
    queue = k.world.wait_queues.get(row.queue)
    if queue is not None and not queue.count:
        k.emit(FutexForgotten, k.pid, key)
    return -ETIMEDOUT if why == "timeout" else -EINTR if why == "signal" else 0
