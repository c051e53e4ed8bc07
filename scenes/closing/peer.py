"""Greets whoever connects, is busy for a while, and then reads all there is."""

import socket
import time

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8000))
listener.listen()

for _ in range(3):
    connection, address = listener.accept()
    connection.send(b"welcome")
    time.sleep(0.005)
    received = 0
    try:
        while data := connection.recv(65536):
            received += len(data)
        print("received", received, "and the end")
        connection.send(b"all here")  # nobody may be listening any more
    except ConnectionResetError as error:
        print("received", received, "and then:", error.strerror)
    connection.close()
listener.close()
