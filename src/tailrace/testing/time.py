"""Time for tests: nobody waits, and everything that would have been waited for is on record."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

from tailrace.clock import ManualClock


class VirtualTime:
    """A clock with the `sleep` that belongs to it: sleeping moves the clock and takes no time."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.clock = ManualClock(start)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Wake when the clock has gone on by so much, which is at once; sleepers at a time sleep side by side."""
        until = self.clock.monotonic() + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        missing = until - self.clock.monotonic()
        if missing > 0:
            self.clock.advance(timedelta(microseconds=math.ceil(missing * 1e6)))
