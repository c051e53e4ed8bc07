"""Reads what comes, in every way there is: waiting, in pieces, without waiting, and to the end."""

import socket
import time

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 8000))
listener.listen()
connection, address = listener.accept()

print("first:", connection.recv(100))  # nothing is there yet: it waits

time.sleep(0.005)  # meanwhile the other side sends twice: five bytes, and five more
print("then:", connection.recv(4))
print("then:", connection.recv(4))
print("then:", connection.recv(4))  # only two are left: it does not wait for four

connection.setblocking(False)
try:
    connection.recv(4)
except BlockingIOError as error:
    print("nothing there:", error)
connection.setblocking(True)

print("end:", connection.recv(4))  # the other side has closed: nothing will ever come
print("end:", connection.recv(4))
connection.close()
listener.close()
