"""How a person stops a sync (R29): once means gracefully, twice means at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StopSignal:
    """Counts requests to stop; safe to use from any thread, and never forgets one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._asked = threading.Event()
        self._at_once = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._listening = threading.RLock()

    def request(self) -> int:
        """Ask once more, and give how often it was asked."""
        with self._lock:
            self._requests += 1
            requests = self._requests
        self._asked.set()
        if requests > 1:
            self._at_once.set()
        with self._listening:
            for listener in list(self._listeners):
                listener()
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

    @contextmanager
    def calling(self, listener: Callable[[], None]) -> Iterator[None]:
        """While this lasts, every request calls `listener`; at once if somebody has asked already."""
        with self._listening:
            self._listeners.append(listener)
            if self.graceful:
                listener()
        try:
            yield
        finally:
            with self._listening:
                self._listeners.remove(listener)
