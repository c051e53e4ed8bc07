"""An echo server with blocking calls: a thread for each client."""

import socket
import sys
import threading


def serve(connection):
    with connection:
        while data := connection.recv(64):
            connection.sendall(data)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("port", listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
