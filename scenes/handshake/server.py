"""Listens, is busy with something else for a while, and only then accepts whoever has come."""

import socket
import time

CLIENTS = 5

listener = socket.socket()  # no address yet: it comes with bind()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 8000))
listener.listen(3)

time.sleep(0.01)  # the program does nothing; the kernel answers for it

for _ in range(CLIENTS):
    connection, (address, port) = listener.accept()
    message = connection.recv(100)
    print(f"{address}:{port} says {message.decode()}")
    connection.close()
listener.close()
