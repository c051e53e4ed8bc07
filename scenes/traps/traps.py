"""Five ways to be surprised by epoll, each with its mend."""

import os
import select
import socket


def watched(events):
    """A socket that an epoll of its own watches, and its peer."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ep = select.epoll()
    ep.register(ours, events)
    return ep, ours, theirs


def closed_but_alive():
    ep, ours, theirs = watched(select.EPOLLIN)
    number, copy = ours.fileno(), os.dup(ours.fileno())
    ours.close()  # the mend: ep.unregister(ours) before this
    theirs.send(b"!")
    print("closed", number, "- reported:", ep.poll(0))
    os.close(copy)
    print("the copy is closed, too - reported:", ep.poll(0))


def lost_drain():
    ep, ours, theirs = watched(select.EPOLLIN | select.EPOLLET)
    theirs.send(b"12345678")
    ep.poll(0)
    ours.recv(4)
    print("four of eight read - reported:", ep.poll(0))
    try:
        while True:  # the mend
            ours.recv(4)
    except BlockingIOError:
        print("drained to EAGAIN")


def always_writable():
    ep, ours, _peer = watched(select.EPOLLIN | select.EPOLLOUT)
    print("idle, asked three times:", *(len(ep.poll(1)) for _ in range(3)))
    ep.modify(ours, select.EPOLLIN)  # the mend
    print("without EPOLLOUT:", len(ep.poll(0.001)))


def starved():
    ep = select.epoll()
    pairs = [socket.socketpair() for _ in range(3)]
    for ours, theirs in pairs:
        ep.register(ours, select.EPOLLIN)
        theirs.send(b"!")
    print("one event a call:", *(fd for _ in range(4) for fd, _ in ep.poll(0, 1)))


def hung_up():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    ep = select.epoll()
    ep.register(server, select.EPOLLIN | select.EPOLLRDHUP)
    client.close()
    print("the peer closed:", hex(ep.poll(0)[0][1]))
    server.shutdown(socket.SHUT_WR)
    print("and so did we:", hex(ep.poll(0)[0][1]))


closed_but_alive()
lost_drain()
always_writable()
starved()
hung_up()
