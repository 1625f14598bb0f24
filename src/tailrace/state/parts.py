"""A plan's end in several transactions (R26), where one may not move any number of rows.

Each moves a part of the plan's rows and stores in the progress table that it did, together with the new row count.
So whoever finishes the plan after a crash goes on behind the last part. What decides a record for good moves here:
its resolved positions. Positions that were offered and not resolved wait for the last transaction, for until then
somebody may resume the plan and send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.outcomes import Span
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.moves import BASELINES
from tailrace.state.names import StateNames
from tailrace.state.plan_read import units
from tailrace.state.progress import Progress, common, without


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a plan's rows: those in `whole`, of which the ones in `due` are still to be moved."""

    positioned: bool
    """By position; else rows that have none, by bucket."""
    whole: Span
    due: tuple[Span, ...]

    @property
    def all_rows(self) -> str:
        """The condition on `c`."""
        return self._condition((self.whole,))

    @property
    def rows_due(self) -> str:
        """The condition on `c`, where there are any."""
        return self._condition(self.due)

    def _condition(self, spans: tuple[Span, ...]) -> str:
        name = "c.seq" if self.positioned else "c.bucket"
        inside = " OR ".join(f"{name} BETWEEN {span.first} AND {span.last}" for span in spans)
        return f"({inside})" if self.positioned else f"c.seq IS NULL AND ({inside})"


def parts(
    session: Session, dialect: Dialect, names: StateNames, table: str, progress: Progress, most: int
) -> Iterator[Part]:
    """A plan in parts of about `most` rows, each of them whether or not it has rows that are due."""
    for unit in units(session, dialect, names, table, (), max_records=most):
        due = without(common(progress.spans, (unit.span,)), progress.moved)
        yield Part(True, unit.span, due)
    kept = ", ".join(f"'{each}'" for each in (*BASELINES, "drop", "fill"))
    found = session.rows(
        f"SELECT c.bucket, count(*) FROM {dialect.table(names.schema, table)} AS c WHERE c.seq IS NULL"
        f" AND (c.operation IN ({kept}) OR c.reason = 'limit:updated') GROUP BY c.bucket ORDER BY c.bucket"
    )
    for buckets in _packed([(int(bucket), int(rows)) for bucket, rows in found], most):
        yield Part(False, buckets, without((buckets,), progress.stored))


def _packed(buckets: list[tuple[int, int]], most: int) -> Iterator[Span]:
    """Neighbouring buckets with at most `most` rows together, where one of them has not more."""
    first: int | None = None
    last = rows = 0
    for bucket, number in buckets:
        if first is not None and rows + number > most:
            yield Span(first, last)
            first = None
        if first is None:
            first, rows = bucket, 0
        last, rows = bucket, rows + number
    if first is not None:
        yield Span(first, last)
