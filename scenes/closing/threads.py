"""Takes a socket away from a thread that reads from it: by close(), then by shutdown()."""

import socket
import time
from threading import Thread

listener = socket.create_server(("127.0.0.1", 8001))


def read(connection: socket.socket) -> None:
    """Wait for a message."""
    print("reader woke up with", connection.recv(100))


def reading() -> tuple[socket.socket, socket.socket, Thread]:
    """Both ends of a connection, and a thread that sleeps in recv() at the first."""
    near = socket.create_connection(("127.0.0.1", 8001))
    far, _ = listener.accept()
    reader = Thread(target=read, args=(near,))
    reader.start()
    time.sleep(0.001)
    return near, far, reader


near, far, reader = reading()
near.close()  # does not wake the reader, and tells the other side nothing
time.sleep(0.001)
far.send(b"still there?")  # this does
reader.join()
far.close()

near, far, reader = reading()
near.shutdown(socket.SHUT_RDWR)  # this wakes it at once
reader.join()
near.close()
far.close()
listener.close()
