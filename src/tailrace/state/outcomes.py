"""Counts what became of a plan's records from the warehouse's own tables, whoever sent them (R32)."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.names import StateNames
from tailrace.state.progress import Progress, exceptions_query, merged, without

_SENDABLE = "('added', 'updated', 'deleted')"


def count_outcomes(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    plan_table: str,
    progress: Progress,
    unknown: Sequence[Span] = (),
) -> dict[tuple[str, Outcome], int]:
    """Planned records by operation and outcome: exceptions as recorded, the other resolved ones delivered,
    those in the `unknown` spans unknown, and what was never offered aborted."""
    changes = dialect.table(names.schema, plan_table)
    doubtful = without(unknown, progress.spans)
    counted: dict[tuple[str, Outcome], int] = {}

    def add(operation: str, outcome: Outcome, records: int) -> None:
        counted[operation, outcome] = counted.get((operation, outcome), 0) + records

    exceptions = exceptions_query(dialect, names, plan_table)
    rows = session.rows(
        f"SELECT c.operation, e.outcome, count(*) FROM ({exceptions}) AS e JOIN {changes} AS c ON c.seq = e.seq"
        " GROUP BY c.operation, e.outcome"
    )
    for operation, outcome, records in rows:
        add(operation, Outcome(outcome), int(records))
    for spans, outcome in ((progress.spans, Outcome.DELIVERED), (doubtful, Outcome.UNKNOWN)):
        for operation, records in _within(session, changes, exceptions, spans):
            add(operation, outcome, records)
    offered = merged([*progress.spans, *doubtful])
    for operation, records in _outside(session, changes, exceptions, offered):
        add(operation, Outcome.ABORTED, records)
    return counted


def count_delivered(
    session: Session, dialect: Dialect, names: StateNames, plan_table: str, span: Sequence[Span]
) -> dict[str, int]:
    """Delivered records by operation within resolved spans."""
    changes = dialect.table(names.schema, plan_table)
    return dict(_within(session, changes, exceptions_query(dialect, names, plan_table), span))


def _within(session: Session, changes: str, exceptions: str, spans: Sequence[Span]) -> list[tuple[str, int]]:
    return _counted(session, changes, exceptions, _condition(spans)) if spans else []


def _outside(session: Session, changes: str, exceptions: str, spans: Sequence[Span]) -> list[tuple[str, int]]:
    return _counted(session, changes, exceptions, f"NOT ({_condition(spans)})" if spans else "1 = 1")


def _condition(spans: Sequence[Span]) -> str:
    return " OR ".join(f"c.seq BETWEEN {span.first} AND {span.last}" for span in spans)


def _counted(session: Session, changes: str, exceptions: str, condition: str) -> list[tuple[str, int]]:
    rows = session.rows(
        f"SELECT c.operation, count(*) FROM {changes} AS c WHERE c.operation IN {_SENDABLE} AND ({condition})"
        f" AND NOT EXISTS (SELECT 1 FROM ({exceptions}) AS e WHERE e.seq = c.seq) GROUP BY c.operation"
    )
    return [(operation, int(records)) for operation, records in rows]
