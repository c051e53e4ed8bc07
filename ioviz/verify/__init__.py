"""Verifying: the same calls on the simulated and on the real kernel, and where they differ."""
