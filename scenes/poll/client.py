"""A client: connects, says its name after a while, and leaves."""

import socket
import sys
import time

name, milliseconds = sys.argv[1], float(sys.argv[2])
connection = socket.create_connection(("127.0.0.1", 8000))
time.sleep(milliseconds / 1000)
connection.sendall(f"I am {name}".encode())
connection.close()
