"""What a person approved of a blocked sync (R31), kept in the warehouse so that it works from any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tailrace.errors import StateError
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.checkpoint import read_checkpoint
from tailrace.state.fence import Fence, insist, patiently, update_checkpoint
from tailrace.state.guards import Approval, GuardResult
from tailrace.state.names import StateNames


def record_block(session: Session, fence: Fence, sync_id: str, stopped: Sequence[GuardResult]) -> Approval:
    """Store which guards stopped a sync, so that it can be approved; replaces what stood there. Raises FenceLost."""
    pending = Approval(sync_id, {result.name: result.count for result in stopped}, approved=False)
    blocked = {"approval": fence.dialect.literal(pending.to_json())}
    patiently(session, fence, lambda: update_checkpoint(session, fence, blocked))
    return pending


def approve(session: Session, dialect: Dialect, names: StateNames, sync_id: str) -> Approval:
    """Approve a blocked sync: the next plan goes if its guarded counts exceed it by at most 10 %.

    Needs no lease, for a blocked sync holds none. Raises StateError `not_blocked` if this sync is not the one
    that is blocked.
    """
    found = read_checkpoint(session, dialect, names)
    pending = found.approval if found else None
    if pending is None or pending.sync_id != sync_id:
        newer = f" The blocked one is {pending.sync_id}." if pending else ""
        raise StateError(
            f"Sync {sync_id} is not blocked, or no longer.{newer}",
            hint="Run `tailrace sync` again: it shows whether a guard still stops it.",
            code="not_blocked",
        )
    approval = replace(pending, approved=True)
    checkpoints = dialect.table(names.schema, names.checkpoints)
    statement = (
        f"UPDATE {checkpoints} SET approval = {dialect.literal(approval.to_json())}"
        f" WHERE approval = {dialect.literal(pending.to_json())}"
    )
    changed = insist(lambda: session.execute(statement))
    return approval if changed or pending.approved else approve(session, dialect, names, sync_id)
