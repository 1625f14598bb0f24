"""Takes what is superseded out of an insert-only records table (R28)."""

from __future__ import annotations

from tailrace.sources.base import Session
from tailrace.state.fence import Fence, write_fenced
from tailrace.state.records import records_rows, same_key

_SHARE = 5
"""A table is compacted when for so many records there is more than one row that counts no more."""


def compact(session: Session, fence: Fence, records: int) -> int:
    """Delete the superseded rows where they are more than a fifth of the `records`; gives their number.

    In one fenced transaction: a process that lost its fence deletes nothing, and a crash leaves the table as it
    was or compacted; what it holds is the same. Raises FenceLost, SourceError.
    """
    d = fence.dialect
    table = fence.table(fence.names.records)
    superseded = int(session.rows(f"SELECT count(*) FROM {table}")[0][0]) - records
    if superseded * _SHARE <= records:
        return 0
    current = (
        f"SELECT 1 FROM {records_rows(d, fence.names, ['record_version'])} AS w"
        f" WHERE {same_key(d, 'w.record_id', 'r.record_id')} AND w.record_version = r.record_version"
    )
    statement = d.delete_from(table, "r", f"NOT EXISTS ({current})")
    return write_fenced(session, fence, lambda: session.execute(statement))
