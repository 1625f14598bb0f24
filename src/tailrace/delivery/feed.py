"""A queue from the thread that renders to the loop that sends, bounded by bytes so that memory stays flat."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from tailrace.delivery.outcomes import Rendered


class Feed:
    """`put` blocks its thread while enough is waiting; the other methods belong to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most_bytes: int, arrived: Callable[[], None]) -> None:
        self._loop = loop
        self._arrived = arrived
        self._most = most_bytes
        self._room = threading.Condition()
        self._pieces: deque[Rendered] = deque()
        self._bytes = 0
        self._closed = False
        self.ended = False

    def put(self, piece: Rendered) -> bool:
        """Hand over a piece; False if nothing more is wanted."""
        with self._room:
            while self._bytes >= self._most and not self._closed:
                self._room.wait()
            if self._closed:
                return False
            self._pieces.append(piece)
            self._bytes += piece.items.nbytes
        self._wake()
        return True

    def end(self) -> None:
        """There is nothing more to come."""
        with self._room:
            self.ended = True
        self._wake()

    def take(self) -> Rendered | None:
        """The next piece, if one is here."""
        with self._room:
            if not self._pieces:
                return None
            piece = self._pieces.popleft()
            self._bytes -= piece.items.nbytes
            self._room.notify()
            return piece

    def close(self) -> None:
        """Let go of whoever waits in `put`; what was not taken was never offered."""
        with self._room:
            self._closed = True
            self._pieces.clear()
            self._room.notify_all()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived)
        except RuntimeError:
            self.close()
