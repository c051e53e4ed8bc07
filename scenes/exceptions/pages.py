"""Asks for memory, and touches it for the first time: each time the CPU stops in the middle of an instruction."""

import time

import ioviz

start = ioviz.allocate(3)  # three pages: promised, and not there yet
print("three pages at", hex(start))

print("read:", ioviz.peek(start))  # first touch, a read
ioviz.poke(start, 42)  # first write
print("read again:", ioviz.peek(start))  # now it is there

ioviz.poke(start + ioviz.PAGE_SIZE, 1)  # the next page: the same again, in one go

time.sleep(0.002)  # meanwhile divide.py dies
print("still here:", ioviz.peek(start))
