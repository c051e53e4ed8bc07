"""Echo server with a thread a connection. Arguments: port, number of clients."""

import socket
import sys
import threading

port, clients = int(sys.argv[1]), int(sys.argv[2])


def serve(connection):
    while data := connection.recv(4096):
        connection.sendall(data)
    connection.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(4096)
threads = []
for _ in range(clients):
    connection, _ = listener.accept()
    thread = threading.Thread(target=serve, args=(connection,))
    thread.start()
    threads.append(thread)
for thread in threads:
    thread.join()
print("served", clients)
