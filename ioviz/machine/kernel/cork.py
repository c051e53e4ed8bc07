"""TCP_CORK and MSG_MORE: a segment that is not full waits for more, until it is released or 200 ms have passed.

Source: Linux `tcp_push`, `tcp_check_probe_timer`, `tcp_sock_set_cork` in `net/ipv4/tcp.c`, `tcp_output.c`; tcp(7).
Where Linux differs: it sends the full segments and keeps what is left over; here, once there is a full one, all goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.machine.kernel import loopback, tcp_output
from ioviz.machine.kernel.inet import IPPROTO_TCP, option
from ioviz.machine.kernel.tcp_state import MSS_LOOPBACK

if TYPE_CHECKING:
    from ioviz.machine.kernel.kernel import Kernel

TCP_CORK: Final = 3
LONGEST: Final = 200_000_000
"""ns after which a segment is sent though it is not full."""
MSS_LINK: Final = 1460


def hold(k: Kernel, sock: int, more: bool) -> bool:
    """Data was put into the send buffer: whether it is to wait there (`more`: the call said MSG_MORE)."""
    corked = bool(option(k.world, sock, IPPROTO_TCP, TCP_CORK))
    row = k.world.sockets[sock]
    if not (corked or more) or k.world.buffers[sock * 2 + 1].bytes >= (MSS_LOOPBACK if row.peer else MSS_LINK):
        _stop(k, sock, corked)
        return False
    if k.net.corked.get(sock) is None:
        k.net.corked[sock] = k.after(LONGEST, row.host, _expired, k, sock, row.host)
    return True


def _stop(k: Kernel, sock: int, corked: bool) -> None:
    timer = k.net.corked.pop(sock, None)
    if timer is not None:
        k.cancel(timer)
    if corked:
        k.net.corked[sock] = None


def _expired(k: Kernel, sock: int, host: int) -> None:
    if sock in k.net.corked:
        k.net.corked[sock] = None
        tcp_output.timer_interrupt(k, host, flush, k, sock)


def flush(k: Kernel, sock: int) -> None:
    """Send what waits."""
    row = k.world.sockets.get(sock)
    if row is None or not k.world.buffers[sock * 2 + 1].bytes:
        return
    if row.peer:
        loopback.push(k, sock)
    else:
        tcp_output.write_xmit(k, sock)


def cork_set(k: Kernel, sock: int, corked: bool) -> None:
    """TCP_CORK was set or cleared, or TCP_NODELAY set: what waits is sent, unless it was set."""
    if corked:
        k.net.corked.setdefault(sock, None)
    elif sock in k.net.corked:
        _stop(k, sock, bool(option(k.world, sock, IPPROTO_TCP, TCP_CORK)))
        flush(k, sock)
