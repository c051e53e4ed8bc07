"""Servers to look at: real ones, small, with real clients."""
