"""Every burst of the machine's (see `ioviz.model.burst`)."""

from __future__ import annotations

from typing import Final

from ioviz.model.connection_bursts import (
    Accepted,
    ClosedFirst,
    ClosedLast,
    Connected,
    NonblockSet,
    Opened,
    Plain,
)
from ioviz.model.data_bursts import Blocked, Polled, Received, Resumed, Sent
from ioviz.model.interest_bursts import Unwatched, Watched

BURSTS: Final = (
    Sent,
    Received,
    Blocked,
    Resumed,
    Polled,
    Plain,
    Opened,
    Connected,
    Accepted,
    NonblockSet,
    ClosedFirst,
    ClosedLast,
    Watched,
    Unwatched,
)
