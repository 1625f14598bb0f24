"""How a person stops a sync (R29): once means gracefully, twice means at once."""

from __future__ import annotations

import threading


class StopSignal:
    """Counts requests to stop; safe to use from any thread, and never forgets one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._asked = threading.Event()
        self._at_once = threading.Event()

    def request(self) -> int:
        """Ask once more, and give how often it was asked."""
        with self._lock:
            self._requests += 1
            requests = self._requests
        self._asked.set()
        if requests > 1:
            self._at_once.set()
        return requests

    @property
    def graceful(self) -> bool:
        """Stop offering, wait for what is in flight, commit."""
        return self._asked.is_set()

    @property
    def immediate(self) -> bool:
        """Stop now; what was in flight is settled by the next start."""
        return self._at_once.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep unless asked to stop; true if it was asked."""
        return self._asked.wait(seconds)
