"""Lets the reader wait, sends twice in a row, and closes."""

import socket
import sys
import time

connection = socket.create_connection((sys.argv[1], 8000))
time.sleep(0.002)
connection.send(b"good morning")

time.sleep(0.001)
connection.send(b"hello")
connection.send(b"world")

time.sleep(0.01)
connection.close()
