"""The first client: connects, says nothing for ten milliseconds, and leaves."""

import socket
import time

connection = socket.create_connection(("127.0.0.1", 8000))
time.sleep(0.010)
connection.close()
