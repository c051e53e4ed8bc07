"""The kernel: reads the world, emits events. One concept a file, under the name that Linux gives it."""
