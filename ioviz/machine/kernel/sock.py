"""What all kinds of sockets share: how one is made, flags and options by name, time-outs, sleeping, SIGPIPE.

Source: Linux `net/core/sock.c`, `net/core/stream.c`, `include/linux/socket.h`.
"""

from __future__ import annotations

from errno import EPIPE
from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel.inet import AF_UNIX, SOCK_STREAM, SOL_SOCKET, option
from ioviz.machine.kernel.signals import broken_pipe
from ioviz.model.poll_bits import POLLERR, POLLIN
from ioviz.model.socket import SocketCreated
from ioviz.model.wait import EXCLUSIVE

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel
    from ioviz.model.files import OpenFile

MSG_PEEK: Final = 0x2
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40
MSG_WAITALL: Final = 0x100
MSG_NOSIGNAL: Final = 0x4000
MSG_MORE: Final = 0x8000
SO_OOBINLINE: Final = 10
SO_LINGER: Final = 13
SO_PASSCRED: Final = 16
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
RCVBUF: Final = 131072
SNDBUF: Final = 16384
RMEM_DEFAULT: Final = 212992
"""The default of both buffers of sockets that are not TCP's."""
MIN_RCVBUF: Final = 2304
MIN_SNDBUF: Final = 4608


def create(k: Kernel, family: int, kind: int, protocol: int) -> int:
    """A new socket on the host that runs; its id."""
    sock = k.new_id()
    config = k.config
    tcp = family != AF_UNIX and kind == SOCK_STREAM
    rcvbuf = max(config.rcvbuf, MIN_RCVBUF) if config.rcvbuf else RCVBUF if tcp else RMEM_DEFAULT
    sndbuf = max(config.sndbuf, MIN_SNDBUF) if config.sndbuf else SNDBUF if tcp else RMEM_DEFAULT
    k.emit(SocketCreated, sock, k.cpu, family, kind, protocol, rcvbuf, sndbuf)
    return sock


def deadline(k: Kernel, sock: int, name: int) -> int:
    """The time at which a call that begins to sleep now gives up, by SO_RCVTIMEO or SO_SNDTIMEO (0: never)."""
    timeout = option(k.world, sock, SOL_SOCKET, name)
    return k.now + timeout if timeout else 0


def sleep_on(k: Kernel, file: OpenFile, wchan: str, sock: int, mode: int, until: int) -> str:
    """Sleep in a call on `file`, which keeps a reference."""
    k.hold(file)
    return k.sleep(wchan, (sock,), mode, until)


def sleep_for_packet(k: Kernel, file: OpenFile, sock: int, until: int) -> str:
    """Sleep until there is a whole packet, or a connection, to be taken from the receive queue of `sock`. Room in its
    send buffer wakes nobody here, nor does it count as taken by this exclusive waiter (`receiver_wake_function`)."""
    k.thread.keys = {sock: POLLIN | POLLERR}
    try:
        return sleep_on(k, file, "__skb_wait_for_more_packets", sock, EXCLUSIVE, until)
    finally:
        k.thread.keys = None


def or_sigpipe(k: Kernel, sent: int, flags: int) -> int:
    """`sk_stream_error`: the result `sent` of a send; where it is EPIPE, SIGPIPE comes too."""
    if sent == -EPIPE and not flags & MSG_NOSIGNAL:
        broken_pipe(k)
    return sent
