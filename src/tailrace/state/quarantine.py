"""Quarantine (R23): what the destination refused, how often, and when it may try again.

A rejection belongs to one key, operation, digest of values and fingerprint: another value, mapping or setting of
the destination begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.fence import Fence, write_fenced
from tailrace.state.names import StateNames
from tailrace.state.records import exact_key, same_key

REFUSALS_BEFORE_WAITING = 3
LADDER = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=7))

_FIELDS = (
    "record_id", "operation", "attempts", "first_at", "last_at", "next_try_at", "reason", "code", "message",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that the destination or the mapping refused."""

    record_id: str
    operation: str
    attempts: int
    first_at: datetime
    last_at: datetime
    next_try_at: datetime | None
    """None: it goes again with the next sync."""
    reason: str
    code: str
    message: str


def wait_after(attempts: int) -> timedelta | None:
    """How long a record waits after so many refused syncs; None where it goes with the next one."""
    if attempts < REFUSALS_BEFORE_WAITING:
        return None
    return LADDER[min(attempts - REFUSALS_BEFORE_WAITING, len(LADDER) - 1)]


def rejections(session: Session, dialect: Dialect, names: StateNames, limit: int = 1_000) -> list[Rejected]:
    """Every refused record with its reason, the newest first."""
    return _read(session, dialect, names, "1 = 1", limit)


def rejection_of(session: Session, dialect: Dialect, names: StateNames, record_id: str) -> Rejected | None:
    """What is known of one record's refusals."""
    found = _read(session, dialect, names, same_key(dialect, "record_id", dialect.literal(record_id)), 1)
    return found[0] if found else None


def quarantined(session: Session, dialect: Dialect, names: StateNames, limit: int = 1_000) -> list[Rejected]:
    """The refused records that wait now."""
    return _read(session, dialect, names, f"next_try_at > {dialect.now()}", limit)


def release_quarantine(session: Session, fence: Fence, record_id: str | None) -> int:
    """Let one record or all go with the next sync, their attempts forgotten. Raises FenceLost."""
    d = fence.dialect
    table = fence.table(fence.names.rejections)
    which = "1 = 1" if record_id is None else same_key(d, "record_id", d.literal(record_id))
    statement = f"UPDATE {table} SET attempts = 0, next_try_at = NULL WHERE {which}"
    return write_fenced(session, fence, lambda: session.execute(statement))


def record_rejections(
    session: Session, fence: Fence, *, rejected: str, fingerprint: str, counted: bool
) -> None:
    """Store this sync's refusals, inside the transaction that the caller has open.

    `rejected` is a query for record_id, operation, checksum, reason, code and message. With `counted` false (R30
    stopped the sync) no attempt is counted.
    """
    d = fence.dialect
    table = fence.table(fence.names.rejections)
    now = session.rows(d.select_one(d.now()))[0][0]
    key = same_key(d, "o.record_id", "c.record_id")
    same = (
        f"o.operation = c.operation AND {d.binary('o.checksum')} = {d.binary('c.checksum')}"
        f" AND o.fingerprint = {d.literal(fingerprint)}"
    )
    changed = f"EXISTS (SELECT 1 FROM ({rejected}) AS c WHERE {key} AND NOT ({same}))"
    session.execute(d.delete_from(table, "o", changed))
    attempts = f"o.attempts + {int(counted)}"
    again = {
        "attempts": attempts,
        "last_at": d.literal(now),
        "next_try_at": _ladder(d, attempts, now),
        **{name: f"c.{name}" for name in ("reason", "code", "message")},
    }
    session.execute(d.update_from(table, "o", again, rejected, "c", key))
    columns = "record_id, operation, checksum, attempts, first_at, last_at, next_try_at, reason, code, message, fingerprint"
    session.execute(
        f"INSERT INTO {table} ({columns}) SELECT c.record_id, c.operation, c.checksum, {int(counted)},"
        f" {d.literal(now)}, {d.literal(now)}, {d.cast('NULL', d.type_of('timestamptz'))}, c.reason, c.code,"
        f" c.message, {d.literal(fingerprint)}"
        f" FROM ({rejected}) AS c WHERE NOT EXISTS (SELECT 1 FROM {table} AS o WHERE {key})"
    )


def clear_rejections(session: Session, fence: Fence, *, planned: str, delivered: str) -> None:
    """Drop what no longer holds: refusals of records that were delivered, or that the plan does not name.

    `planned` and `delivered` are queries for record_id. A plan names every record that is new, changed, set aside
    or held back; a refused record it does not name has gone, or is again as it was delivered.
    """
    d = fence.dialect
    table = fence.table(fence.names.rejections)

    def refused(rows: str) -> str:
        """Those of many records that stand here; the few rejections are what the warehouse holds in memory."""
        return (
            f"SELECT {exact_key(d, 'c.record_id')} FROM ({rows}) AS c"
            f" WHERE {exact_key(d, 'c.record_id')} IN (SELECT {exact_key(d, 'o.record_id')} FROM {table} AS o)"
        )

    key = exact_key(d, "record_id")
    session.execute(
        f"DELETE FROM {table} WHERE {key} NOT IN ({refused(planned)}) OR {key} IN ({refused(delivered)})"
    )


def _ladder(dialect: Dialect, attempts: str, now: datetime) -> str:
    """`wait_after` in SQL, from `now` on."""
    waits = [
        f"WHEN {attempts} >= {REFUSALS_BEFORE_WAITING + step} THEN {dialect.literal(now + wait)}"
        for step, wait in reversed(list(enumerate(LADDER)))
    ]
    return f"CASE {' '.join(waits)} END"


def _read(session: Session, dialect: Dialect, names: StateNames, where: str, limit: int) -> list[Rejected]:
    selected = ", ".join(_FIELDS)
    query = (
        f"SELECT {selected} FROM {dialect.table(names.schema, names.rejections)}"
        f" WHERE {where} ORDER BY last_at DESC, record_id"
    )
    return [Rejected(*row) for row in session.rows(dialect.limited(query, limit))]
