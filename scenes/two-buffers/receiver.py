"""Accepts a connection, is busy for a while, and reads only then what has come meanwhile."""

import socket
import time

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 8000))
listener.listen()

connection, address = listener.accept()
time.sleep(0.005)  # five milliseconds in which it does not ask for anything
message = connection.recv(100)
print("received:", message.decode())
connection.send(b"thank you")
connection.recv(1)  # until the other side closes
connection.close()
listener.close()
