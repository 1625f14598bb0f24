"""Keeps the lease of a mapping alive from a thread of its own, and says whether sending is still allowed (R3)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from tailrace.clock import Clock
from tailrace.errors import FenceLost, TailraceError

LEASE_SECONDS = 90.0
"""How long a lease lasts without renewal; a third of it passes between renewals."""


def lease_seconds(http_timeout: float) -> float:
    """The lease for a destination: at least 90 s, and 2.5 times the HTTP timeout where that is longer."""
    return max(LEASE_SECONDS, 2.5 * http_timeout)


class LeaseKeeper:
    """Renews a held lease; `may_send` raises FenceLost once it might have passed to somebody else."""

    def __init__(self, renew: Callable[[], None], ttl: float, clock: Clock) -> None:
        self._renew = renew
        self._ttl = ttl
        self._clock = clock
        self._lost: TailraceError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tailrace-lease", daemon=True)
        self._deadline = 0.0
        self._wall_deadline: datetime = clock.now()

    def start(self, taken_at: float, taken_wall: datetime) -> None:
        """Begin renewing; both times were read before the lease was taken."""
        self._extend(taken_at, taken_wall)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; the lease itself is released by its owner."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def may_send(self) -> None:
        """Return if the lease is held for certain; raises FenceLost otherwise."""
        if self._lost is not None:
            raise self._lost
        if self._clock.monotonic() >= self._deadline or self._clock.now() >= self._wall_deadline:
            raise FenceLost(
                "The lease of this mapping ran out before it could be renewed.",
                hint="Nothing is lost: the next sync goes on from what was acknowledged.",
            )

    def _extend(self, before: float, before_wall: datetime) -> None:
        self._deadline = before + self._ttl
        self._wall_deadline = before_wall + timedelta(seconds=self._ttl)

    def _run(self) -> None:
        while not self._stop.wait(self._ttl / 3):
            before, before_wall = self._clock.monotonic(), self._clock.now()
            try:
                self._renew()
            except FenceLost as lost:
                self._lost = lost
                return
            except TailraceError:
                continue
            self._extend(before, before_wall)
