"""What the warehouse knows of a plan being sent (R25, R26): units, resolved spans, exceptions and the ceiling.

The progress table is append-only and filled by the bulk path. Rows may stand there twice after a lost answer: every
reader takes spans merged and exceptions once per position.
"""

from __future__ import annotations

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where no checker sees them.
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from tailrace.outcomes import Refusal, Span
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.fence import Fence, write_fenced
from tailrace.state.names import StateNames

if TYPE_CHECKING:
    import pyarrow as pa

MESSAGE_CHARACTERS = 1_000
"""A refusal's message is cut here; refusals themselves never are."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of work as sealed (R10): its number, its span, and how many records lie in it."""

    number: int
    span: Span
    records: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A sealed plan's progress as committed; `exceptions` has seq, outcome, reason, code, message, record_id."""

    units: tuple[Unit, ...]
    resolved: Mapping[int, tuple[Span, ...]]
    exceptions: pa.Table
    ceiling: int | None
    spans: tuple[Span, ...] = field(default=())
    """All that is resolved, in reading order, in as few spans as possible."""
    doubtful: tuple[Span, ...] = field(default=())
    """Not resolved, and perhaps sent by a run whose ledger was lost."""
    moved: tuple[Span, ...] = field(default=())
    """Resolved, and already moved into the records table, where that takes several transactions (R26)."""
    stored: tuple[Span, ...] = field(default=())
    """Buckets whose rows without a position were moved likewise."""

    @property
    def nothing(self) -> bool:
        """Whether the progress table has no row of this plan, as where nothing was to be sent."""
        spans = (self.units, self.resolved, self.doubtful, self.moved, self.stored)
        return self.ceiling is None and not any(spans) and not self.exceptions.num_rows


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same positions in reading order, as few disjoint spans as their numbers allow."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + 1:
            found[-1] = Span(found[-1].first, max(found[-1].last, span.last))
        else:
            found.append(span)
    return tuple(found)


