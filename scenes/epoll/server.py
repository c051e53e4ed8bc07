"""epoll: create, ctl, wait. Three clients; the server is busy for a while, and then asks who is ready."""

import select
import socket
import time

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 8000))
server.listen()

epoll = select.epoll()  # epoll_create: an empty tree, an empty ready list
epoll.register(server, select.EPOLLIN)  # epoll_ctl, EPOLL_CTL_ADD
clients = {}

while len(clients) < 3:
    for fd, event in epoll.poll():  # epoll_wait
        if fd == server.fileno():
            client, address = server.accept()
            epoll.register(client, select.EPOLLIN)
            clients[client.fileno()] = client

time.sleep(0.002)  # busy with something else; meanwhile the clients speak

ready = epoll.poll()
print("ready:", [fd for fd, event in ready])
for fd, event in ready:
    print(f"fd {fd}:", clients[fd].recv(1024).decode())

time.sleep(0.002)  # the first client speaks again
early = clients[min(clients)]
print("read without asking:", early.recv(1024).decode())
print("then asked:", epoll.poll(0))  # its item is still on the ready list, but the data is gone

print("nobody speaks for 1 ms:", epoll.poll(0.001))

epoll.close()
server.close()
