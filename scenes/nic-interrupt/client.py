"""Runs on another machine: connects, waits a little, and sends five bytes."""

import socket
import time

connection = socket.create_connection(("10.0.0.1", 8000))
time.sleep(0.001)  # let the server go to sleep first
connection.sendall(b"hello")
connection.recv(1)  # until the server is through
connection.close()
