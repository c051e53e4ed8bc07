"""poll(): a server for two clients, and then what poll says that select cannot say."""

import os
import select
import socket

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 8000))
server.listen()

poll = select.poll()
poll.register(server, select.POLLIN)
clients = {}
served = 0

while served < 2:
    for fd, event in poll.poll():  # the whole list goes to the kernel each time
        if fd == server.fileno():
            client, address = server.accept()
            clients[client.fileno()] = client
            poll.register(client, select.POLLIN)
        elif message := clients[fd].recv(1024):
            print(f"fd {fd}:", message.decode())
        else:
            poll.unregister(fd)
            clients.pop(fd).close()
            served += 1

reader, writer = os.pipe()
poll.register(reader, select.POLLIN)
os.write(writer, b"last words")
os.close(writer)
gone = server.fileno()
server.close()  # and it is still registered
poll.register(1024, select.POLLIN)  # a number that nobody has opened, and too large for select

NAMES = {select.POLLIN: "IN", select.POLLHUP: "HUP", select.POLLNVAL: "NVAL"}
for fd, event in poll.poll(0):
    print(f"poll: fd {fd}", "|".join(name for bit, name in NAMES.items() if event & bit))
try:
    print("select: readable", select.select([reader], [], [], 0)[0])  # data? the end? select does not say
    select.select([reader, gone], [], [], 0)
except OSError as error:
    print("select:", error)
try:
    select.select([1024], [], [], 0)
except ValueError as error:
    print("select:", error)
