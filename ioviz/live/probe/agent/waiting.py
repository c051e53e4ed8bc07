"""Calls that wait for several descriptors: epoll, poll, select, and kqueue where the system has that."""

from __future__ import annotations

import select
import sys
from typing import Any

from .notes import (
    CLOSE,
    EPOLL_CREATE,
    EPOLL_CTL,
    EPOLL_WAIT,
    HOT,
    KEVENT,
    POLL,
    SELECT,
    getframe,
    ident,
    left_out,
    note,
    notes,
    now,
)

ONESHOT = 1 << 30


def _epoll_class(real: Any) -> Any:
    add, sleeping, whole = notes.add, notes.sleeping, notes

    class epoll:
        """`select.epoll`, noted."""

        def __init__(self, sizehint: Any = -1, flags: Any = 0) -> None:
            before = now()
            self._take(real(sizehint, flags))
            note(EPOLL_CREATE, -1, 0, self._fd, before, whole.place(getframe(1)))

        def _take(self, inner: Any) -> Any:
            self._inner, self._fd, self._poll = inner, inner.fileno(), inner.poll
            self._oneshot = 0

        @classmethod
        def fromfd(cls, fd: Any) -> Any:
            self = cls.__new__(cls)
            self._take(real.fromfd(fd))
            return self

        def poll(self, timeout: Any = None, maxevents: Any = -1) -> Any:
            thread = ident()
            before = now()
            if timeout != 0:
                sleeping[thread] = (EPOLL_WAIT, self._fd, -1 if timeout is None else int(timeout * 1000), before)
            try:
                ready = self._poll(timeout, maxevents)
            except OSError as error:
                add((EPOLL_WAIT, thread, before, now(), self._fd, 0, -(error.errno or 0), 0))
                raise
            flat = [
                EPOLL_WAIT,
                thread,
                before,
                now(),
                self._fd,
                -1 if timeout is None or timeout < 0 else int(timeout * 1000),
                len(ready),
                whole.place(getframe(1)) if whole.detail else 0,
            ]
            for pair in ready:
                flat += pair
            add(flat)
            return ready

        def _ctl(self, op: Any, fd: Any, events: Any, call: Any) -> Any:
            self._oneshot |= events & ONESHOT
            number = fd if isinstance(fd, int) else fd.fileno()
            before = now()
            try:
                value = call()
            except OSError as error:
                said = notes.name(("args", [op, number, events]))
                note(EPOLL_CTL, self._fd, said, -(error.errno or 0), before, whole.place(getframe(2)))
                raise
            note(EPOLL_CTL, self._fd, notes.name(("args", [op, number, events])), 0, before, whole.place(getframe(2)))
            return value

        def register(self, fd: Any, eventmask: Any = select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT) -> Any:
            return self._ctl(1, fd, eventmask, lambda: self._inner.register(fd, eventmask))

        def unregister(self, fd: Any) -> Any:
            return self._ctl(2, fd, 0, lambda: self._inner.unregister(fd))

        def modify(self, fd: Any, eventmask: Any) -> Any:
            return self._ctl(3, fd, eventmask, lambda: self._inner.modify(fd, eventmask))

        def close(self) -> Any:
            if not self._inner.closed:
                note(CLOSE, self._fd, 0, 0, now(), whole.place(getframe(1)))
            self._inner.close()

        def fileno(self) -> Any:
            return self._inner.fileno()

        @property
        def closed(self) -> Any:
            return self._inner.closed

        def __enter__(self) -> Any:
            self._inner.__enter__()
            return self

        def __exit__(self, *rest: Any) -> Any:
            self.close()

    noted = epoll.poll

    def counted(self: Any, timeout: Any = None, maxevents: Any = -1) -> Any:
        if self._oneshot:  # each wait changes the interest list
            return noted(self, timeout, maxevents)
        left_out()
        if timeout == 0:
            return self._poll(timeout, maxevents)
        thread = ident()
        sleeping[thread] = (EPOLL_WAIT, self._fd, -1 if timeout is None else int(timeout * 1000), now())
        try:
            return self._poll(timeout, maxevents)
        finally:
            sleeping.pop(thread, None)

    HOT[epoll, "poll"] = noted, counted
    epoll.__module__ = "select"
    epoll.__qualname__ = "epoll"
    return epoll


