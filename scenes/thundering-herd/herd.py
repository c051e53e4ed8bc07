"""One event, three sleeping threads: how many of them does the kernel wake?"""

import os
import select
import threading
import time

THREADS = 3


def herd(title, mask, one_epoll):
    """Put three threads to sleep in epoll_wait, make the descriptor ready once, and tell who comes back."""
    counter = os.eventfd(0)
    epolls = []
    for _ in range(1 if one_epoll else THREADS):
        epoll = select.epoll()
        epoll.register(counter, mask)
        epolls.append(epoll)
    back = []

    def wait(number):
        time.sleep(number / 1000)  # thread 1 goes to sleep in epoll_wait first, thread 3 last
        if epolls[number % len(epolls)].poll(0.010):
            back.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(1, THREADS + 1)]
    for thread in threads:
        thread.start()
    time.sleep(0.005)
    os.eventfd_write(counter, 1)  # one event; nobody reads the counter, so it stays ready
    for thread in threads:
        thread.join()
    print(f"{title}: {len(back)} woken {sorted(back)}")
    os.close(counter)
    for epoll in epolls:
        epoll.close()


herd("one epoll, LT", select.EPOLLIN, one_epoll=True)
herd("one epoll, ET", select.EPOLLIN | select.EPOLLET, one_epoll=True)
herd("one epoll, ONESHOT", select.EPOLLIN | select.EPOLLONESHOT, one_epoll=True)
herd("3 epolls, LT", select.EPOLLIN, one_epoll=False)
herd("3 epolls, EXCLUSIVE", select.EPOLLIN | select.EPOLLEXCLUSIVE, one_epoll=False)
