"""An echo server on epoll. A line on its stdin changes it while it runs:

lt, et        how its connections are triggered
once, drain   read once an event, or until there is nothing left
"""

import select
import socket
import sys
import threading

trigger = select.EPOLLET if "et" in sys.argv[2:] else 0
drain = bool(trigger)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("port", listener.getsockname()[1], flush=True)
ep = select.epoll()
ep.register(listener, select.EPOLLIN)
clients = {}


def listen_to_stdin():
    global trigger, drain
    for line in sys.stdin:
        if line.strip() in ("lt", "et"):
            trigger = select.EPOLLET if line.strip() == "et" else 0
            for fd in list(clients):
                ep.modify(fd, select.EPOLLIN | trigger)
        elif line.strip() in ("once", "drain"):
            drain = line.strip() == "drain"


def echo(connection):
    """False at the end of the connection."""
    while True:
        try:
            data = connection.recv(16)
            connection.sendall(data)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if not drain:
            return True


threading.Thread(target=listen_to_stdin, daemon=True).start()
while True:
    for fd, _ in ep.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept()
            connection.setblocking(False)
            clients[connection.fileno()] = connection
            ep.register(connection, select.EPOLLIN | trigger)
        elif not echo(clients[fd]):
            ep.unregister(fd)
            clients.pop(fd).close()