def _poll_class(real: Any) -> Any:
    class Poll:
        """What `select.poll()` gives, noted."""

        def __init__(self) -> None:
            self._inner = real()
            self._asked: dict[int, int] = {}
            self.unregister = self._drop

        def register(self, fd: Any, eventmask: Any = select.POLLIN | select.POLLPRI | select.POLLOUT) -> Any:
            self._inner.register(fd, eventmask)
            self._asked[fd if isinstance(fd, int) else fd.fileno()] = eventmask

        def modify(self, fd: Any, eventmask: Any) -> Any:
            self._inner.modify(fd, eventmask)
            self._asked[fd if isinstance(fd, int) else fd.fileno()] = eventmask

        def _drop(self, fd: Any) -> Any:
            self._inner.unregister(fd)
            self._asked.pop(fd if isinstance(fd, int) else fd.fileno(), None)

        def poll(self, timeout: Any = None) -> Any:
            before = now()
            if timeout != 0:
                notes.sleeping[ident()] = (POLL, -1, 0, before)
            said = notes.name(("args", [sorted(self._asked.items())[:64], -1 if timeout is None else int(timeout)]))
            try:
                ready = self._inner.poll(timeout)
            except OSError as error:
                note(POLL, -1, said, -(error.errno or 0), before, notes.place(getframe(1)))
                raise
            pairs = [number for pair in ready for number in pair]
            note(POLL, -1, said, len(ready), before, notes.place(getframe(1)), pairs)
            return ready

    return lambda: Poll()


def _select(real: Any) -> Any:
    def numbers(things: Any) -> Any:
        return [thing if isinstance(thing, int) else thing.fileno() for thing in things]

    def select(rlist: Any, wlist: Any, xlist: Any, timeout: Any = None, /) -> Any:
        before = now()
        if timeout != 0:
            notes.sleeping[ident()] = (SELECT, -1, 0, before)
        rlist, wlist, xlist = list(rlist), list(wlist), list(xlist)
        wait = -1 if timeout is None else int(timeout * 1000)
        said = notes.name(("args", [numbers(rlist)[:64], numbers(wlist)[:64], numbers(xlist)[:64], wait]))
        try:
            ready = real(rlist, wlist, xlist, timeout)
        except OSError as error:
            note(SELECT, -1, said, -(error.errno or 0), before, notes.place(getframe(1)))
            raise
        found = [(fd, 1 << kind) for kind, part in enumerate(ready) for fd in numbers(part)]
        pairs = [number for pair in found for number in pair]
        note(SELECT, -1, said, len(found), before, notes.place(getframe(1)), pairs)
        return ready

    return select


def probe_waiting() -> None:
    module: Any = select
    selectors: Any = sys.modules.get("selectors")
    for name, probed, user in (
        ("epoll", _epoll_class, "EpollSelector"),
        ("poll", _poll_class, "PollSelector"),
        ("kqueue", _kqueue_class, "KqueueSelector"),
    ):
        if hasattr(module, name):
            setattr(module, name, probed(getattr(module, name)))
            if hasattr(selectors, user):  # it has taken its own copy already
                getattr(selectors, user)._selector_cls = getattr(module, name)
    module.select = _select(module.select)
    if selectors is not None:
        selectors.SelectSelector._select = lambda self, r, w, _, timeout=None: (*_two(r, w, timeout), [])


def _two(r: Any, w: Any, timeout: Any) -> Any:
    ready, writable, _ = select.select(r, w, [], timeout)
    return ready, writable


EV_ERROR = 0x4000


def _kqueue_class(real: Any) -> Any:
    """Elsewhere than on Linux: what `kevent` was told, as (ident, filter, flags), and what it gave, as (ident, filter).
    ioviz makes the nearest calls of epoll of it."""

    class kqueue:
        """`select.kqueue`, noted."""

        def __init__(self) -> None:
            before = now()
            self._inner = real()
            note(EPOLL_CREATE, -1, 0, self._inner.fileno(), before, notes.place(getframe(1)))

        @classmethod
        def fromfd(cls, fd: Any) -> Any:
            self = cls.__new__(cls)
            self._inner = real.fromfd(fd)
            return self

        def control(self, changes: Any, max_events: Any, timeout: Any = None) -> Any:
            before = now()
            changes = list(changes or ())
            told = [[c.ident, c.filter, c.flags] for c in changes[:64]]
            wait = -1 if timeout is None else int(timeout * 1000)
            said = notes.name(("args", [told, wait, max_events]))
            if max_events and timeout != 0:
                notes.sleeping[ident()] = (KEVENT, self._inner.fileno(), 0, before)
            try:
                ready = self._inner.control(changes, max_events, timeout)
            except OSError as error:
                note(KEVENT, self._inner.fileno(), said, -(error.errno or 0), before, notes.place(getframe(1)))
                raise
            given = [event for event in ready if not event.flags & EV_ERROR]  # else a change that failed
            pairs = [number for event in given for number in (event.ident, event.filter)]
            note(KEVENT, self._inner.fileno(), said, len(given), before, notes.place(getframe(1)), pairs)
            return ready

        def close(self) -> None:
            if not self._inner.closed:
                note(CLOSE, self._inner.fileno(), 0, 0, now(), notes.place(getframe(1)))
            self._inner.close()

        def __getattr__(self, name: Any) -> Any:
            return getattr(self._inner, name)

    return kqueue
