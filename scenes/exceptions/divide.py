"""Divides by zero twice: in Python, which looks first, and on the CPU, which does not."""

import ioviz

try:
    print(1 // 0)
except ZeroDivisionError as error:
    print("Python:", error)

print("and now the CPU")
print(ioviz.divide(1, 0))
print("this line is never reached")
