"""The right loop for edge triggering: take everything, until EAGAIN, and only then wait again."""

import select
import socket

EXPECTED = 12
BITE = 4

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8001))
listener.listen()
listener.setblocking(False)  # otherwise the last accept() would sleep

epoll = select.epoll()
epoll.register(listener, select.EPOLLIN | select.EPOLLET)

received = b""
while len(received) < EXPECTED:
    for fd, events in epoll.poll():
        try:
            while True:  # until there is nothing left
                if fd == listener.fileno():
                    connection, address = listener.accept()
                    connection.setblocking(False)
                    epoll.register(connection, select.EPOLLIN | select.EPOLLET)
                elif piece := connection.recv(BITE):
                    received += piece
                else:
                    break  # the end of the stream
        except BlockingIOError:
            pass  # EAGAIN: now it is safe to wait

print("all of it:", received.decode())
connection.sendall(b"thank you")
connection.close()
epoll.close()
listener.close()
