"""Sequences on which the machine once differed from Linux, each the shortest that showed it."""

from __future__ import annotations

from typing import Any

from ioviz.verify.ops import Op

NONBLOCK = 0o4000
IN, OUT, ET, EXCLUSIVE = 1, 4, 1 << 31, 1 << 28
WAITALL = 0x100


def ops(*steps: tuple[Any, ...]) -> list[Op]:
    """Operations of task 0, or of the task that a step begins with."""
    made = []
    for step in steps:
        task, kind, *args = step if isinstance(step[0], int) else (0, *step)
        made.append(Op(task, kind, tuple(args)))
    return made


PAIR = ("pair", 1, 2, 1 | NONBLOCK)
DGRAMS = ("pair", 1, 2, 2 | NONBLOCK)
ONCE_DIFFERENT: dict[str, list[Op]] = {
    "poll is woken by what it waits for alone": ops(
        ("pipe", 1, 2, NONBLOCK), (2, "poll", ((1, OUT),), None), ("close", 1), ("write", 2, 10, 1)
    ),
    "select is woken by what it waits for alone": ops(
        PAIR, ("dup", 3, 2), (3, "select", (2, 3), (), (), None), ("close", 3), ("send", 2, 1, 1, 0)
    ),
    "select looks again at any exceptional key, and arriving data carries one": ops(
        ("pair", 2, 3, 1 | NONBLOCK),
        ("epoll", 6),
        ("dup", 8, 6),
        ("write", 3, 5, 70000),
        (1, "select", (), (3,), (8,), None),
        ("close", 8),
        ("write", 2, 11, 1),
    ),
    "room to send is nothing to who waits for a packet, nor is it used up by him": ops(
        ("udp", 2, 0),
        ("epoll", 5),
        (3, "recv", 2, 10, 32),
        ("ctl", 5, 2, 1, ET | EXCLUSIVE | OUT),
        ("wait", 5, 64, 0),
        ("sendto", 2, 2, 17, 0, 64),
        ("look",),
    ),
    "the same on a pair of datagram sockets": ops(
        ("pair", 2, 3, 2),
        ("epoll", 4),
        (1, "recv", 3, 1, 32),
        (3, "recv", 2, 10, 256),
        ("dup", 5, 2),
        ("ctl", 4, 5, 1, ET | EXCLUSIVE | OUT | IN),
        ("wait", 4, 2, 0),
        ("send", 2, 8, 1, 64),
        ("wait", 4, 1, 0),
    ),
    "connect that says how it went is an edge": ops(
        ("listener", 2, 16, 2048),
        ("epoll", 5),
        ("shutdown", 2, 2),
        ("connect", 7, 2),
        ("listener", 8, 16, 2048),
        (1, "wait", 5, 64, -1),
        ("ctl", 5, 7, 1, ET | OUT),
        ("again", 7, 8),
        ("look",),
    ),
    "accept has its number before it sleeps": ops(
        ("listener", 1, 16, 0),
        ("pipe", 2, 3, 2048),
        ("epoll", 4),
        ("dup", 5, 3),
        ("ctl", 4, 5, 1, OUT),
        ("close", 5),
        (2, "accept", 6, 1, 0),
        ("dup", 7, 3),
        ("ctl", 4, 7, 2, 0),
    ),
    "who is woken in the middle of a call runs when that is over": ops(
        ("listener", 1, 16, 2048),
        ("epoll", 5),
        ("ctl", 5, 1, 1, ET | OUT | IN),
        (1, "wait", 5, 64, -1),
        ("connect", 6, 1),
        (1, "wait", 5, 1, -1),
        ("ctl", 5, 6, 1, 0),
        ("shutdown", 1, 2),
        ("wait", 5, 1, 0),
    ),
    "a local listener that was shut down has nothing to accept, for who would not wait": ops(
        ("local", 1, 1 | NONBLOCK, 16), ("shutdown", 1, 0), ("accept", 5, 1, NONBLOCK)
    ),
    "an empty packet that nobody read is no loss": ops(
        ("pair", 1, 2, 5), ("send", 2, 2, 0, 64), ("close", 1), ("look",)
    ),
    "two of them are": ops(("pair", 1, 2, 5), ("send", 2, 2, 0, 64), ("send", 2, 2, 0, 64), ("close", 1), ("look",)),
    "sendto on a local stream that is not connected": ops(
        ("udp", 3, 0), ("local", 4, 1 | NONBLOCK, 16), ("sendto", 4, 3, 12, 4096, 0)
    ),
    "accept makes room for who connects, and tells no poller": ops(
        ("local", 1, 5 | NONBLOCK, 16),
        ("pair", 4, 5, 1),
        ("epoll", 6),
        ("dup2", 8, 1, 5),
        ("connect", 10, 8),
        ("connect", 12, 1),
        ("ctl", 6, 1, 1, ET | OUT | IN),
        ("wait", 6, 2, 0),
        ("accept", 18, 8, 0),
        ("wait", 6, 64, 0),
    ),
    "an epoll instance tells who polls it of nothing but IN": ops(
        PAIR,
        ("epoll", 3),
        (1, "poll", ((3, OUT),), None),
        ("send", 2, 3, 1, 0),
        ("ctl", 3, 2, 1, OUT),
        ("close", 3),
        ("recv", 1, 10, 0),
    ),
    "FIONREAD of epoll": ops(("epoll", 1), ("queued", 1)),
    "UDP looks at the address before the shutdown": ops(
        ("udp", 1, NONBLOCK), ("shutdown", 1, 2), ("send", 1, 2, 1, 0), ("sendto", 1, 1, 3, 1, 0)
    ),
    "a datagram that leaves makes room for another, which is an edge": ops(
        ("udp", 1, 0),
        ("epoll", 2),
        ("ctl", 2, 1, 1, OUT | ET),
        ("wait", 2, 64, 0),
        ("sendto", 1, 1, 4, 1, 0),
        ("look",),
    ),
    "shutdown wakes every receiver, not the first alone": ops(
        ("udp", 1, 0),
        ("epoll", 2),
        ("ctl", 2, 1, 1, 1 << 28 | IN | ET),
        (2, "recv", 1, 10, 0),
        (1, "wait", 2, 1, -1),
        ("shutdown", 1, 0),
    ),
    "SO_REUSEPORT of a local socket": ops(DGRAMS, ("set", 2, 1, 15, 1)),
    "eventfd takes eight bytes exactly": ops(("eventfd", 1, 0, NONBLOCK), ("write", 1, 5, 70_000), ("write", 1, 5, 8)),
    "what a datagram socket's dead peer had sent is lost": ops(
        DGRAMS, ("send", 2, 3, 1, 0), ("close", 2), ("send", 1, 4, 1, 0), ("recv", 1, 2, 2), ("look",)
    ),
    "a datagram socket forgets its dead peer": ops(DGRAMS, ("close", 1), ("send", 2, 7, 1, 0), ("send", 2, 8, 1, 0)),
    "a datagram that was not sent is an edge": ops(
        DGRAMS,
        ("epoll", 3),
        ("ctl", 3, 1, 1, OUT | ET),
        ("wait", 3, 2, 0),
        ("shutdown", 2, 0),
        ("send", 1, 12, 1, 0),
        ("look",),
        ("wait", 3, 2, 0),
        ("close", 2),
        ("send", 1, 12, 1, 0),
        ("wait", 3, 2, 0),
        ("send", 1, 12, 1, 0),
        ("wait", 3, 2, 0),
    ),
    "reading a datagram is no edge for writing": ops(
        DGRAMS,
        ("epoll", 3),
        ("send", 1, 1, 1, 0),
        ("ctl", 3, 1, 2, OUT | ET),
        ("wait", 3, 64, 0),
        ("recv", 2, 10, 0),
        ("wait", 3, 64, 0),
    ),
    "the end of a datagram socket is no edge for its peer": ops(
        DGRAMS, ("epoll", 3), ("ctl", 3, 1, 2, OUT | ET), ("wait", 3, 1, 0), ("close", 1), ("wait", 3, 2, 0)
    ),
    "unread datagrams that are thrown away are an edge for their sender": ops(
        DGRAMS,
        ("epoll", 3),
        ("ctl", 3, 1, 1, OUT | ET),
        ("send", 1, 1, 1, 0),
        ("wait", 3, 1, 0),
        ("close", 2),
        ("wait", 3, 2, 0),
    ),
    "who sends to a full datagram socket hears of its end": ops(
        ("pair", 1, 2, 2),
        *(("send", 1, 5, 70_000, 0x40),) * 4,
        (1, "send", 1, 5, 70_000, 0),
        (2, "poll", ((1, OUT),), None),
        ("close", 2),
    ),
    "a local datagram to an internet address": ops(
        DGRAMS, ("shutdown", 1, 1), ("udp", 3, 0), ("sendto", 1, 3, 12, 5, 0)
    ),
    "shutdown is seen by its own side first": ops(
        PAIR,
        ("epoll", 3),
        ("ctl", 3, 2, 1, OUT | ET),
        ("ctl", 3, 1, 1, 0),
        ("wait", 3, 64, 0),
        (1, "wait", 3, 1, -1),
        ("shutdown", 1, 2),
    ),
    "an error that came with data is lost": ops(
        PAIR, ("send", 1, 10, 1, 0), ("send", 2, 11, 1, 0), ("close", 1), ("recv", 2, 10, WAITALL), ("look",)
    ),
    "a write that found the pipe full is an edge": ops(
        ("pipe", 1, 2, NONBLOCK),
        ("epoll", 3),
        ("ctl", 3, 1, 1, IN | ET),
        ("write", 2, 7, 70_000),
        ("wait", 3, 2, -1),
        (2, "wait", 3, 2, -1),
        ("write", 2, 10, 1),
    ),
    "a writer that goes on sleeping tells readers nothing if the pipe was not empty": ops(
        ("pipe", 1, 2, 0),
        ("epoll", 3),
        ("ctl", 3, 1, 1, IN | ET),
        (3, "write", 2, 2, 70_000),
        ("wait", 3, 2, 0),
        (2, "read", 1, 4096),
        ("wait", 3, 2, 0),
    ),
    "shutdown ends connecting": ops(
        ("listener", 1, 16, NONBLOCK), ("connect", 2, 1), ("shutdown", 2, 1), ("again", 2, 1)
    ),
    "shutdown that leaves a listener as it is still tells its sleepers": ops(
        ("listener", 1, 16, NONBLOCK),
        ("epoll", 2),
        ("ctl", 2, 1, 1, IN | ET),
        ("connect", 3, 1),
        ("wait", 2, 64, 0),
        (1, "wait", 2, 1, -1),
        ("shutdown", 1, 1),
    ),
    "a connect that failed and was shut down connects no more": ops(
        ("listener", 1, 16, NONBLOCK),
        ("listener", 4, 16, NONBLOCK),
        ("connect", 2, 1),
        ("dup", 3, 2),
        ("shutdown", 1, 0),
        ("shutdown", 3, 0),
        ("again", 2, 4),
        ("error", 2),
        ("again", 2, 4),
        ("look",),
    ),
    "connecting again throws away what a lost connection had brought": ops(
        ("listener", 1, 16, 0),
        ("connect", 2, 1),
        (2, "accept", 3, 1, 0),
        ("send", 3, 1, 5, 0),
        ("send", 2, 3, 1, 0),
        ("close", 3),
        ("again", 2, 1),
        ("queued", 2),
        ("look",),
    ),
    "a local connection has options of its own, not its listener's": ops(
        ("local", 1, 1 | NONBLOCK, 16),
        ("set", 1, 1, 9, 1),
        ("set", 1, 1, 16, 1),
        ("connect", 5, 1),
        ("accept", 7, 1, NONBLOCK),
        ("get", 7, 1, 9),
        ("get", 7, 1, 16),
    ),
}
