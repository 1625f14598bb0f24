"""A plan's end in several transactions (R26), where one may not move any number of rows.

Each moves a part of the plan's rows and stores in the progress table that it did, together with the new row count.
So whoever finishes the plan after a crash goes on behind the last part. What decides a record for good moves here:
its resolved positions. Positions that were offered and not resolved wait for the last transaction, for until then
somebody may resume the plan and send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tailrace.outcomes import Span
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.moves import BASELINES
from tailrace.state.names import StateNames
from tailrace.state.operations import SENDABLE
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
    target = dialect.table(names.schema, table)
    sendable = ", ".join(f"'{each}'" for each in SENDABLE)
    positioned = session.rows(_counted(target, f"c.operation IN ({sendable})", "min(c.seq), max(c.seq)"))
    filled = [_Filled(Span(int(first), int(last)), int(rows)) for _, rows, first, last in positioned]
    for span in _packed([piece for each in filled for piece in each.pieces(most)], most):
        yield Part(True, span, without(common(progress.spans, (span,)), progress.moved))
    kept = ", ".join(f"'{each}'" for each in (*BASELINES, "drop", "fill"))
    unsent = f"c.seq IS NULL AND (c.operation IN ({kept}) OR c.reason = 'limit:updated')"
    others = session.rows(_counted(target, unsent, "min(c.bucket), max(c.bucket)"))
    filled = [_Filled(Span(int(first), int(last)), int(rows)) for _, rows, first, last in others]
    for buckets in _packed(filled, most):
        yield Part(False, buckets, without((buckets,), progress.stored))


@dataclass(frozen=True, slots=True)
class _Filled:
    """A span that holds so many rows."""

    span: Span
    rows: int

    def pieces(self, most: int) -> list[_Filled]:
        """The same in pieces of about `most` rows; positions are spread evenly within a bucket."""
        number = max(-(-self.rows // most), 1)
        width = self.span.last - self.span.first + 1
        edges = [self.span.first + width * piece // number for piece in range(number + 1)]
        return [_Filled(Span(low, high - 1), -(-self.rows // number)) for low, high in pairwise(edges)]


def _counted(target: str, condition: str, ends: str) -> str:
    return (
        f"SELECT c.bucket, count(*), {ends} FROM {target} AS c WHERE {condition}"
        " GROUP BY c.bucket ORDER BY c.bucket"
    )


def _packed(spans: list[_Filled], most: int) -> Iterator[Span]:
    """Neighbouring spans with at most `most` rows together, where one of them has not more."""
    pack: list[_Filled] = []
    for each in spans:
        if pack and sum(packed.rows for packed in pack) + each.rows > most:
            yield Span(pack[0].span.first, pack[-1].span.last)
            pack = []
        pack.append(each)
    if pack:
        yield Span(pack[0].span.first, pack[-1].span.last)
