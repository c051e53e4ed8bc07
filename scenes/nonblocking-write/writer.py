"""Writes on a non-blocking socket: what fits is taken, and the rest has to be offered again."""

import socket
import time

with socket.create_connection(("127.0.0.1", 8000)) as connection:
    room = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    connection.setblocking(False)
    left = memoryview(bytes(3 * room))
    refused = 0
    while left:
        try:
            sent = connection.send(left)
        except BlockingIOError:  # no room at all: -1 and EAGAIN
            refused += 1
            time.sleep(0.001)  # do something else, and try again
        else:
            print("sent", sent, "of", len(left))
            left = left[sent:]
    print("refused", refused, "times")
