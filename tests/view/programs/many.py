"""Many sockets on one epoll, in every mode; a pipe; a lock that is waited for."""

import os
import select
import socket
import threading

pairs = [socket.socketpair() for _ in range(40)]
epoll = select.epoll()
for left, _ in pairs:
    epoll.register(left.fileno(), select.EPOLLIN | (select.EPOLLET if left.fileno() % 3 else select.EPOLLONESHOT))
for _, right in pairs[::2]:
    right.send(b"x" * right.fileno())
epoll.poll(0, 7)
for left, _ in pairs[::5]:
    epoll.unregister(left.fileno())
read, write = os.pipe()
os.write(write, "管道".encode())
lock = threading.Lock()
lock.acquire()
thread = threading.Thread(target=lambda: lock.acquire(timeout=0.01))
thread.start()
thread.join()
