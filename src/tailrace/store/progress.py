"""How a unit's progress is kept small: only what is *not* resolved is stored, as spans of positions.

Every position of a unit is resolved, in flight, or not offered yet. Offers come in reading order, so a gap
before an offered span holds no records and counts as passed. What is resolved follows from the other two, and
both stay few: the batches in flight, and normally one span that was not offered yet.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from tailrace.errors import StoreError
from tailrace.outcomes import Offer, Resolution, Span
from tailrace.store.rows import UnitPlan, UnitRow


class UnitLedger:
    """The progress of one unit, in memory, while its sync runs."""

    def __init__(self, progress: UnitRow) -> None:
        self.unit = progress.unit
        self._span = progress.span
        self._records = progress.records
        self._unoffered = list(progress.unoffered)
        self._in_flight = {span.first: span for span in progress.in_flight}
        self._resolved_records = progress.resolved_records
        self._delivered = dict(progress.delivered)

    def offer(self, offer: Offer) -> None:
        """Put a batch in flight; one that is in flight already (a resume) stays as it is."""
        if self._in_flight.get(offer.span.first) != offer.span:
            self._take(offer.span)
            self._in_flight[offer.span.first] = offer.span

    def resolve(self, resolution: Resolution) -> None:
        """Decide a batch, a part of one, or a piece that needed no request. Raises on one decided before."""
        span = resolution.span
        if self._in_flight.get(span.first) == span:
            del self._in_flight[span.first]
        elif not self._resolve_part(span):
            self._take(span)
        self._count(resolution)

    def progress(self) -> UnitRow:
        """The progress as it stands."""
        in_flight = tuple(sorted(self._in_flight.values()))
        unoffered = tuple(self._unoffered)
        return UnitRow(
            unit=self.unit,
            span=self._span,
            records=self._records,
            resolved=complement(self._span, [*in_flight, *unoffered]),
            resolved_records=self._resolved_records,
            in_flight=in_flight,
            unoffered=unoffered,
            delivered=dict(self._delivered),
        )

    def stored(self) -> dict[str, object]:
        """The columns that change."""
        return {
            "unoffered": dump_spans(self._unoffered),
            "in_flight": dump_spans(self._in_flight.values()),
            "resolved_records": self._resolved_records,
            "delivered": json.dumps(self._delivered),
        }

    def _count(self, resolution: Resolution) -> None:
        if sum(resolution.delivered.values()) + len(resolution.refusals) != resolution.records:
            raise _broken(self.unit, resolution.span, "its outcomes do not add up to its records")
        self._resolved_records += resolution.records
        for operation, records in resolution.delivered.items():
            self._delivered[operation] = self._delivered.get(operation, 0) + records
        if self._resolved_records > self._records:
            raise _broken(self.unit, resolution.span, "more records were decided than were planned")
        if self._resolved_records == self._records:
            self._unoffered.clear()
            self._in_flight.clear()

    def _take(self, span: Span) -> None:
        index = bisect_right(self._unoffered, span.first, key=lambda open_span: open_span.first) - 1
        if index < 0 or self._unoffered[index].last < span.last:
            raise _broken(self.unit, span, "it was offered or decided before")
        rest = Span(span.last + 1, self._unoffered[index].last)
        self._unoffered[index : index + 1] = [rest] if rest.first <= rest.last else []

    def _resolve_part(self, span: Span) -> bool:
        for whole in self._in_flight.values():
            if whole.first <= span.first and span.last <= whole.last:
                del self._in_flight[whole.first]
                for rest in (Span(whole.first, span.first - 1), Span(span.last + 1, whole.last)):
                    if rest.first <= rest.last:
                        self._in_flight[rest.first] = rest
                return True
        return False


def started(plan: UnitPlan) -> UnitRow:
    """The progress of a unit as it enters the ledger."""
    decided = plan.resolved_records == plan.records
    unoffered = () if decided else complement(plan.span, plan.resolved)
    return UnitRow(
        unit=plan.unit,
        span=plan.span,
        records=plan.records,
        resolved=complement(plan.span, unoffered),
        resolved_records=plan.resolved_records,
        in_flight=(),
        unoffered=unoffered,
        delivered=dict(plan.delivered),
    )


def complement(whole: Span, spans: Iterable[Span]) -> tuple[Span, ...]:
    """What of `whole` is in none of `spans`.

    >>> complement(Span(1, 9), [Span(6, 7), Span(1, 2)])
    (Span(first=3, last=5), Span(first=8, last=9))
    """
    found: list[Span] = []
    position = whole.first
    for span in sorted(spans):
        if span.first > whole.last:
            break
        if span.first > position:
            found.append(Span(position, span.first - 1))
        position = max(position, span.last + 1)
    if position <= whole.last:
        found.append(Span(position, whole.last))
    return tuple(found)


def dump_spans(spans: Iterable[Span]) -> str:
    """Spans as they stand in a column."""
    return json.dumps([(span.first, span.last) for span in spans], separators=(",", ":"))


def load_spans(text: str) -> tuple[Span, ...]:
    """Spans read back from a column, in order."""
    pairs: Sequence[Sequence[int]] = json.loads(text)
    return tuple(sorted(Span(first, last) for first, last in pairs))


def _broken(unit: int, span: Span, why: str) -> StoreError:
    return StoreError(
        f"The ledger refused positions {span.first} to {span.last} of unit {unit}: {why}",
        hint="This is a defect of Tailrace; nothing of this step was stored. Please report it.",
        code="ledger_inconsistent",
    )
