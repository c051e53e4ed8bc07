"""Three connections. The third speaks first, then the first, then the second."""

import socket
import time

connections = [socket.create_connection(("127.0.0.1", 8000)) for _ in range(3)]
time.sleep(0.001)  # the server has accepted us all
for number in (3, 1, 2):
    connections[number - 1].sendall(f"I am client {number}".encode())

time.sleep(0.003)
connections[0].sendall(b"me again")
time.sleep(0.010)
for connection in connections:
    connection.close()
