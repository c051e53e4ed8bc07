"""What is charged for bytes on an AF_UNIX socket's queue, and who hears that there is room again.

The charge is the sender's until the bytes are read, as its `sk_wmem_alloc`. Source: Linux `net/unix/af_unix.c`
(`unix_write_space`, `unix_recvq_full`) and `SKB_TRUESIZE`.

Where we differ from Linux: a datagram socket's charge is that of its receiver's queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.tcp_state import WRITABLE

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

PAGE: Final = 4096
HEAD: Final = PAGE - 320
"""SKB_MAX_HEAD(0): data beyond this goes into pages of its own."""
LARGEST_PIECE: Final = HEAD + 32768
PEER_ROOM: Final = 0x400
"""A bit that no poll asks for: wakes those who sleep until there is room on this socket's queue (`peer_wait`)."""
DGRAM_QUEUE: Final = 10
"""`net.unix.max_dgram_qlen`."""


def _head_truesize(n: int) -> int:
    size = (n + 63 & ~63) + 320
    return 256 + max(512, 1 << (size - 1).bit_length())


def stream_truesize(n: int) -> int:
    """What a piece of `n` bytes of a stream is charged."""
    if n <= HEAD:
        return _head_truesize(n)
    pages = min(n, n - HEAD + PAGE - 1 & ~(PAGE - 1))
    return _head_truesize(n - pages) + (pages + PAGE - 1 & ~(PAGE - 1))


def dgram_truesize(n: int) -> int:
    """What a datagram of `n` bytes is charged."""
    if n <= 16064:
        return _head_truesize(n)
    pages = min(n, n - 16064 + PAGE - 1 & ~(PAGE - 1))
    return _head_truesize(n - pages) + (pages + PAGE - 1 & ~(PAGE - 1))


def freed(k: Kernel, sock: int) -> None:
    """A datagram was made and not sent: its room in the sender's account is free again (`unix_write_space`)."""
    if k.world.wait_queues[sock].head:
        k.wake(sock, WRITABLE)


def room(k: Kernel, sender: int, before: int, rx: int) -> None:
    """An `sk_buff` was read and freed: its sender may write again (`unix_write_space`)."""
    world = k.world
    now = world.buffers[rx].truesize
    if now == before or sender not in world.sockets or not world.wait_queues[sender].head:
        return
    if now << 2 <= world.buffers[sender * 2 + 1].limit:
        k.wake(sender, WRITABLE)


def queue_full(k: Kernel, sock: int) -> bool:
    """`unix_recvq_full`: more than `DGRAM_QUEUE` wait to be read."""
    node, length = k.world.buffers[sock * 2].head, 0
    while node and length <= DGRAM_QUEUE:
        node, length = k.world.segments[node].next, length + 1
    return length > DGRAM_QUEUE
