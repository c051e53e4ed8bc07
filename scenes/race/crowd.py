"""Twelve connections, asked in three ways who has spoken: first one of them has, then all."""

import select
import socket
import time

pairs = [socket.socketpair() for _ in range(12)]
watched = [ours for ours, _ in pairs]
poller, ep = select.poll(), select.epoll()
for ours in watched:
    poller.register(ours, select.POLLIN)
    ep.register(ours, select.EPOLLIN)


def taken(name, ask):
    start = time.perf_counter_ns()
    ready = ask()
    print(f"{name}: {len(ready)} ready, {time.perf_counter_ns() - start} ns")


def race(title):
    print(title)
    taken("select", lambda: select.select(watched, [], [])[0])
    taken("poll  ", poller.poll)
    taken("epoll ", ep.poll)


pairs[4][1].send(b"!")
race("one of twelve has spoken")
for _, theirs in pairs:
    theirs.send(b"!")
race("all twelve have spoken")
