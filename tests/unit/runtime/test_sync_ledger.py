"""What was decided is told to the warehouse once, and kept where telling failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from tailrace.errors import FenceLost, StoreError
from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span
from tailrace.runtime.ledger import SyncLedger
from tailrace.store.progress import UnitLedger, started
from tailrace.store.rows import UnitPlan, UnitRow

REFUSED = Refusal(15, "k15", "added", Outcome.REJECTED, "http_400", "", "no")


class Writer:
    """The store's rules about spans, in memory."""

    def __init__(self, *units: int) -> None:
        plans = [UnitPlan(unit, Span(unit * 100, unit * 100 + 99), 100) for unit in units]
        self._units = {plan.unit: UnitLedger(started(plan)) for plan in plans}
        self.broken: Exception | None = None

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        if self.broken is not None:
            raise self.broken
        for resolution in resolutions:
            self._units[resolution.unit].resolve(resolution)
        for offer in offers:
            self._units[offer.unit].offer(offer)

    def progress(self) -> dict[int, UnitRow]:
        return {number: unit.progress() for number, unit in self._units.items()}


def ledger(writer: Writer, lost: Any = lambda: None) -> SyncLedger:
    return SyncLedger(cast("Any", writer), lost)


def resolved(unit: int, first: int, last: int, *refusals: Refusal) -> Resolution:
    records = last - first + 1
    return Resolution(unit, Span(first, last), records, {"added": records - len(refusals)}, refusals)


def test_decided_spans_are_taken_once_merged_and_only_of_units_that_were_touched() -> None:
    found = ledger(Writer(0, 1))
    found.record([], [Offer(0, Span(0, 9)), Offer(0, Span(10, 19))])
    assert found.take() == ([], [])
    found.record([resolved(0, 0, 9)], [])
    found.record([resolved(0, 10, 19, REFUSED)], [])
    assert found.take() == ([(0, Span(0, 19))], [REFUSED])
    assert found.take() == ([], [])


def test_what_could_not_be_told_is_told_with_the_next_commit_in_the_order_it_happened() -> None:
    found = ledger(Writer(0))
    found.record([resolved(0, 0, 19, REFUSED)], [])
    found.put_back(*found.take())
    later = Refusal(22, "k22", "added", Outcome.UNKNOWN, "timeout", "", "")
    found.record([resolved(0, 20, 29, later)], [])
    assert found.take() == ([(0, Span(0, 29))], [REFUSED, later])


def test_nothing_is_stored_once_the_lease_may_be_gone() -> None:
    def lost() -> None:
        raise FenceLost("gone")

    writer = Writer(0)
    with pytest.raises(FenceLost):
        ledger(writer, lost).record([], [Offer(0, Span(0, 9))])
    assert writer.progress()[0].in_flight == ()


def test_a_batch_that_the_store_did_not_take_is_not_told() -> None:
    writer = Writer(0)
    found = ledger(writer)
    writer.broken = StoreError("disk full")
    with pytest.raises(StoreError):
        found.record([resolved(0, 0, 9)], [])
    assert found.take() == ([], [])
