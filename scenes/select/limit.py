"""The limit of select: not how many descriptors there are, but how large their numbers may be."""

import os
import select

reader, writer = os.pipe()
os.write(writer, b"x")
high = os.dup2(reader, 1000)  # the same pipe under the number 1000
print("number 1000:", select.select([high], [], [], 0)[0])

try:
    select.select([1024], [], [], 0)
except ValueError as error:
    print("number 1024:", error)
