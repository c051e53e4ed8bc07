"""An echo server on select: three sets of descriptors, copied and scanned at every call."""

import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("port", listener.getsockname()[1], flush=True)
watched = [listener]
while True:
    readable, _, _ = select.select(watched, [], [])
    for ready in readable:
        if ready is listener:
            connection, _ = listener.accept()
            watched.append(connection)
            continue
        try:
            data = ready.recv(64)
            ready.sendall(data)
        except OSError:
            data = b""
        if not data:
            watched.remove(ready)
            ready.close()
