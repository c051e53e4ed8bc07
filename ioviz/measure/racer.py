"""A racer: one way to serve many connections. It runs on the machine as on a real Linux, and times itself.

    racer.py METHOD CONNECTIONS ACTIVE ROUNDS [CONNECTIONS ACTIVE ROUNDS ...]

In each round ACTIVE of the CONNECTIONS clients say a byte, the server reads each byte and answers it, and the clients
read the answers. For each triple it prints: method, connections, active, nanoseconds a message; or `left` and why, if
there cannot be so many connections or threads.
"""

import errno
import resource
import select
import socket
import sys
import threading
import time


def bio(servers):
    """A thread a connection, which blocks in recv()."""

    def contact(server):
        while server.recv(1):
            server.send(b"y")

    for server in servers:
        threading.Thread(target=contact, args=(server,), daemon=True).start()
    return lambda expected: None


def nio(servers):
    """One thread, which asks every connection again and again."""
    for server in servers:
        server.setblocking(False)

    def serve(expected):
        while expected:
            for server in servers:
                try:
                    server.recv(1)
                except BlockingIOError:
                    continue
                server.send(b"y")
                expected -= 1

    return serve


def by_select(servers):
    """One thread, which hands every descriptor to select() each time."""

    def serve(expected):
        while expected:
            for server in select.select(servers, [], [])[0]:
                server.recv(1)
                server.send(b"y")
                expected -= 1

    return serve


def by_poll(servers):
    """One thread, which hands every descriptor to poll() each time."""
    poller, by_fd = select.poll(), {}
    for server in servers:
        poller.register(server, select.POLLIN)
        by_fd[server.fileno()] = server

    def serve(expected):
        while expected:
            for fd, _ in poller.poll():
                by_fd[fd].recv(1)
                by_fd[fd].send(b"y")
                expected -= 1

    return serve


def by_epoll(servers):
    """One thread; the kernel knows the descriptors already."""
    poller, by_fd = select.epoll(), {}
    for server in servers:
        poller.register(server, select.EPOLLIN)
        by_fd[server.fileno()] = server

    def serve(expected):
        while expected:
            for fd, _ in poller.poll():
                by_fd[fd].recv(1)
                by_fd[fd].send(b"y")
                expected -= 1

    return serve


METHODS = {"bio": bio, "nio": nio, "select": by_select, "poll": by_poll, "epoll": by_epoll}


def race(method, connections, active, rounds):
    """Nanoseconds a message, in the fastest round: what disturbs only ever adds."""
    pairs = [socket.socketpair() for _ in range(connections)]
    serve = METHODS[method]([server for _, server in pairs])
    talkers = [client for client, _ in pairs][:: connections // active][:active]

    def play():
        for client in talkers:
            client.send(b"x")
        serve(active)
        for client in talkers:
            client.recv(1)

    play()  # everything is warm, and every thread sleeps where it will
    best = 1 << 62
    for _ in range(rounds):
        start = time.perf_counter_ns()
        play()
        best = min(best, time.perf_counter_ns() - start)
    for client, server in pairs:
        client.close()
        if method != "bio":  # its threads close with their clients
            server.close()
    return best // active


def files_allowed(wanted):
    """How many files this process may have open, after asking for `wanted`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft


def took(method, connections, active, rounds):
    """What `race` says, or why it cannot be run."""
    try:
        return race(method, connections, active, rounds)
    except OSError as error:
        if error.errno == errno.EMFILE:
            return f"left files {files_allowed(0)}"
        return f"left {error.strerror}"
    except RuntimeError:  # Python's for a thread that the system does not give
        return "left threads"


method, *numbers = sys.argv[1:]
files_allowed(2 * max(map(int, numbers[::3]), default=0) + 100)
for place in range(0, len(numbers), 3):
    connections, active, rounds = map(int, numbers[place : place + 3])
    print(method, connections, active, took(method, connections, active, rounds), flush=True)
