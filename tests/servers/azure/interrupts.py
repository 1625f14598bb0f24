"""Stopping what a session's engine runs, from another thread, and never in the middle of what belongs together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_AGAIN = 0.01


class Interrupts:
    """Interrupts the engine's statement again and again until it has stopped.

    The engine forgets an interrupt that comes before the statement has begun, hence the repetition.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._guard = threading.Lock()
        self._stopping = self._closed = False
        self._shields = 0

    def start(self) -> None:
        """Begin to interrupt; any thread may call this."""
        with self._guard:
            if self._stopping or self._closed:
                return
            self._stopping = True
        threading.Thread(target=self._repeat, daemon=True, name="interrupts").start()

    def _repeat(self) -> None:
        while True:
            with self._guard:
                if not self._stopping or self._closed:
                    return
                if not self._shields:
                    self._duck.interrupt()
            time.sleep(_AGAIN)

    def end(self) -> None:
        """It has stopped."""
        with self._guard:
            self._stopping = False

    def close(self) -> None:
        """Nothing is interrupted from now on."""
        with self._guard:
            self._closed = True
            self._stopping = False

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """What is done inside is not interrupted; what is still due then comes after it."""
        with self._guard:
            self._shields += 1
        try:
            yield
        finally:
            with self._guard:
                self._shields -= 1

    @contextmanager
    def together(self) -> Iterator[None]:
        """The engine's statements inside take effect together, or none of them does."""
        with self.shielded():
            self._duck.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            with self.shielded():
                self._duck.execute("ROLLBACK")
            raise
        with self.shielded():
            self._duck.execute("COMMIT")
