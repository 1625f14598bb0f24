"""The seal (R4): a plan exists only once the checkpoint was moved to `planned` under the fence."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tailrace.errors import StateError
from tailrace.sources.base import Session
from tailrace.state.checkpoint import Remember, stored_columns_text
from tailrace.state.columns import StoredColumn, values_checksum
from tailrace.state.counts import Counts
from tailrace.state.fence import Fence, update_checkpoint, write_fenced
from tailrace.state.progress import Unit, progress_rows
from tailrace.state.tables import ours


@dataclass(frozen=True, slots=True)
class SealedPlan:
    """A plan as the checkpoint names it; `columns` and `remember` are those of the records table."""

    table: str
    n: int
    sync_id: str
    counts: Counts
    columns: tuple[StoredColumn, ...]
    remember: Remember
    fingerprint: str
    spec: dict[str, Any]
    """The mapping as planned, without secrets; whoever resumes renders by it (R12)."""
    destination: str
    mapping: str


def seal(
    session: Session,
    fence: Fence,
    plan: SealedPlan,
    *,
    first: bool,
    units: Sequence[Unit],
    ceiling: int | None,
    approved: bool = False,
    stale: bool = False,
) -> None:
    """Make a filled plan table the plan, with its units and its first ceiling, in one transaction.

    `approved` says that a guard let it pass by approval; any other plan supersedes an approval. With `stale`, the
    state's digests are of other columns than the plan's, and become theirs (R13). Sealing the same plan again, as
    after a lost answer, changes nothing. Raises FenceLost.
    """
    d = fence.dialect
    rows = progress_rows(plan.table, units=units, ceiling=ceiling)

    def write() -> None:
        (phase, sealed) = session.rows(f"SELECT phase, plan_table FROM {fence.checkpoints}")[0]
        if phase == "planned" and sealed == plan.table:
            return
        if phase == "planned":
            raise StateError(
                f"The plan {sealed} is sealed and not finished.", hint="Finish or discard it first."
            )
        session.execute(f"DELETE FROM {fence.table(fence.names.progress)} WHERE 1 = 1")
        session.upload(fence.names.progress, rows)
        if stale:
            renew_digests(session, fence, plan.columns)
        update_checkpoint(
            session,
            fence,
            {
                "n": d.literal(plan.n),
                "sync_id": d.literal(plan.sync_id),
                "phase": d.literal("planned"),
                "plan_table": d.literal(plan.table),
                "counts": d.literal(plan.counts.to_json()),
                "columns": d.literal(stored_columns_text(plan.columns, plan.remember)),
                "fingerprint": d.literal(plan.fingerprint),
                "spec": d.literal(json.dumps(plan.spec, separators=(",", ":"))),
                "destination": d.literal(plan.destination),
                "mapping": d.literal(plan.mapping),
                "planned_at": d.now(),
                "first": d.literal(first),
                **({} if approved else {"approval": "NULL"}),
            },
        )

    write_fenced(session, fence, write)


def renew_digests(session: Session, fence: Fence, columns: Sequence[StoredColumn]) -> None:
    """Let all state rows hold the digest of these columns' values, inside the transaction that the caller has open."""
    d = fence.dialect
    digest = {d.quote("digest"): values_checksum(d, columns, "r")}
    session.execute(d.update_rows(fence.table(fence.names.records), "r", digest))


def drop_leftovers(session: Session, fence: Fence) -> list[str]:
    """Drop this mapping's plan tables that are not sealed; gives their names (R4).

    So is the records table of a mapping that was reset, where a reset cannot drop it in its own transaction.
    """
    d = fence.dialect
    # listed before the fence is looked at: what a successor makes is not among them, however long this process stands
    present = ours(session, d, fence.names.schema)
    columns = f"CASE WHEN {d.quote('columns')} IS NULL THEN 1 END"
    rows = session.rows(f"SELECT plan_table, {columns} FROM {fence.checkpoints} WHERE {fence.held}")
    if not rows:
        raise fence.lost()
    sealed, forgotten = rows[0]
    pattern = re.compile(rf"{re.escape(fence.names.changes_prefix)}\d+_[^_]+", re.IGNORECASE)
    left = sorted(name for name in present if pattern.fullmatch(name) and name != sealed)
    for name in left:
        session.execute(d.drop_table(fence.table(name)))
    if forgotten and not d.ddl_in_transactions and fence.names.records in present:
        drop_forgotten(session, fence)
        left.append(fence.names.records)
    return left


def drop_forgotten(session: Session, fence: Fence) -> None:
    """Drop the records table of a mapping that was reset, where that cannot be done in the reset's own transaction.

    The lease is extended right before: only a process that stands still for all of it in between could drop what a
    successor has made under that name, and the row count would tell (R26). Raises FenceLost.
    """
    write_fenced(session, fence, lambda: None)
    session.execute(fence.dialect.drop_table(fence.table(fence.names.records)))
