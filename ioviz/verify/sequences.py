"""Random sequences of operations, from a seed.

What is drawn knows what there is (which slots are open, of which kind, whether they block), so that most operations
mean something; about one in fifteen is pointless on purpose, since errnos are compared too. Sizes are mostly small, now
and then a buffer's. Not drawn, because time or memory of the computer would decide: time-outs that run out, TCP that
fills its autotuned buffers, listening queues that overflow; nor urgent data, see ACCURACY.md.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from ioviz.verify.ops import DGRAM, DONTWAIT, INET6, O_NONBLOCK, SEQPACKET, STREAM, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

LENGTH: Final = (20, 90)
"""Operations in a sequence, from and to."""
TASKS: Final = 3
IN, PRI, OUT, RDHUP, EXCLUSIVE, ONESHOT, ET = 1, 2, 4, 0x2000, 1 << 28, 1 << 30, 1 << 31
ADD, DEL, MOD = 1, 2, 3
PEEK, TRUNC, WAITALL = 2, 0x20, 0x100
MASKS: Final = (
    IN,
    OUT,
    IN | OUT,
    IN | RDHUP,
    IN | ET,
    OUT | ET,
    IN | OUT | ET,
    IN | ONESHOT,
    IN | OUT | RDHUP | PRI,
    0,
)
TCP_LIMIT: Final = 24_000
"""Bytes that a TCP socket is sent at most, so that no buffer of Linux's own choice fills."""
DATA: Final = ("tcp", "unix", "dgram", "seqpacket", "udp", "udp6")
"""Sockets that bytes go through."""
LISTENERS: Final = {"listener": "tcp", "local": "unix", "local packets": "seqpacket"}
"""And those that give connections, which are of these kinds."""
SOCKETS: Final = (*DATA, *LISTENERS)
TYPES: Final = {"unix": STREAM, "dgram": DGRAM, "seqpacket": SEQPACKET, "local": STREAM, "local packets": SEQPACKET}
OPTIONS: Final = ((1, 2), (1, 9), (1, 15), (6, 1), (1, 10))
"""(level, option): SO_REUSEADDR, SO_KEEPALIVE, SO_REUSEPORT, TCP_NODELAY, SO_OOBINLINE: set to 1."""
READABLE: Final = ((1, 3), (1, 2), (1, 9), (1, 30), (1, 38), (1, 39))
"""SO_TYPE, SO_REUSEADDR, SO_KEEPALIVE, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN."""


class _Slot:
    """What the generator knows of a descriptor. `owner` is the one task that may sleep on it: which of several sleepers
    that are all woken gets the data is left open by Linux."""

    def __init__(self, number: int, kind: str, blocks: bool, owner: int) -> None:
        self.number = number
        self.kind = kind
        self.blocks = blocks
        self.owner = owner
        self.sent = 0
        self.children = 0
        self.shut: list[int] = []
        """Not empty once it was shut down; its duplicates share the list."""
        self.held = False
        """Whether a call that sleeps may hold it open."""


