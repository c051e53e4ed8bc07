"""An echo server that asks each socket in turn, again and again: non-blocking calls, no waiting."""

import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.setblocking(False)
print("port", listener.getsockname()[1], flush=True)
clients = []
while True:
    try:
        connection, _ = listener.accept()
        connection.setblocking(False)
        clients.append(connection)
    except BlockingIOError:
        pass
    for connection in clients[:]:
        try:
            data = connection.recv(64)
            connection.sendall(data)
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            clients.remove(connection)
            connection.close()
    time.sleep(0.1)
