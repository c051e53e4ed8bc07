"""Sends so many bytes to a port, reads them back a little later, and leaves."""

import socket
import sys
import threading
import time

server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
message = b"x" * int(sys.argv[2])
threading.Thread(target=server.sendall, args=(message,)).start()
time.sleep(0.005)
left = len(message)
while left:
    left -= len(server.recv(65536))
print("all", len(message), "bytes came back")
server.close()
