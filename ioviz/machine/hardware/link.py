"""The wire between the hosts: how long a packet is on its way."""

from __future__ import annotations

from typing import Final

HEADERS: Final = 78
"""Ethernet, IP and TCP headers, checksum, preamble and gap of a frame, in bytes."""


def time_on_wire(size: int, bandwidth: int) -> int:
    """Nanoseconds that `size` bytes of payload take to be sent at `bandwidth` bytes a second."""
    return max(1, (size + HEADERS) * 1_000_000_000 // bandwidth)
