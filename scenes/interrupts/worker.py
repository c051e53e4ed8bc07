"""Computes and never asks the kernel for anything until it is through."""

import sys

name, rounds = sys.argv[1], int(sys.argv[2])
total = 0
for n in range(rounds):
    total += n * n
print(name, "is through:", total)
