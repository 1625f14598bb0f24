"""Brings acknowledgements to the warehouse while a sync sends, and holds the ceiling of what may be offered (R26)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tailrace.errors import FenceLost, TailraceError
from tailrace.runtime.ledger import SyncLedger
from tailrace.sources.base import Source
from tailrace.state.fence import Fence
from tailrace.state.progress import Unit, commit_progress

UNITS_AHEAD = 4
"""So many units are open at first; whenever that is used up between two commits, twice as many are."""


def first_ceiling(units: Sequence[Unit]) -> int | None:
    """The highest position that may be offered before the first commit of a sync."""
    return units[min(UNITS_AHEAD, len(units)) - 1].span.last if units else None


class Committer:
    """Commits at least every `interval` seconds from a thread of its own, and when a unit lies above the ceiling."""

    def __init__(
        self,
        source: Source,
        fence: Fence,
        plan_table: str,
        units: Sequence[Unit],
        ledger: SyncLedger,
        ceiling: int | None,
        *,
        interval: float,
        failed: Callable[[TailraceError], None],
    ) -> None:
        self._source = source
        self._fence = fence
        self._plan_table = plan_table
        self._units = units
        self._ledger = ledger
        self._ceiling = ceiling if ceiling is not None else -1
        self._interval = interval
        self._failed = failed
        self._ahead = UNITS_AHEAD
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tailrace-commit", daemon=True)

    def start(self) -> None:
        """Begin to commit at every interval."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was decided last is for `commit`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def open(self, unit: Unit) -> None:
        """Return once the warehouse knows that this unit may be offered. Raises FenceLost, SourceError."""
        with self._lock:
            if unit.span.last <= self._ceiling:
                return
            self._ahead *= 2
            position = next(at for at, each in enumerate(self._units) if each.number == unit.number)
            last = min(position + self._ahead, len(self._units)) - 1
            self._commit(self._units[max(last, position)].span.last)

    def commit(self) -> None:
        """Bring what was decided to the warehouse now. Raises FenceLost, SourceError; nothing is forgotten then."""
        with self._lock:
            self._commit(None)

    def _commit(self, ceiling: int | None) -> None:
        spans, refusals = self._ledger.take()
        if not spans and not refusals and ceiling is None:
            return
        try:
            with self._source.session() as session:
                commit_progress(session, self._fence, self._plan_table, spans, refusals, ceiling)
        except BaseException:
            self._ledger.put_back(spans, refusals)
            raise
        if ceiling is not None:
            self._ceiling = max(self._ceiling, ceiling)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.commit()
            except FenceLost as lost:
                self._failed(lost)
                return
            except TailraceError:
                continue
