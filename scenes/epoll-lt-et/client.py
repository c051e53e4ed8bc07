"""A client that says all it has to say at once, and then waits for an answer."""

import socket
import sys
import time

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
time.sleep(0.001)  # let the server go to sleep first
connection.sendall(b"hello kernel")
print("answer:", connection.recv(100).decode())
connection.close()
