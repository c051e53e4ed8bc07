"""Puts a number into its own memory, waits, and looks whether it is still there."""

import sys
import time

import ioviz

number = int(sys.argv[1])
address = ioviz.allocate(1)
ioviz.poke(address, number)
print(f"{number} is at {address:#x}")

time.sleep(0.004)  # the others do what they do
print(f"at {address:#x} is {ioviz.peek(address)}")
