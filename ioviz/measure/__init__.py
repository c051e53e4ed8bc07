"""Measuring this computer's kernel: what its acts cost, and the race of the ways to wait, simulated and real."""
