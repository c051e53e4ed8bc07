"""Calls at a port where nobody listens, then five times at one where somebody does."""

import socket
import sys

host = sys.argv[1]

try:
    socket.create_connection((host, 9000))
except ConnectionRefusedError as error:
    print("port 9000:", error.strerror)

connections = []
for number in range(1, 6):
    connection = socket.create_connection((host, 8000))
    connection.sendall(f"hello {number}".encode())  # nobody has accepted it yet
    print("connected from port", connection.getsockname()[1])
    connections.append(connection)

for connection in connections:
    connection.close()
