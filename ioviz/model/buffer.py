"""Buffers: chains of segments, as the kernel's chains of `sk_buff`.

A socket `id` has the receive buffer `2 * id` and the send buffer `2 * id + 1`; a pipe `id` has the buffer `2 * id`.
A segment is on exactly one chain, keeps its bytes whole and remembers how far it has been read. Invariant: `bytes` is
what the segments hold unread, `truesize` what they are charged for, `total` every byte that ever came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ioviz.model.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.model.world import World


class Buffer(msgspec.Struct, frozen=True, gc=False):
    """A chain of segments from `head` to `tail`; `limit` is SO_RCVBUF, SO_SNDBUF or the size of the pipe."""

    head: int
    tail: int
    bytes: int
    truesize: int
    limit: int
    total: int


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A piece of data; `start` of its bytes have been read; `next` is the one behind it on the chain (0: the last)."""

    next: int
    start: int
    truesize: int
    data: bytes


def rx(obj: int) -> int:
    """The key of the receive buffer of a socket, or of a pipe's only buffer."""
    return obj * 2


def tx(obj: int) -> int:
    """The key of the send buffer of a socket."""
    return obj * 2 + 1


def push(world: World, buffer: int, segment: int, data: bytes, truesize: int) -> None:
    """Append a segment. O(1)."""
    row = world.buffers[buffer]
    segments = world.segments
    segments[segment] = Segment(0, 0, truesize, data)
    n = len(data)
    if row.tail:
        last = segments[row.tail]
        segments[row.tail] = Segment(segment, last.start, last.truesize, last.data)
        head = row.head
    else:
        head = segment
    world.buffers[buffer] = Buffer(head, segment, row.bytes + n, row.truesize + truesize, row.limit, row.total + n)


def take(world: World, buffer: int, n: int) -> bytes:
    """The first `n` unread bytes, which are there, and away with them."""
    row = world.buffers[buffer]
    if row.bytes == n and row.head == row.tail:
        segment = world.segments.pop(row.head)
        world.buffers[buffer] = Buffer(0, 0, 0, 0, row.limit, row.total)
        return segment.data[segment.start :] if segment.start else segment.data
    data = first_bytes(world, buffer, n)
    consume(world, buffer, n)
    return data


def consume(world: World, buffer: int, n: int) -> None:
    """Take the first `n` bytes away. Segments that are used up leave the chain with their charge."""
    row = world.buffers[buffer]
    segments = world.segments
    head, tail, charge, left = row.head, row.tail, row.truesize, n
    while left and head:  # a mirrored buffer has bytes without segments
        segment = segments[head]
        have = len(segment.data) - segment.start
        if have > left:
            segments[head] = Segment(segment.next, segment.start + left, segment.truesize, segment.data)
            break
        left -= have
        charge -= segment.truesize
        del segments[head]
        head = segment.next
    world.buffers[buffer] = Buffer(head, tail if head else 0, row.bytes - n, charge, row.limit, row.total)


def contents(world: World, buffer: int) -> Iterator[bytes]:
    """The unread bytes, a piece a segment, from the head."""
    row = world.buffers.get(buffer)
    node = row.head if row else 0
    while node:
        segment = world.segments[node]
        yield segment.data[segment.start :]
        node = segment.next


def first_bytes(world: World, buffer: int, n: int) -> bytes:
    """The first `n` unread bytes, or as many as there are."""
    head = world.buffers[buffer].head
    if not head:
        return b""
    segment = world.segments[head]
    data = segment.data
    if segment.start:
        data = data[segment.start :]
    if len(data) >= n or not segment.next:
        return data[:n]
    pieces, got, node = [data], len(data), segment.next
    while node and got < n:
        segment = world.segments[node]
        pieces.append(segment.data[segment.start :])
        got += len(pieces[-1])
        node = segment.next
    return b"".join(pieces)[:n]


def bytes_at(world: World, buffer: int, offset: int, n: int) -> bytes:
    """Up to `n` bytes from the unread byte `offset` on. O(segments before the end)."""
    node = world.buffers[buffer].head
    pieces: list[bytes] = []
    while node and n:
        segment = world.segments[node]
        have = len(segment.data) - segment.start
        if offset < have:
            at = segment.start + offset
            piece = segment.data[at : at + n]
            pieces.append(piece)
            n -= len(piece)
            offset = 0
        else:
            offset -= have
        node = segment.next
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class BufferResized(Event):
    """`setsockopt(SO_RCVBUF or SO_SNDBUF)`, or the kernel's own tuning."""

    buffer: int
    limit: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        world.buffers[self.buffer] = Buffer(row.head, row.tail, row.bytes, row.truesize, self.limit, row.total)


