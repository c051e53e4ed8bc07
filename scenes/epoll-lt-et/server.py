"""A server that takes four bytes a turn, however many have arrived."""

import select
import socket

EXPECTED = 12
BITE = 4

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8000))
listener.listen()

epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)  # level-triggered; with | select.EPOLLET it would be edge-triggered

received = b""
while len(received) < EXPECTED:
    for fd, events in epoll.poll():
        if fd == listener.fileno():
            connection, address = listener.accept()
            epoll.register(connection, select.EPOLLIN)
        else:
            received += connection.recv(BITE)  # less than what is there
            print("so far:", received.decode())

connection.sendall(b"thank you")
connection.close()
epoll.close()
listener.close()
