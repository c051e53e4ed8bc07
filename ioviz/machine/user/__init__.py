"""User space: unmodified Python programs as guests of the machine. The boundary to the kernel is `Guest.syscall`."""
