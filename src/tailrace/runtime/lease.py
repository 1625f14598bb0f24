"""Keeps the lease of a mapping alive from a thread of its own; says whether sending is still allowed, and ends what
runs once it is lost (R3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from tailrace.clock import Clock
from tailrace.errors import FenceLost, TailraceError
from tailrace.state.fence import CONFLICT

LEASE_SECONDS = 90.0
"""How long a lease lasts without renewal; a third of it passes between renewals."""
_AGAIN_SECONDS = 0.5
"""Statements are cancelled again after this long: one may have begun between two."""


def lease_seconds(http_timeout: float) -> float:
    """The lease for a destination: at least 90 s, and 2.5 times the HTTP timeout where that is longer."""
    return max(LEASE_SECONDS, 2.5 * http_timeout)


class LeaseKeeper:
    """Renews a held lease; once it might have passed to somebody else, `may_send` and `cancelling` raise FenceLost."""

    def __init__(self, renew: Callable[[], None], ttl: float, clock: Clock) -> None:
        self._renew = renew
        self._ttl = ttl
        self._clock = clock
        self._lost: FenceLost | None = None
        self._running: list[Callable[[], None]] = []
        self._guard = threading.Lock()
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
        if self._over():
            raise _ran_out()

    @contextmanager
    def cancelling(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Until this ends, a lease that is known to be lost calls `cancel`; what comes of that is raised as FenceLost.

        A commit needs none of it: its transaction has the row of the lease, or fails (R2).
        """
        with self._guard:
            if self._lost is not None:
                raise self._lost
            self._running.append(cancel)
        try:
            yield
        except TailraceError as error:
            if self._lost is not None:
                raise self._lost from error
            raise
        finally:
            with self._guard:
                self._running.remove(cancel)

    def _over(self) -> bool:
        return self._clock.monotonic() >= self._deadline or self._clock.now() >= self._wall_deadline

    def _extend(self, before: float, before_wall: datetime) -> None:
        self._deadline = before + self._ttl
        self._wall_deadline = before_wall + timedelta(seconds=self._ttl)

    def _run(self) -> None:
        while not self._stop.wait(self._ttl / 3):
            try:
                self._renewed()
            except FenceLost as lost:
                self._cancel(lost)
                return

    def _renewed(self) -> None:
        """Renew; what goes wrong is tried again while the lease lasts. Raises FenceLost."""
        before, before_wall = self._clock.monotonic(), self._clock.now()
        try:
            self._renew()
        except FenceLost:
            raise
        except TailraceError as error:
            # in the way of a renewal is a write of our own, for the fence was looked at
            if self._over() and error.code != CONFLICT:
                raise _ran_out() from error
        else:
            self._extend(before, before_wall)

    def _cancel(self, lost: FenceLost) -> None:
        """Cancel what runs, again and again until the owner stops: a statement may have begun in between."""
        self._lost = lost
        while True:
            with self._guard:
                for cancel in self._running:
                    cancel()
            if self._stop.wait(_AGAIN_SECONDS):
                return


def _ran_out() -> FenceLost:
    return FenceLost(
        "The lease of this mapping ran out before it could be renewed.",
        hint="Nothing is lost: the next sync goes on from what was acknowledged.",
    )
