"""Knows where the kernel is, and reads there."""

import ioviz

print(f"the kernel is at {ioviz.KERNEL:#x}")
print("it begins with", ioviz.peek(ioviz.KERNEL))
print("this line is never reached")
