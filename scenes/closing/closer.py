"""Ends three connections in three ways. Each time there is still something in the send buffer."""

import socket


def connect() -> socket.socket:
    """A connection to the peer, with half its send buffer to be filled."""
    return socket.create_connection(("127.0.0.1", 8000))


def fill(connection: socket.socket) -> None:
    """Send what fits without waiting, more than the other side takes at once."""
    size = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2
    print("sent", connection.send(bytes(size)))


connection = connect()
connection.recv(100)  # the peer's greeting: everything is read
fill(connection)
connection.close()  # what is in the send buffer still goes out

connection = connect()
connection.recv(3)  # only a part of the greeting
fill(connection)
connection.close()  # something unread is left: this breaks the connection off

connection = connect()
connection.recv(100)
fill(connection)
connection.shutdown(socket.SHUT_WR)  # nothing more from here, but there is still something to hear
print("answer:", connection.recv(100).decode())
connection.close()