def without(spans: Iterable[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """The positions of `spans` that lie in none of `taken`."""
    left: list[Span] = []
    holes = merged(taken)
    for span in merged(spans):
        first = span.first
        for hole in holes:
            if hole.last < first or hole.first > span.last:
                continue
            if hole.first > first:
                left.append(Span(first, hole.first - 1))
            first = hole.last + 1
        if first <= span.last:
            left.append(Span(first, span.last))
    return tuple(left)


def common(spans: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The positions of `spans` that lie in `others` too."""
    found = merged(spans)
    return without(found, without(found, others))


def covered(units: Sequence[Unit], spans: Iterable[Span]) -> tuple[Span, ...]:
    """`spans` and the gaps between neighbouring units, for no record lies there: fewer spans say the same."""
    ordered = sorted(units, key=lambda unit: unit.span)
    whole = list(spans)
    for before, after in pairwise(ordered):
        if before.span.last + 1 < after.span.first:
            whole.append(Span(before.span.last + 1, after.span.first - 1))
    return merged(whole)


def commit_progress(
    session: Session,
    fence: Fence,
    plan_table: str,
    resolved: Sequence[tuple[int, Span]],
    exceptions: pa.Table | Sequence[Refusal],
    ceiling: int | None,
    doubtful: Sequence[Span] = (),
) -> None:
    """Append what was resolved since the last commit, or is in doubt since a ledger was lost (R26).

    Raises FenceLost.
    """
    rows = progress_rows(
        plan_table, resolved=resolved, unknown=doubtful, exceptions=exceptions, ceiling=ceiling
    )
    write_fenced(session, fence, lambda: session.upload(fence.names.progress, rows))


def load_progress(session: Session, dialect: Dialect, names: StateNames, plan_table: str) -> Progress:
    """The committed progress of a plan, each resolved position and each exception once."""
    table = dialect.table(names.schema, names.progress)
    mine = f"plan_table = {dialect.literal(plan_table)}"
    units: list[Unit] = []
    resolved: dict[int, list[Span]] = {}
    ceiling: int | None = None
    others: dict[str, list[Span]] = {"unknown": [], "moved": [], "stored": []}
    kinds = ", ".join(f"'{kind}'" for kind in ("unit", "resolved", "ceiling", *others))
    rows = session.rows(
        f"SELECT kind, unit, from_seq, to_seq, records FROM {table} WHERE {mine} AND kind IN ({kinds})"
        " UNION ALL SELECT kind, max(unit) AS unit, min(from_seq) AS from_seq, max(to_seq) AS to_seq,"
        " count(*) AS records"
        f" FROM {table} WHERE {mine} AND kind = 'exception' GROUP BY kind ORDER BY from_seq"
    )
    exceptions = _exceptions([])
    for kind, unit, first, last, records in rows:
        if kind == "exception":
            exceptions = session.read(
                f"SELECT * FROM ({exceptions_query(dialect, names, plan_table)}) AS e ORDER BY seq"
            ).read_all()
        elif kind == "unit":
            units.append(Unit(unit, Span(first, last), records))
        elif kind == "resolved":
            resolved.setdefault(unit, []).append(Span(first, last))
        elif kind in others:
            others[kind].append(Span(first, last))
        else:
            ceiling = max(last, ceiling or last)
    spans = {number: merged(each) for number, each in resolved.items()}
    decided = covered(units, (span for each in spans.values() for span in each))
    return Progress(
        units=tuple(sorted(units, key=lambda each: each.number)),
        resolved=spans,
        exceptions=exceptions,
        ceiling=ceiling,
        spans=decided,
        doubtful=without(others["unknown"], decided),
        moved=merged(others["moved"]),
        stored=merged(others["stored"]),
    )


def exceptions_query(dialect: Dialect, names: StateNames, plan_table: str) -> str:
    """Exceptions of a plan, once per position: seq, outcome, reason, code, message, record_id."""
    return (
        "SELECT from_seq AS seq, max(outcome) AS outcome, max(reason) AS reason, max(code) AS code,"
        " max(message) AS message, max(record_level_id) AS record_id"
        f" FROM {dialect.table(names.schema, names.progress)}"
        f" WHERE plan_table = {dialect.literal(plan_table)} AND kind = 'exception' GROUP BY from_seq"
    )


def progress_rows(
    plan_table: str,
    *,
    units: Sequence[Unit] = (),
    resolved: Sequence[tuple[int, Span]] = (),
    unknown: Sequence[Span] = (),
    moved: Sequence[Span] = (),
    stored: Sequence[Span] = (),
    exceptions: pa.Table | Sequence[Refusal] = (),
    ceiling: int | None = None,
) -> pa.Table:
    """Rows for the progress table, ready for the bulk path (R27)."""
    import pyarrow as pa

    spans: list[tuple[str, int | None, Span, int | None]] = [
        *(("unit", unit.number, unit.span, unit.records) for unit in units),
        *(("resolved", unit, span, None) for unit, span in resolved),
        *(
            (kind, None, span, None)
            for kind, each in (("unknown", unknown), ("moved", moved), ("stored", stored))
            for span in each
        ),
    ]
    if ceiling is not None:
        spans.append(("ceiling", None, Span(ceiling, ceiling), None))
    plain = pa.table(
        {
            "kind": pa.array([kind for kind, _, _, _ in spans], pa.string()),
            "unit": pa.array([unit for _, unit, _, _ in spans], pa.int32()),
            "from_seq": pa.array([span.first for _, _, span, _ in spans], pa.int64()),
            "to_seq": pa.array([span.last for _, _, span, _ in spans], pa.int64()),
            "records": pa.array([records for _, _, _, records in spans], pa.int64()),
        }
    )
    rows = pa.concat_tables([plain, _exception_rows(exceptions)], promote_options="default")
    return rows.append_column("plan_table", pa.array([plan_table] * rows.num_rows, pa.string()))


def _exception_rows(exceptions: pa.Table | Sequence[Refusal]) -> pa.Table:
    import pyarrow as pa

    table = exceptions if isinstance(exceptions, pa.Table) else _exceptions(exceptions)
    seqs = table.column("seq").cast(pa.int64())
    return pa.table(
        {
            "kind": pa.array(["exception"] * table.num_rows, pa.string()),
            "from_seq": seqs,
            "to_seq": seqs,
            "outcome": table.column("outcome").cast(pa.string()),
            "reason": _clean(table.column("reason")),
            "code": _clean(table.column("code")),
            "message": _clean(table.column("message")),
            "record_level_id": table.column("record_id").cast(pa.string()),
        }
    )


def _exceptions(refusals: Sequence[Refusal]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "seq": pa.array([refusal.seq for refusal in refusals], pa.int64()),
            "outcome": pa.array([refusal.outcome.value for refusal in refusals], pa.string()),
            "reason": pa.array([refusal.reason for refusal in refusals], pa.string()),
            "code": pa.array([refusal.code for refusal in refusals], pa.string()),
            "message": pa.array([refusal.message for refusal in refusals], pa.string()),
            "record_id": pa.array([refusal.record_id for refusal in refusals], pa.string()),
        }
    )


def _clean(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text that every warehouse stores: without NUL characters, and not endless."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shown = pc.replace_substring(texts.cast(pa.string()), "\0", "\ufffd")
    return pc.utf8_slice_codeunits(shown, 0, MESSAGE_CHARACTERS)
