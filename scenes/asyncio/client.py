"""A client that thinks before it speaks."""

import socket
import time

server = socket.create_connection(("127.0.0.1", 8000))
time.sleep(0.002)
server.sendall(b"hello")
print("answer:", server.recv(100).decode())
server.close()
