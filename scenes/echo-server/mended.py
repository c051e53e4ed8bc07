"""The article's echo server, mended. EPOLLOUT is asked for only while something is left to send."""

import select
import socket

listener = socket.create_server(("0.0.0.0", 8089))
listener.setblocking(False)
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
clients, unsent, watched = {}, {}, {}


def send(fd):
    """Send what is left; watch for room only if some of it is left still."""
    try:
        sent = clients[fd].send(unsent[fd])
    except BlockingIOError:
        sent = 0
    del unsent[fd][:sent]
    wanted = select.EPOLLOUT if unsent[fd] else select.EPOLLIN
    if wanted != watched[fd]:
        watched[fd] = wanted
        epoll.modify(fd, wanted)


def leave(fd):
    """First out of the tree, then close."""
    epoll.unregister(fd)
    clients.pop(fd).close()
    del unsent[fd]


serving = True
while serving:
    for fd, event in epoll.poll():
        if fd == listener.fileno():
            client, _ = listener.accept()
            client.setblocking(False)
            clients[client.fileno()], unsent[client.fileno()] = client, bytearray()
            watched[client.fileno()] = select.EPOLLIN
            epoll.register(client, select.EPOLLIN)
        elif event & select.EPOLLOUT:
            send(fd)
        elif data := clients[fd].recv(65536):
            unsent[fd] += data
            send(fd)
        else:
            leave(fd)
            serving = bool(clients)
