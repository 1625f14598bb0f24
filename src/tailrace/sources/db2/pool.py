"""Connections of one source: opened when needed, kept for a moment, because each is a process of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tailrace.errors import TailraceError
from tailrace.sources.db2.process import Child, DriverError

KEPT = 2
"""How many idle connections are kept."""

KEPT_SECONDS = 30.0
FRESH = 1.0
"""Seconds after which one that is taken is first asked for a sign of life."""

_PING = 5.0


class Pool:
    """Gives connections, and takes back those that are as they were given."""

    def __init__(self, connect: Callable[[], Child]) -> None:
        self._connect = connect
        self._idle: list[tuple[Child, float]] = []
        self._guard = threading.Lock()
        self._closed = False

    def take(self) -> Child:
        """An open connection that nobody else has; one that was idle has just answered."""
        while True:
            with self._guard:
                if not self._idle:
                    break
                child, since = self._idle.pop()
            if _answers(child, time.monotonic() - since):
                return child
            child.close()
        return self._connect()

    def give_back(self, child: Child) -> None:
        """Keep a connection without a transaction, stream or table of its own; too many are closed."""
        with self._guard:
            if child.alive and not self._closed and len(self._idle) < KEPT:
                self._idle.append((child, time.monotonic()))
                return
        child.part()

    def close(self) -> None:
        """Close what is idle, and keep nothing from now on."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for child, _ in idle:
            child.part()


def _answers(child: Child, idle: float) -> bool:
    if not child.alive or idle > KEPT_SECONDS:
        return False
    if idle < FRESH:
        return True
    try:
        child.call("rows", "SELECT 1 FROM SYSIBM.SYSDUMMY1", seconds=_PING)
    except (TailraceError, DriverError):
        return False
    return True
