"""The tree of epoll: insert, find, change, delete. Each eventfd is a descriptor that is ready when it is not zero."""

import os
import select

epoll = select.epoll()
counters = [os.eventfd(0) for _ in range(7)]

for fd in counters:
    epoll.register(fd, select.EPOLLIN)  # EPOLL_CTL_ADD

fourth = counters[3]
try:
    epoll.register(fourth, select.EPOLLIN)  # once more: is it in the tree already?
except FileExistsError as error:
    print("again:", error)

twin = os.dup(fourth)  # another number for the same open file
epoll.register(twin, select.EPOLLIN)
print(f"fd {twin} is a duplicate of fd {fourth}: no error")

epoll.modify(counters[1], select.EPOLLIN | select.EPOLLET)  # EPOLL_CTL_MOD: found, its mask is changed

os.eventfd_write(fourth, 1)  # one write, one open file, two items
print("ready:", sorted(fd for fd, event in epoll.poll(0)))

epoll.unregister(fourth)  # EPOLL_CTL_DEL
epoll.unregister(counters[0])
try:
    epoll.modify(fourth, select.EPOLLIN)
except FileNotFoundError as error:
    print("gone:", error)
epoll.close()
