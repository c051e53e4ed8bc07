"""Drives an echo server on one epoll: connections, then rounds of messages. Arguments: port, connections, messages."""

import select
import socket
import sys
import time

port, count, messages = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

epoll = select.epoll()
connections = {}
left = {}
for number in range(count):
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            time.sleep(0.01)  # the server is not up yet
    connection.setblocking(False)
    connections[connection.fileno()] = connection
    left[connection.fileno()] = messages
    epoll.register(connection.fileno(), select.EPOLLIN)

for connection in connections.values():
    connection.send(b"hello")
echoed = 0
while connections:
    for fd, _ in epoll.poll():
        connections[fd].recv(4096)
        echoed += 1
        left[fd] -= 1
        if left[fd]:
            connections[fd].send(b"hello")
        else:
            epoll.unregister(fd)
            connections.pop(fd).close()
print("echoed", echoed)
