"""Gives the CPU away by itself: once for nothing, once for a time."""

import os
import time

os.sched_yield()
print("polite: after yield")
time.sleep(0.0001)
print("polite: after sleep")
