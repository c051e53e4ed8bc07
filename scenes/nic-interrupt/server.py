"""Waits for a connection and then for one message; sleeps all the time that nothing arrives."""

import socket

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 8000))
listener.listen()

connection, address = listener.accept()
message = connection.recv(1024)
print("received:", message.decode())
connection.close()
listener.close()
