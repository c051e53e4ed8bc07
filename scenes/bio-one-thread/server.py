"""One thread for everything: accept a client, wait for its message, and only then for the next client."""

import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 8000))
server.listen()

for _ in range(4):
    client, address = server.accept()  # sleeps until somebody connects
    message = client.recv(1024)  # sleeps until this one client says something
    print("message:", message.decode() or "(none: it hung up)")
    client.close()

server.close()