class Generator:
    """Sequences from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.slots: list[_Slot] = []
        self._last = 0
        self._tag = 0
        self._waits = False
        """Whether tasks sleep in epoll_wait, poll and select in this sequence, or else in the calls that move data:
        which of two that wake for the same thing runs first is left open by Linux."""
        self._holds = False
        """Whether descriptors are closed that somebody sleeps on, which end only when the sleeper wakes; then nobody
        else may wake for the same thing, who would see the end or not: nobody sleeps in epoll_wait, or nothing is shut
        down."""

    def sequence(self) -> list[Op]:
        """The next sequence."""
        self.slots, self._last, self._tag = [], 0, 0
        self._waits, self._holds = self.random.random() < 0.5, self.random.random() < 0.3
        ops: list[Op] = []
        for _ in range(self.random.randint(2, 4)):
            ops.append(self._make())
        ops.append(self._epoll())
        length = self.random.randint(*LENGTH)
        while len(ops) < length:
            ops.append(self._next())
        ops.append(Op(0, "look", ()))
        return ops

    # -- what there is

    def _new(self, kind: str, blocks: bool) -> int:
        self._last += 1
        self.slots.append(_Slot(self._last, kind, blocks, self._last % TASKS + 1))
        return self._last

    def _of(self, *kinds: str) -> _Slot | None:
        """An open slot of one of `kinds`; now and then one of any kind."""
        if self.slots and self.random.random() < 0.06:
            return self.random.choice(self.slots)
        fitting = [slot for slot in self.slots if slot.kind in kinds]
        return self.random.choice(fitting) if fitting else None

    def _any(self) -> _Slot:
        return self.random.choice(self.slots)

    def _task(self, slot: _Slot) -> int:
        """Who is to make a call that sleeps if the descriptor blocks."""
        task = slot.owner if slot.blocks or self.random.random() < 0.05 else 0
        slot.held |= task > 0
        return task

    # -- operations

    def _next(self) -> Op:
        if len(self.slots) < 3:
            return self._make()
        draw = self.random.choices(_DRAWN, _WEIGHTS)[0]
        op: Op | None = getattr(self, "_" + draw)()
        return op or Op(0, "look", ())

    def _make(self) -> Op:
        blocks = self._may_block()
        flags = 0 if blocks else O_NONBLOCK
        kind = self.random.choices(list(_MADE), list(_MADE.values()))[0]
        if len(self.slots) > 18:
            return Op(0, "look", ())
        if kind == "pipe":
            return Op(0, "pipe", (self._new("r", blocks), self._new("w", blocks), flags))
        if kind in ("unix", "dgram", "seqpacket"):
            return Op(0, "pair", (self._new(kind, blocks), self._new(kind, blocks), TYPES[kind] | flags))
        if kind in ("local", "local packets"):
            return Op(0, "local", (self._new(kind, blocks), TYPES[kind] | flags, 16))
        if kind == "tcp":
            return Op(0, "tcp", (self._new("tcp", blocks), self._new("tcp", blocks), flags))
        if kind == "listener":
            return Op(0, "listener", (self._new("listener", blocks), 16, flags))
        if kind == "udp":
            return Op(0, "udp", (self._new("udp", blocks), flags))
        if kind == "udp6":
            return Op(0, "udp", (self._new("udp6", blocks), flags, INET6))
        if kind == "eventfd":
            extra = self.random.choice((0, 0, 1))
            return Op(0, "eventfd", (self._new("eventfd", blocks), self.random.choice((0, 0, 1, 3)), flags | extra))
        return self._epoll()

    def _may_block(self) -> bool:
        return not self._waits and self.random.random() < 0.6

    def _epoll(self) -> Op:
        op = Op(0, "epoll", (self._new("epoll", False),))
        self.slots[-1].owner = 1  # of all of them: one may be nested in another
        return op

    def _dup(self) -> Op:
        return Op(0, "dup", self._dup_of(self._any()))

    def _dup_of(self, old: _Slot) -> tuple[int, int]:
        """A slot for a duplicate of `old`, and that."""
        new = self._new(old.kind, old.blocks)
        self.slots[-1].owner, self.slots[-1].sent, self.slots[-1].shut = old.owner, TCP_LIMIT // 2, old.shut
        return new, old.number

    def _dup2(self) -> Op | None:
        old, over = self._any(), self._any()
        if over is old or (over.held and not self._holds):
            return None
        self.slots.remove(over)
        return Op(0, "dup2", (*self._dup_of(old), over.number))

    def _connect(self) -> Op | None:
        to = self._of(*LISTENERS)
        if to is None or to.children > 8 or to.kind == "udp6":
            return None
        to.children += 1
        return Op(0, "connect", (self._new(LISTENERS.get(to.kind, "tcp"), False), to.number))

    def _accept(self) -> Op | None:
        listener = self._of(*LISTENERS)
        if listener is None:
            return None
        blocks = self._may_block()
        made = self._new(LISTENERS.get(listener.kind, "tcp"), blocks)
        return Op(self._task(listener), "accept", (made, listener.number, 0 if blocks else O_NONBLOCK))

    def _again(self) -> Op | None:
        slot, to = self._of("tcp", "udp", "udp6"), self._of("listener", "udp", "udp6", "tcp")
        if slot is None or to is None or slot.blocks or slot.shut:  # see ACCURACY.md
            return None
        if (slot.kind, to.kind) not in {("tcp", "listener"), ("udp", "udp"), ("udp6", "udp6")}:
            return None
        return Op(0, "again", (slot.number, to.number))

    def _size(self, slot: _Slot) -> int:
        kind, draw = slot.kind, self.random.random()
        if draw < 0.55:
            return self.random.choice((1, 2, 3, 5))
        if kind == "tcp":
            size = self.random.choice((10, 100, 1000, 3000))
            slot.sent += size
            return size if slot.sent < TCP_LIMIT else 1
        if kind in ("dgram", "seqpacket", "udp", "udp6"):
            return self.random.choice((0, 10, 500, 1400))
        return self.random.choice((0, 10, 100, 4096, 5000, 8192, 70_000)) if draw < 0.9 else 8

    def _flags_of(self, slot: _Slot, *extra: int) -> int:
        return self.random.choice((0, 0, 0, *extra))

    def _send(self) -> Op | None:
        slot = self._of(*DATA)
        if slot is None:
            return None
        size = self._size(slot)
        return self._sends(slot, 0, lambda flags: ("send", (slot.number, self._next_tag(), size, flags)))

    def _sendto(self) -> Op | None:
        kind = self.random.choice(("udp", "udp", "udp6"))
        slot, to = self._of(kind), self._of(kind)
        if slot is None or to is None or to.kind not in ("udp", "udp6", "tcp"):
            return None
        if (slot.kind == "udp6") != (to.kind == "udp6"):  # no library gives an IPv6 socket an address of IPv4
            return None
        size = self._size(slot)
        return self._sends(slot, 0, lambda flags: ("sendto", (slot.number, to.number, self._next_tag(), size, flags)))

    def _recv(self) -> Op | None:
        slot = self._of(*DATA)
        if slot is None:
            return None
        extra = (PEEK, PEEK, WAITALL) if slot.kind == "tcp" else (PEEK, PEEK, WAITALL, TRUNC)
        n = self.random.choice((1, 2, 4, 10, 100, 5000, 100_000))
        return self._sends(slot, self._flags_of(slot, *extra), lambda flags: ("recv", (slot.number, n, flags)))

    def _sends(self, slot: _Slot, flags: int, made: Any) -> Op:
        """A call with MSG flags: by task 0 only if it cannot sleep."""
        if slot.blocks and self.random.random() < 0.4:
            flags |= DONTWAIT
        task = 0 if flags & DONTWAIT else self._task(slot)
        kind, args = made(flags)
        return Op(task, kind, args)

    def _next_tag(self) -> int:
        self._tag = self._tag % 255 + 1
        return self._tag

    def _write(self) -> Op | None:
        slot = self._of("w", "w", "eventfd", "unix", "tcp")
        if slot is None:
            return None
        size = 8 if slot.kind == "eventfd" and self.random.random() < 0.9 else self._size(slot)
        return Op(self._task(slot), "write", (slot.number, self._next_tag(), size))

    def _read(self) -> Op | None:
        slot = self._of("r", "r", "eventfd", "unix", "tcp")
        if slot is None:
            return None
        n = (
            8
            if slot.kind == "eventfd" and self.random.random() < 0.9
            else self.random.choice((1, 2, 10, 4096, 5000, 70_000))
        )
        return Op(self._task(slot), "read", (slot.number, n))

    def _shutdown(self) -> Op | None:
        slot = self._of(*SOCKETS)
        if slot is None or (self._holds and not self._waits):
            return None
        slot.shut.append(slot.number)
        if self._waits and slot.kind == "tcp":  # a sleeper would see the acknowledgement, which Linux delays
            return Op(0, "shutdown", (slot.number, 0))
        return Op(0, "shutdown", (slot.number, self.random.choice((0, 1, 1, 2))))

    def _close(self) -> Op | None:
        slot = self._any()
        if slot.held and not self._holds:
            return None
        self.slots.remove(slot)
        return Op(0, "close", (slot.number,))

    def _reset(self) -> Op | None:
        slot = self._of("tcp")
        if slot is not None and slot.kind == "tcp" and not slot.held:
            self.slots.remove(slot)
            return Op(0, "reset", (slot.number,))
        return None

    def _error(self) -> Op | None:
        slot = self._of(*SOCKETS)
        return None if slot is None else Op(0, "error", (slot.number,))

    def _queued(self) -> Op:
        return Op(0, "queued", (self._any().number,))

    def _set(self) -> Op | None:
        slot = self._of(*SOCKETS)
        return None if slot is None else Op(0, "set", (slot.number, *self.random.choice(OPTIONS), 1))

    def _get(self) -> Op | None:
        slot = self._of(*SOCKETS)
        return None if slot is None else Op(0, "get", (slot.number, *self.random.choice(READABLE)))

    def _listen(self) -> Op | None:
        slot = self._of("listener")
        if slot is None or slot.kind not in ("unix", "udp"):  # one that was shut down and listens again: ACCURACY.md
            return None
        return Op(0, "listen", (slot.number, 16))

    def _ctl(self) -> Op | None:
        ep = self._of("epoll")
        slot = self._any()
        if ep is None:
            return None
        mask = self.random.choice(MASKS)
        if self.random.random() < 0.05:
            mask |= EXCLUSIVE
        return Op(0, "ctl", (ep.number, slot.number, self.random.choice((ADD, ADD, ADD, MOD, MOD, DEL)), mask))

    def _wait(self) -> Op | None:
        ep = self._of("epoll")
        if ep is None:
            return None
        sleeps = self._waits and not self._holds and self.random.random() < 0.3
        task = ep.owner if sleeps else 0
        return Op(task, "wait", (ep.number, self.random.choice((1, 2, 64)), -1 if sleeps else 0))

    def _some(self, task: int) -> list[_Slot]:
        """A few slots; those that task `task` may sleep on, if it is not the one that drives."""
        slots = [slot for slot in self.slots if not task or slot.owner == task]
        some = self.random.sample(slots, self.random.randint(1, min(4, len(slots)))) if slots else []
        for slot in some:
            slot.held |= task > 0
        return some

    def _poll(self) -> Op:
        sleeps = self._waits and self.random.random() < 0.3
        task = self.random.randint(1, TASKS) if sleeps else 0
        masks = tuple(
            (slot.number, self.random.choice((IN, OUT, IN | OUT, RDHUP, PRI, 0))) for slot in self._some(task)
        )
        return Op(task, "poll", (masks, None if sleeps and masks else 0))

    def _select(self) -> Op:
        sleeps = self._waits and self.random.random() < 0.3
        task = self.random.randint(1, TASKS) if sleeps else 0
        sets = [tuple(sorted(slot.number for slot in self._some(task) if self.random.random() < 0.7)) for _ in range(3)]
        return Op(task, "select", (*sets, None if sleeps and any(sets) else 0))

    def _look(self) -> Op:
        return Op(0, "look", ())


_MADE: Final = {
    "pipe": 6, "unix": 5, "dgram": 2, "seqpacket": 2, "tcp": 8, "listener": 4, "local": 2, "local packets": 1, "udp": 3,
    "udp6": 2, "eventfd": 4, "epoll": 2,
}  # fmt: skip
"""What is made, and how often."""
_DRAW: Final[Sequence[tuple[str, int]]] = (
    ("make", 5),
    ("dup", 3),
    ("dup2", 1),
    ("connect", 4),
    ("accept", 5),
    ("again", 1),
    ("send", 14),
    ("sendto", 3),
    ("recv", 14),
    ("write", 9),
    ("read", 9),
    ("shutdown", 3),
    ("close", 4),
    ("reset", 1),
    ("error", 2),
    ("queued", 2),
    ("set", 1),
    ("get", 1),
    ("listen", 1),
    ("ctl", 14),
    ("wait", 14),
    ("poll", 4),
    ("select", 3),
    ("look", 5),
)
_DRAWN: Final = [name for name, _ in _DRAW]
_WEIGHTS: Final = [weight for _, weight in _DRAW]
