"""The log of syncs in the warehouse: one row per sync with every count, for the user's own SQL and R30's day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.counts import Counts
from tailrace.state.fence import Fence, write_fenced
from tailrace.state.names import SYNC_LOG, StateNames
from tailrace.state.tables import COUNTED

RESET = "reset"
"""The status of a log row that stands for a reset, not for a sync."""

_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What is told of one sync; `delivered_rows` is what the destination holds of us after it."""

    project: str
    mapping: str
    sync_id: str
    n: int
    status: str
    started_at: datetime
    finished_at: datetime
    counts: Counts
    delivered_rows: int
    approved: bool = False


def log_sync(session: Session, fence: Fence, entry: LogEntry) -> None:
    """Log a sync that sealed no plan (blocked, or failed before). Raises FenceLost."""
    write_fenced(session, fence, lambda: append_log(session, fence, entry))


def append_log(session: Session, fence: Fence, entry: LogEntry) -> None:
    """Add the row, inside the transaction that the caller has open."""
    shares = {operation: asdict(share) for operation, share in entry.counts.by_operation.items()}
    values = {
        "project": entry.project,
        "mapping": entry.mapping,
        "state_id": fence.names.id,
        "sync_id": entry.sync_id,
        "n": entry.n,
        "status": entry.status,
        "started_at": entry.started_at,
        "finished_at": entry.finished_at,
        **{name: getattr(entry.counts, name) for name in COUNTED},
        "by_operation": json.dumps(shares, separators=(",", ":")),
        "delivered_rows": entry.delivered_rows,
        "approved": entry.approved,
    }
    d = fence.dialect
    columns = ", ".join(d.quote(name) for name in values)
    row = d.select_one(", ".join(d.literal(value) for value in values.values()))
    session.execute(f"INSERT INTO {fence.table(SYNC_LOG)} ({columns}) {row}")


def largest_of_the_day(session: Session, dialect: Dialect, names: StateNames) -> int:
    """The most records the destination held of us within 24 hours (R30).

    What was there before an approved sync or a reset counts no more: somebody has agreed to the fall.
    """
    log = dialect.table(names.schema, SYNC_LOG)
    mine = f"state_id = {dialect.literal(names.id)}"
    since = dialect.plus_seconds(dialect.now(), -_DAY)
    agreed = f"{dialect.holds('approved')} OR status = {dialect.literal(RESET)}"
    latest = f"SELECT coalesce(max(finished_at), {since}) FROM {log} WHERE {mine} AND ({agreed})"
    rows = session.rows(
        f"SELECT coalesce(max(delivered_rows), 0) FROM {log} WHERE {mine} AND finished_at > {since}"
        f" AND finished_at >= ({latest})"
    )
    return int(rows[0][0])
