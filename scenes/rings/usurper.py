"""Wants to stop the CPU."""

import ioviz

print("stopping the CPU")
ioviz.halt()
print("this line is never reached")
