"""Clients for a demo server, in a process of their own. Runs alone: `python load.py HOST PORT [SERVER]`.

A line on stdin is a command: `open`, `close` (the client that has been there longest), `send TEXT` (by the client
whose turn it is), `rate N` (messages a second from all clients together; 0 stops), `quit`. A line on stdout about five
times a second says how things are: clients, messages sent, bytes echoed, and the mean round trip in microseconds.
When stdin ends without a `quit`, whoever started us was killed: then process SERVER, which it cannot end any more, is
ended from here.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from typing import Final

REPORT: Final = 0.2
MESSAGE: Final = b"hello, kernel! how many of these bytes?\n"
MOST: Final = 10_000


class Load:
    """The clients, and when the next message is due."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.selector = selectors.DefaultSelector()
        self.clients: deque[socket.socket] = deque()
        self.sent_at: dict[socket.socket, deque[float]] = {}
        self.rate = 0.0
        self.due = 0.0
        self.sent = self.echoed = self.trips = 0
        self.travelled = 0.0
        self.commands = b""
        self.dismissed = False

    def command(self, line: str) -> bool:
        """Do what `line` says; False to quit."""
        word, _, rest = line.strip().partition(" ")
        if word == "open":
            for _ in range(min(int(rest or 1), MOST - len(self.clients))):
                self.open()
        elif word == "close" and self.clients:
            self.close(self.clients[0])
        elif word == "send" and self.clients:
            self.send(rest.encode() + b"\n" if rest else MESSAGE)
        elif word == "rate":
            self.rate, self.due = float(rest), time.monotonic()
        self.dismissed |= word == "quit"
        return word != "quit"

    def open(self) -> None:
        client = socket.create_connection(self.address, timeout=5)
        client.setblocking(False)
        self.clients.append(client)
        self.sent_at[client] = deque()
        self.selector.register(client, selectors.EVENT_READ)

    def close(self, client: socket.socket) -> None:
        self.selector.unregister(client)
        self.clients.remove(client)
        del self.sent_at[client]
        client.close()

    def send(self, data: bytes) -> None:
        """The next client in turn says something."""
        client = self.clients[0]
        self.clients.rotate(-1)
        try:
            client.send(data)
        except BlockingIOError:
            return  # it has not read its answers yet
        except OSError:
            self.close(client)
            return
        self.sent += 1
        if len(self.sent_at[client]) < 1000:
            self.sent_at[client].append(time.perf_counter())

    def receive(self, client: socket.socket) -> None:
        try:
            data = client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close(client)
            return
        self.echoed += len(data)
        times = self.sent_at[client]
        if times:
            self.travelled += time.perf_counter() - times[0]
            self.trips += 1
            times.clear()

    def run(self) -> None:
        """Until stdin ends or says so."""
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ)
        report = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= report:
                self.tell()
                report = now + REPORT
            sending = self.rate > 0 and bool(self.clients)
            wait = max(0.0, min(report, self.due) - now) if sending else report - now
            for key, _ in self.selector.select(wait):
                if key.fileobj == 0:
                    if not self.listen():
                        return
                elif isinstance(key.fileobj, socket.socket):
                    self.receive(key.fileobj)
            if sending:
                now = time.monotonic()
                for _ in range(256):
                    if self.due > now or not self.clients:
                        break
                    self.send(MESSAGE)
                    self.due += 1 / self.rate
                self.due = max(self.due, now - 0.1)

    def listen(self) -> bool:
        """Read commands; False at the end of them."""
        data = os.read(0, 4096)
        if not data:
            return False
        *lines, self.commands = (self.commands + data).split(b"\n")
        return all(self.command(line.decode(errors="replace")) for line in lines)

    def tell(self) -> None:
        mean = round(self.travelled / self.trips * 1e6) if self.trips else 0
        self.travelled, self.trips = 0.0, 0
        said = {"clients": len(self.clients), "sent": self.sent, "echoed": self.echoed, "trip": mean, "rate": self.rate}
        print(json.dumps(said), flush=True)


def main(host: str, port: str, server: str = "") -> None:
    """See the module."""
    # By a descriptor where there are such: its number may be another process's one day.
    opened = os.pidfd_open(int(server)) if server and hasattr(os, "pidfd_open") else -1
    load = Load(host, int(port))
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        load.run()
    if not load.dismissed and server:
        try:
            if opened >= 0:
                signal.pidfd_send_signal(opened, signal.SIGTERM)
            else:
                os.kill(int(server), signal.SIGTERM)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"the clients cannot reach the server: {error.strerror}")
