"""Echo server on epoll: serves until its last client has gone. Arguments: port, number of clients."""

import select
import socket
import sys

port, clients = int(sys.argv[1]), int(sys.argv[2])

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(4096)
listener.setblocking(False)

epoll = select.epoll()
epoll.register(listener.fileno(), select.EPOLLIN)
connections = {}
gone = 0
while gone < clients:
    for fd, _ in epoll.poll():
        if fd == listener.fileno():
            try:
                while True:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    epoll.register(connection.fileno(), select.EPOLLIN)
                    connections[connection.fileno()] = connection
            except BlockingIOError:
                pass
            continue
        data = connections[fd].recv(4096)
        if data:
            connections[fd].send(data)
        else:
            epoll.unregister(fd)
            connections.pop(fd).close()
            gone += 1
print("served", gone)
