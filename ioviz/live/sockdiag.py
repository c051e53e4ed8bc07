"""Sizes and states of real sockets: from sock_diag (netlink), else from the tables in `/proc/PID/net`.

sock_diag is ten times as fast, and knows the limits of the buffers; it only sees the network namespace that we are in.
Source: sock_diag(7), `include/uapi/linux/inet_diag.h`, `unix_diag.h`. Whatever fails is left out, never guessed.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Final

from ioviz.live.snapshot import SocketState
from ioviz.model.socket import (
    CLOSE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    LISTEN,
    SYN_RECV,
    SYN_SENT,
    TIME_WAIT,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

STATES: Final = {
    1: ESTABLISHED, 2: SYN_SENT, 3: SYN_RECV, 4: FIN_WAIT1, 5: FIN_WAIT2, 6: TIME_WAIT, 7: CLOSE, 8: CLOSE_WAIT,
    9: LAST_ACK, 10: LISTEN, 11: CLOSING,
}  # fmt: skip
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
SOCK_STREAM, SOCK_DGRAM = 1, 2
TCP, UDP = 6, 17
NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
DUMP: Final = 0x301
"""NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH"""
OWNED: Final = 0xFFFFFFFF & ~(1 << 6 | 1 << 12)
"""States of sockets that somebody has open: not TIME_WAIT, of which there may be thousands, nor NEW_SYN_RECV."""
MEMORY: Final = 7
"""INET_DIAG_SKMEMINFO"""
SHOW_UNIX: Final = 1 | 4 | 0x10
"""Name, peer, lengths of the queues."""
REPLY: Final = 1 << 18
"""Bytes that a reply of the kernel may have."""


Answers = dict[int, tuple[bytes, SocketState]]
"""By inode: what the kernel last said of a socket, and what that means."""


def read_sockets(
    pid: int, inodes: Collection[int], *, ours: bool, before: Answers | None = None
) -> dict[int, SocketState]:
    """The sockets with these inodes. `ours`: process `pid` is in our network namespace. `before` is for whoever asks
    again and again: what the kernel says in the same bytes as before is not taken apart anew."""
    wanted = set(inodes)
    found: dict[int, SocketState] = {}
    if not wanted:
        return found
    if ours:
        try:
            for family in (AF_INET, AF_INET6):
                for protocol in (TCP, UDP):
                    found.update(_inet(family, protocol, wanted, {} if before is None else before))
                    if len(found) == len(wanted):
                        return found
            found.update(_unix(wanted))
        except (OSError, struct.error):
            found.update(_tables(pid, wanted))
        return found
    return _tables(pid, wanted)


def _ask(request: bytes) -> Iterator[bytes]:
    """The messages of the answer to a dump."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as link:
        link.settimeout(2)
        link.send(struct.pack("=LHHLL", 16 + len(request), SOCK_DIAG_BY_FAMILY, DUMP, 1, 0) + request)
        while True:
            data = link.recv(REPLY)
            at = 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=LH", data, at)
                if length < 16:
                    return
                if kind == 2:  # NLMSG_ERROR
                    number = struct.unpack_from("=i", data, at + 16)[0]
                    raise OSError(-number, os.strerror(-number))
                if kind == 3:  # NLMSG_DONE
                    return
                yield data[at + 16 : at + length]
                at += (length + 3) & ~3


def _attributes(message: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if length < 4:
            return
        yield kind, message[at + 4 : at + length]
        at += (length + 3) & ~3


def _inet(family: int, protocol: int, wanted: set[int], before: Answers) -> Iterator[tuple[int, SocketState]]:
    request = struct.pack("=BBBBL48x", family, protocol, 1 << (MEMORY - 1), 0, OWNED)
    kind = SOCK_STREAM if protocol == TCP else SOCK_DGRAM
    for message in _ask(request):
        inode = struct.unpack_from("=L", message, 68)[0]
        if inode not in wanted:
            continue
        said = before.get(inode)
        if said is not None and said[0] == message:
            yield inode, said[1]
            continue
        state = message[1]
        sport, dport = struct.unpack_from("!HH", message, 4)
        rx, tx = struct.unpack_from("=LL", message, 56)
        rcvbuf = sndbuf = 0
        for attribute, value in _attributes(message, 72):
            if attribute == MEMORY and len(value) >= 16:
                _, rcvbuf, _, sndbuf = struct.unpack_from("=4L", value)
        found = SocketState(
            inode, family, kind, STATES.get(state, CLOSE), _address(family, message[8:24], sport),
            _address(family, message[24:40], dport) if dport else "", rx, tx, 0, rcvbuf, sndbuf,
        )  # fmt: skip
        before[inode] = message, found
        yield inode, found


def _address(family: int, raw: bytes, port: int) -> str:
    if family == AF_INET:
        return f"{socket.inet_ntop(socket.AF_INET, raw[:4])}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:{port}"


def _unix(wanted: set[int]) -> Iterator[tuple[int, SocketState]]:
    for message in _ask(struct.pack("=BBHLLLL4x", AF_UNIX, 0, 0, 0xFFFFFFFF, 0, SHOW_UNIX, 0xFFFFFFFF)):
        kind, state = message[1], message[2]
        inode = struct.unpack_from("=L", message, 4)[0]
        if inode not in wanted:
            continue
        name, peer, rx = "", 0, 0
        for attribute, value in _attributes(message, 16):
            if attribute == 0:
                raw = value.rstrip(b"\0") if value[:1] != b"\0" else b"@" + value[1:]
                name = raw.decode("utf-8", "surrogateescape")
            elif attribute == 2 and len(value) >= 4:
                peer = struct.unpack_from("=L", value)[0]
            elif attribute == 4 and len(value) >= 8:
                rx = struct.unpack_from("=L", value)[0]
        yield inode, SocketState(inode, AF_UNIX, kind, STATES.get(state, CLOSE), name, "", rx, 0, peer)


def _tables(pid: int, wanted: set[int]) -> dict[int, SocketState]:
    """The same from `/proc/PID/net`, which also sees other network namespaces."""
    found: dict[int, SocketState] = {}
    for name, family, kind in (
        ("tcp", AF_INET, SOCK_STREAM), ("tcp6", AF_INET6, SOCK_STREAM),
        ("udp", AF_INET, SOCK_DGRAM), ("udp6", AF_INET6, SOCK_DGRAM),
    ):  # fmt: skip
        try:
            with open(f"/proc/{pid}/net/{name}", encoding="ascii", errors="replace") as table:
                next(table, None)
                for line in table:
                    row = _row(line.split(), family, kind)
                    if row is not None and row.inode in wanted:
                        found[row.inode] = row
        except OSError:
            continue
    return found


def _row(words: list[str], family: int, kind: int) -> SocketState | None:
    try:
        inode = int(words[9])
        tx, rx = (int(part, 16) for part in words[4].split(":"))
        local, remote = (_table_address(family, text) for text in words[1:3])
        state = STATES.get(int(words[3], 16), CLOSE)
    except (IndexError, ValueError):
        return None
    return SocketState(inode, family, kind, state, local, "" if remote.endswith(":0") else remote, rx, tx)


def _table_address(family: int, text: str) -> str:
    """`0100007F:1D11`: words of 32 bits in the order of this computer."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return _address(family, raw, int(port, 16))
