"""A client in a hurry: connects, sends at once, and sees how long the server takes to be done with it."""

import socket
import sys
import time

name = sys.argv[1]
start = time.monotonic()
connection = socket.create_connection(("127.0.0.1", 8000))
print(f"{name}: connected after {1000 * (time.monotonic() - start):.0f} ms")
connection.sendall(f"I am {name}".encode())
print(f"{name}: sent after {1000 * (time.monotonic() - start):.0f} ms")
connection.recv(1)  # b"" when the server closes the connection
print(f"{name}: served after {1000 * (time.monotonic() - start):.0f} ms")
connection.close()
