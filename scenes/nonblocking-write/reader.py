"""Lets the writer fill the buffers, and then reads everything, a piece at a time."""

import socket
import time

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8000))
listener.listen()

connection, address = listener.accept()
time.sleep(0.005)
received = 0
while data := connection.recv(16384):
    received += len(data)
print("received", received)
connection.close()
listener.close()
