"""One system call: write."""

import os

message = b"hello, kernel\n"
written = os.write(1, message)
assert written == len(message)
