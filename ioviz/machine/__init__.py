"""The simulated machine: hardware, kernel and the user space in which guests run. Every change is an event."""
