"""The calls of `socket.socket`. What every program does all the time is written out, for speed."""

from __future__ import annotations

import socket
from typing import Any

from .notes import (
    ACCEPT,
    BIND,
    CLOSE,
    CONNECT,
    FCNTL,
    HOT,
    LISTEN,
    RECV,
    RECVMSG,
    SEND,
    SENDMSG,
    SETSOCKOPT,
    SHUTDOWN,
    SOCKET,
    SOCKETPAIR,
    detail,
    generic,
    getframe,
    ident,
    left_out,
    look,
    note,
    note_hot,
    notes,
    now,
    own,
    plain,
    value_of,
    zero,
)


def _hot_recv(real: Any) -> Any:
    add, sleeping, whole = notes.add, notes.sleeping, notes

    def recv(self: Any, bufsize: Any, flags: Any = 0, /) -> Any:
        thread = ident()
        fd = self.fileno()
        before = now()
        sleeping[thread] = (RECV, fd, bufsize, before)
        try:
            data = real(self, bufsize, flags)
        except OSError as error:
            add((RECV, thread, before, now(), fd, bufsize, -(error.errno or 0), whole.place(getframe(1))))
            raise
        if whole.detail:
            after = now()
            add((RECV, thread, before, after, fd, look(bufsize, data, len(data)), len(data), whole.place(getframe(1))))
        else:
            add((RECV, thread, before, now(), fd, bufsize, len(data), 0))
        return data

    def counted(self: Any, bufsize: Any, flags: Any = 0, /) -> Any:
        left_out()
        return real(self, bufsize, flags)

    return recv, counted


def _hot_send(real: Any, whole_result: Any) -> Any:
    add, sleeping, whole = notes.add, notes.sleeping, notes

    def send(self: Any, data: Any, flags: Any = 0, /) -> Any:
        thread = ident()
        fd = self.fileno()
        before = now()
        length = len(data)
        sleeping[thread] = (SEND, fd, length, before)
        try:
            sent = real(self, data, flags)
        except OSError as error:
            add((SEND, thread, before, now(), fd, length, -(error.errno or 0), whole.place(getframe(1))))
            raise
        count = length if whole_result else sent
        if whole.detail:
            after = now()
            add((SEND, thread, before, after, fd, look(length, data, count), count, whole.place(getframe(1))))
        else:
            add((SEND, thread, before, now(), fd, length, count, 0))
        return sent

    def counted(self: Any, data: Any, flags: Any = 0, /) -> Any:
        left_out()
        return real(self, data, flags)

    return send, counted


def probe_sockets() -> Any:
    cls: Any = socket.socket
    raw: Any = cls.__mro__[1]
    HOT[cls, "recv"] = _hot_recv(raw.recv)
    HOT[cls, "send"] = _hot_send(raw.send, False)
    HOT[cls, "sendall"] = _hot_send(raw.sendall, True)
    note_hot(True)
    cls.recv_into = generic(raw.recv_into, RECV, own, lambda a, k, v: len(a[1]) if len(a) > 1 else 0, value_of)
    cls.recvfrom = generic(
        raw.recvfrom, RECV, own, lambda a, k, v: a[1] if len(a) > 1 else 0, lambda a, k, v: len(v[0])
    )
    cls.recvfrom_into = generic(raw.recvfrom_into, RECV, own, lambda a, k, v: len(a[1]), lambda a, k, v: v[0])
    cls.sendto = generic(raw.sendto, SEND, own, lambda a, k, v: len(a[1]) if len(a) > 1 else 0, value_of)
    if hasattr(raw, "recvmsg"):
        cls.recvmsg = generic(raw.recvmsg, RECVMSG, own, zero, lambda a, k, v: len(v[0]))
        cls.sendmsg = generic(raw.sendmsg, SENDMSG, own, zero, value_of)
    cls.bind = generic(raw.bind, BIND, own, detail(1), zero)
    cls.listen = generic(raw.listen, LISTEN, own, lambda a, k, v: a[1] if len(a) > 1 else 128, zero)
    cls.connect = generic(raw.connect, CONNECT, own, detail(1), zero)
    cls.connect_ex = generic(raw.connect_ex, CONNECT, own, detail(1), lambda a, k, v: -v)
    cls.shutdown = generic(raw.shutdown, SHUTDOWN, own, lambda a, k, v: a[1] if len(a) > 1 else 0, zero)
    cls.setsockopt = generic(raw.setsockopt, SETSOCKOPT, own, detail(1, 2, 3), zero)
    cls.setblocking = generic(
        raw.setblocking, FCNTL, own, lambda a, k, v: notes.name(("args", ["F_SETFL", 0 if a[1] else 1])), zero
    )
    cls._accept = generic(
        raw._accept,
        ACCEPT,
        own,
        lambda a, k, v: notes.name(("args", [plain(v[1])])) if v else notes.name(("args", [])),
        lambda a, k, v: v[0],
    )
    init, real_close, detach = cls.__init__, cls._real_close, cls.detach

    def __init__(self: Any, family: Any = -1, type: Any = -1, proto: Any = -1, fileno: Any = None) -> None:
        before = now()
        init(self, family, type, proto, fileno)
        if fileno is None:
            said = notes.name(("args", [int(self.family), int(self.type), self.proto]))
            note(SOCKET, -1, said, self.fileno(), before, notes.place(getframe(1)))

    def _real_close(self: Any, *rest: Any) -> Any:
        before = now()
        fd = self.fileno()
        place = notes.place(getframe(2))
        if fd >= 0:
            note(CLOSE, fd, 0, 0, before, place)  # before it is done: the number may be another's a moment later
        return real_close(self, *rest)

    cls.__init__, cls._real_close, cls.detach = __init__, _real_close, detach
    pair = socket.socketpair

    def socketpair(*args: Any, **keywords: Any) -> Any:
        before = now()
        a, b = pair(*args, **keywords)
        said = notes.name(("args", [int(a.family), int(a.type), a.proto, a.fileno(), b.fileno()]))
        note(SOCKETPAIR, -1, said, 0, before, notes.place(getframe(1)))
        return a, b

    socket.socketpair = socketpair