class BytesCopiedIn(Event):
    """User → kernel: the bytes of one `send` or `write` became segment `segment` at the tail of `buffer`."""

    buffer: int
    segment: int
    data: bytes
    truesize: int

    def apply(self, world: World) -> None:
        buffer = self.buffer
        row = world.buffers[buffer]
        if row.head:
            push(world, buffer, self.segment, self.data, self.truesize)
            return
        segment, data = self.segment, self.data
        n = len(data)
        world.segments[segment] = Segment(0, 0, self.truesize, data)
        world.buffers[buffer] = Buffer(segment, segment, n, self.truesize, row.limit, row.total + n)


class BytesCopiedOut(Event):
    """Kernel → user: the first `n` bytes of `buffer` are now the program's."""

    buffer: int
    n: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        if self.n == row.bytes and row.head == row.tail and self.n:
            world.segments.pop(row.head, None)
            world.buffers[self.buffer] = Buffer(0, 0, 0, 0, row.limit, row.total)
        else:
            consume(world, self.buffer, self.n)


class SegmentDelivered(Event):
    """On the same host: the segment at the head of send buffer `source` moved to the receive buffer `target`.

    The acknowledgement that frees the sender's copy is part of it: on loopback it comes back before `send` returns.
    """

    source: int
    target: int

    def apply(self, world: World) -> None:
        buffers, segments = world.buffers, world.segments
        source, target = buffers[self.source], buffers[self.target]
        head = source.head
        segment = segments[head]
        charge, n = segment.truesize, len(segment.data) - segment.start
        after = segment.next
        buffers[self.source] = Buffer(
            after, source.tail if after else 0, source.bytes - n, source.truesize - charge, source.limit, source.total
        )
        if after or segment.start:
            segments[head] = Segment(0, 0, charge, segment.data[segment.start :])
        first = target.head
        if first:
            last = segments[target.tail]
            segments[target.tail] = Segment(head, last.start, last.truesize, last.data)
        else:
            first = head
        buffers[self.target] = Buffer(
            first, head, target.bytes + n, target.truesize + charge, target.limit, target.total + n
        )


class SegmentSplit(Event):
    """Only the first `n` bytes of the head of `buffer` fit into the peer's window: the rest becomes segment `rest`."""

    buffer: int
    n: int
    rest: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        segments = world.segments
        head = segments[row.head]
        cut = head.start + self.n
        charge = head.truesize * self.n // max(1, len(head.data) - head.start)
        segments[row.head] = Segment(self.rest, head.start, charge, head.data[:cut])
        segments[self.rest] = Segment(head.next, 0, head.truesize - charge, head.data[cut:])
        if row.tail == row.head:
            world.buffers[self.buffer] = Buffer(row.head, self.rest, row.bytes, row.truesize, row.limit, row.total)


class DatagramReceived(Event):
    """A datagram from `source` is at the tail of receive buffer `buffer`, whole or not at all."""

    buffer: int
    segment: int
    data: bytes
    truesize: int
    source: str

    def apply(self, world: World) -> None:
        push(world, self.buffer, self.segment, self.data, self.truesize)
        world.senders[self.segment] = self.source


class DatagramTaken(Event):
    """The program took the datagram at the head of `buffer`: `n` of its bytes; what it left is lost."""

    buffer: int
    n: int

    def apply(self, world: World) -> None:
        row = world.buffers[self.buffer]
        segment = world.segments.pop(row.head)
        world.senders.pop(row.head, None)
        left = row.bytes - len(segment.data)
        tail = row.tail if segment.next else 0
        world.buffers[self.buffer] = Buffer(
            segment.next, tail, left, row.truesize - segment.truesize, row.limit, row.total
        )


class DatagramDropped(Event):
    """Receive buffer `buffer` had no room for a datagram of `n` bytes: it is lost, and its sender does not know."""

    buffer: int
    n: int


class RightsAttached(Event):
    """Open files travel with `segment` (SCM_RIGHTS): until somebody receives them, the message refers to them."""

    segment: int
    files: tuple[int, ...]

    def apply(self, world: World) -> None:
        world.rights[self.segment] = self.files


class RightsTaken(Event):
    """The open files that travelled with `segment` were received, or thrown away with it."""

    segment: int

    def apply(self, world: World) -> None:
        del world.rights[self.segment]


class BufferDiscarded(Event):
    """Everything in `buffer` was thrown away (RST, or closed with unread data)."""

    buffer: int

    def apply(self, world: World) -> None:
        consume(world, self.buffer, world.buffers[self.buffer].bytes)
