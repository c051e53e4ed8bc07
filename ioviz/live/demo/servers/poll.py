"""An echo server on poll: a list of descriptors, scanned at every call."""

import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("port", listener.getsockname()[1], flush=True)
poller = select.poll()
poller.register(listener, select.POLLIN)
clients = {}
while True:
    for fd, _ in poller.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept()
            clients[connection.fileno()] = connection
            poller.register(connection, select.POLLIN)
            continue
        try:
            data = clients[fd].recv(64)
            clients[fd].sendall(data)
        except OSError:
            data = b""
        if not data:
            poller.unregister(fd)
            clients.pop(fd).close()
