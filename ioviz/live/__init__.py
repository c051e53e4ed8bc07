"""The mirror: real processes on the same stage. Sources observe system calls; the mirror folds them into events."""
