"""Reads units of work in threads of their own, and joins what they render into one bounded stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Unit = TypeVar("Unit")
Piece = TypeVar("Piece")

_POLL_SECONDS = 0.2


class UnitReaders(Generic[Unit, Piece]):
    """Opens unit after unit with `read`, several at a time, and yields their pieces; each unit stays in order.

    The first error of a reader is raised to the consumer. `close` ends the readers early.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        read: Callable[[Unit], Iterator[Piece]],
        *,
        readers: int,
        ahead: int,
    ) -> None:
        self._units = iter(units)
        self._read = read
        self._lock = threading.Lock()
        self._queue: queue.Queue[Piece | BaseException | None] = queue.Queue(maxsize=ahead)
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"tailrace-reader-{number}", daemon=True)
            for number in range(readers)
        ]

    def __iter__(self) -> Iterator[Piece]:
        for thread in self._threads:
            thread.start()
        ended = 0
        try:
            while ended < len(self._threads):
                item = self._queue.get()
                if item is None:
                    ended += 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            self.close()

    def close(self) -> None:
        """End the readers; pieces not yet taken are dropped (they were never offered)."""
        self._closed.set()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join()

    def _next(self) -> Unit | None:
        with self._lock:
            return next(self._units, None)

    def _put(self, item: Piece | BaseException | None) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def _work(self) -> None:
        try:
            while not self._closed.is_set() and (unit := self._next()) is not None:
                for piece in self._read(unit):
                    if not self._put(piece):
                        return
        except BaseException as error:
            self._put(error)
        finally:
            self._put(None)
