"""What a person does to a mapping's state: check and accept its row count, reset it, mark records to be sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tailrace.errors import StateError
from tailrace.sources.base import Session
from tailrace.sources.dialect import BUCKETS, Dialect
from tailrace.state.counts import Counts
from tailrace.state.fence import Fence, update_checkpoint, write_fenced
from tailrace.state.names import StateNames
from tailrace.state.records import column_names, exact_key, records_of, records_rows, touch
from tailrace.state.seal import drop_forgotten
from tailrace.state.synclog import RESET, LogEntry, append_log

_KEYS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The state's rows, and how many of them the destination has accepted."""

    rows: int
    delivered: int


def count_rows(session: Session, dialect: Dialect, names: StateNames) -> RowCounts:
    """Count the records table; empty where it was never made."""
    if names.records not in {name for name, _ in session.rows(dialect.list_tables(names.schema))}:
        return RowCounts(0, 0)
    delivered = f"count(CASE WHEN {dialect.holds('r.delivered')} THEN 1 END)"
    found = records_rows(dialect, names, ["delivered"])
    rows, delivered = session.rows(f"SELECT count(*), {delivered} FROM {found} AS r")[0]
    return RowCounts(int(rows), int(delivered))


def verify_row_count(session: Session, fence: Fence, expected: int) -> RowCounts:
    """Hold that the records table has as many rows as the checkpoint says (R26). Raises StateError."""
    counted = count_rows(session, fence.dialect, fence.names)
    if counted.rows != expected:
        raise StateError(
            f"The table {fence.names.records} holds {counted.rows:,} rows, but the last sync left {expected:,}:"
            " somebody changed it.",
            hint="Restore the table, or forget it with `tailrace reset`, or take it as it is with"
            " `tailrace reset --accept`.",
            code="state_damaged",
        )
    return counted


def accept_row_count(session: Session, fence: Fence) -> RowCounts:
    """Take the records table as it is now. Raises FenceLost."""

    def write() -> RowCounts:
        counted = count_rows(session, fence.dialect, fence.names)
        update_checkpoint(session, fence, {"row_count": str(counted.rows)})
        return counted

    return write_fenced(session, fence, write)


def reset(session: Session, fence: Fence) -> int:
    """Forget what was delivered, refused and planned; gives the number of forgotten records. Raises FenceLost.

    The checkpoint row stays, with its fence and sync numbers: whoever still believes to own the mapping has lost.
    """
    d, names = fence.dialect, fence.names
    plans: list[str] = []

    def write() -> int:
        forgotten = count_rows(session, d, names).rows
        sealed, project, mapping, n, now = session.rows(
            f"SELECT plan_table, project, mapping, n, {d.now()} FROM {fence.checkpoints}"
        )[0]
        plans[:] = [sealed] if sealed else []
        if d.ddl_in_transactions:
            drop(names.records, *plans)
        for table in (names.progress, names.rejections):
            session.execute(f"DELETE FROM {fence.table(table)} WHERE 1 = 1")
        forgetful = ("checkpoint", "plan_table", "counts", "columns", "fingerprint", "spec", "destination")
        update_checkpoint(
            session,
            fence,
            dict.fromkeys((*forgetful, "planned_at", "approval"), "NULL")
            | {"phase": d.literal("idle"), "row_count": "0", "first": d.literal(True)},
        )
        append_log(session, fence, LogEntry(project, mapping, "", n, RESET, now, now, Counts(), 0))
        return forgotten

    def drop(*tables: str) -> None:
        for table in tables:
            session.execute(d.drop_table(fence.table(table)))

    forgotten = write_fenced(session, fence, write)
    if not d.ddl_in_transactions:  # whoever takes the fence next drops what a crash leaves here
        drop(*plans)
        drop_forgotten(session, fence)
    return forgotten


def mark_resend(session: Session, fence: Fence, keys: Sequence[str] | None) -> int:
    """Mark records so that the next plan sends them again, all where `keys` is None. Raises FenceLost.

    Only what was or may have been delivered: in doubt, a baseline record would be deleted once it has gone (R7).
    """
    d = fence.dialect
    records = records_of(fence, column_names(session, fence))
    sendable = f"({d.holds('delivered')} OR {d.holds('uncertain')})"
    again = {"uncertain": d.literal(True), "record_level_id": d.cast("NULL", d.type_of("text"))}

    def mark(which: str) -> int:
        writes = records.change(again, f"{sendable} AND {which}")
        return write_fenced(session, fence, lambda: touch(session, writes))

    if keys is not None:
        found = list(dict.fromkeys(keys))
        some = [found[at : at + _KEYS_AT_ONCE] for at in range(0, len(found), _KEYS_AT_ONCE)]
        listed = [", ".join(d.exact(d.literal(key)) for key in each) for each in some]
        return sum(mark(f"{exact_key(d, 'record_id')} IN ({each})") for each in listed)
    most = d.rows_per_transaction
    if most is None:
        return mark("1 = 1")
    parts = min(-(-count_rows(session, d, fence.names).rows // most), BUCKETS) or 1
    edges = [BUCKETS * part // parts for part in range(parts + 1)]
    bucket = d.bucket("record_id")
    return sum(mark(f"{bucket} >= {low} AND {bucket} < {high}") for low, high in pairwise(edges))
