"""Writes more than there is room for, on a blocking socket: twice, for two different reasons."""

import socket

ADDRESS = ("127.0.0.1", 8000)


def room(connection: socket.socket) -> int:
    """The size of the send buffer."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


with socket.create_connection(ADDRESS) as connection:
    size = 3 * room(connection)  # larger than the whole buffer
    print("asked to send", size)
    print("sent", connection.send(bytes(size)))

with socket.create_connection(ADDRESS) as connection:
    size = room(connection) // 2
    print("sent", connection.send(bytes(size)))  # this fits
    size = room(connection)
    print("asked to send", size)  # of this, only a part fits
    print("sent", connection.send(bytes(size)))
