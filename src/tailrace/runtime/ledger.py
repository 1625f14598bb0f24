"""Joins the two memories of a running sync: the control store at every batch, the warehouse at every interval (R25, R26)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tailrace.outcomes import Offer, Refusal, Resolution, Span
from tailrace.state.progress import without

if TYPE_CHECKING:
    from tailrace.store.ledger import LedgerWriter


class SyncLedger:
    """Stores every batch durably, and keeps what the warehouse has not been told yet."""

    def __init__(self, writer: LedgerWriter, lost: Callable[[], None]) -> None:
        self._writer = writer
        self._lost = lost
        self._lock = threading.Lock()
        self._touched: set[int] = set()
        self._refusals: list[Refusal] = []
        self._broken = False

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        """Store both in one transaction of the control store. Raises StoreError, and FenceLost also where the lease
        may be gone; then nothing is told to the warehouse any more, for the ledger on disk alone knows what is true.
        """
        self._lost()
        with self._lock:
            try:
                self._writer.record(resolutions, offers)
            except BaseException:
                self._broken = True
                raise
            for resolution in resolutions:
                self._touched.add(resolution.unit)
                self._refusals += resolution.refusals

    def take(self) -> tuple[list[tuple[int, Span]], list[Refusal]]:
        """What was decided since the last call: the resolved spans of the units it touched, and refusals."""
        with self._lock:
            if self._broken:
                return [], []
            touched, self._touched = self._touched, set()
            refusals, self._refusals = self._refusals, []
            progress = self._writer.progress()
        spans = [(unit, span) for unit in sorted(touched) for span in progress[unit].resolved]
        return spans, refusals

    def left_open(self, known: Sequence[Span]) -> bool:
        """Whether something may have been sent that is neither decided nor among the `known` doubts."""
        with self._lock:
            progress = self._writer.progress()
        in_flight = [span for unit in progress.values() for span in unit.in_flight]
        return self._broken or bool(without(in_flight, known))

    def put_back(self, spans: Sequence[tuple[int, Span]], refusals: Sequence[Refusal]) -> None:
        """Undo a `take` whose commit failed."""
        with self._lock:
            self._touched |= {unit for unit, _ in spans}
            self._refusals = [*refusals, *self._refusals]
