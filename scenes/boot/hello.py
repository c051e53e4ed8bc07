#!/usr/bin/python3
"""A program that says which process it has become."""

import os

print("process", os.getpid(), "started by process", os.getppid())
