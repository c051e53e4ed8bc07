"""Another process: waits for a byte, and then gives the CPU away."""

import os
import socket

listener = socket.create_server(("127.0.0.1", 8000))
connection, address = listener.accept()
connection.recv(1)
os.sched_yield()
connection.close()
listener.close()
