"""Sends twelve bytes to another machine, and waits for an answer."""

import socket
import sys
import time

connection = socket.create_connection((sys.argv[1], 8000))
time.sleep(0.002)  # by now the other side has accepted
sent = connection.send(b"hello kernel")
print("send() returned", sent)  # and now? nobody has read a byte
answer = connection.recv(100)
print("answer:", answer.decode())
connection.close()
