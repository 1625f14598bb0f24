"""Ends a sync: counts what became of every record, asserts the sums, moves the state, tells the store (R21, R26, R32)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tailrace.clock import Clock
from tailrace.errors import DestinationError, SourceUnavailable, TailraceError
from tailrace.outcomes import Outcome, Span
from tailrace.runtime.fenced import Held
from tailrace.runtime.prepared import Bound
from tailrace.runtime.requesting import rejection_scope
from tailrace.runtime.sending import Sealed, blocked_by_rejections
from tailrace.state import commit
from tailrace.state.counts import OPERATIONS, Counts, assert_outcomes
from tailrace.state.guards import rejected_guard
from tailrace.state.outcomes import count_outcomes
from tailrace.state.progress import load_progress

if TYPE_CHECKING:
    from datetime import datetime

    from tailrace.sources.base import Session
    from tailrace.store.rows import SyncRow
    from tailrace.store.store import Store


def stored_counts(counts: Counts) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """The counts as the control store keeps them: totals, and by operation."""
    totals = {name: getattr(counts, name) for name in Counts.__slots__ if name != "by_operation"}
    return totals, {operation: asdict(share) for operation, share in counts.by_operation.items()}


def ledger_outcomes(store: Store, sync: str) -> dict[tuple[str, Outcome], int]:
    """Outcomes of the whole sync as the ledger recorded them, batch by batch."""
    return {
        (operation, Outcome(outcome)): records
        for operation, by_outcome in store.ledger.outcomes(sync).items()
        for outcome, records in by_outcome.items()
        if records
    }


def count_all(sealed: Sealed, held: Held, store: Store, unknown: Sequence[Span], *, complete: bool) -> Counts:
    """The plan's counts with an outcome for each record. Raises CountsError where the sums of R32 do not hold.

    A complete delivery is counted by the ledger, against what the plan's own statement counted; one that was
    stopped is counted from the warehouse's tables, where the records that were never offered still stand.
    """
    if complete:
        outcomes = ledger_outcomes(store, sealed.plan.sync_id)
    else:
        with sealed.source.session() as session, held.keeper.cancelling(session.cancel):
            names, dialect = held.fence.names, sealed.source.dialect
            progress = load_progress(session, dialect, names, sealed.plan.table)
            outcomes = count_outcomes(session, dialect, names, sealed.plan.table, progress, unknown)
    counts = sealed.plan.counts.with_outcomes(outcomes)
    assert_outcomes(counts)
    return counts


def status_of(
    counts: Counts, fail_on: Sequence[str], error: TailraceError | None, *, complete: bool, cancelled: bool
) -> tuple[str, TailraceError | None]:
    """A finished sync's status, and the error that explains it."""
    if error is not None:
        return ("blocked" if error.exit_code == 4 else "failed"), error
    if cancelled and (counts.aborted or not complete):
        return "cancelled", None
    if counts.aborted and not counts.delivered and counts.aborted == counts.planned:
        return "failed", DestinationError(
            "The destination took no record: it could not be reached, or kept asking to wait.",
            hint="See the reasons with `tailrace show`; test it with `tailrace check`. Nothing is lost: the next sync "
            "sends these records.",
            code="destination_unreachable",
        )
    failures = [outcome for outcome in fail_on if getattr(counts, outcome)]
    return ("partial" if failures else "success"), None


def finish(
    sealed: Sealed,
    held: Held,
    store: Store,
    clock: Clock,
    *,
    started_at: datetime,
    fail_on: Sequence[str],
    error: TailraceError | None,
    complete: bool,
    cancelled: bool,
    unknown: Sequence[Span],
    phases: Mapping[str, float],
    warnings: Sequence[str],
) -> SyncRow:
    """Move what was accepted into the state and end the sync. Raises FenceLost, CountsError.

    `unknown` are positions that an earlier run may have sent; those that this run did not come to are uncertain.
    """
    before = clock.monotonic()
    counts = count_all(sealed, held, store, unknown, complete=complete)
    if error is None:
        decided = counts.delivered + counts.rejected + counts.unknown
        verdict = rejected_guard(counts.rejected, decided, sealed.guards, at_end=True)
        if verdict is not None and not verdict.passed:
            error = blocked_by_rejections(verdict.value, verdict.limit)
    status, explained = status_of(counts, fail_on, error, complete=complete, cancelled=cancelled)
    ending = commit.Ending(
        status=status,
        counts=counts,
        started_at=started_at,
        finished_at=clock.now(),
        settings=rejection_scope(sealed.plan.fingerprint, sealed.target),
        unknown=unknown,
        count_rejections=status != "blocked",
    )
    _move(sealed, lambda session: commit.finish(session, held.fence, sealed.plan, ending))
    took = {**phases, "commit": phases.get("commit", 0.0) + clock.monotonic() - before}
    return _settled(store, held, sealed.plan.sync_id, status, counts, took, warnings, explained)


def give_up(
    sealed: Sealed,
    held: Held,
    store: Store,
    clock: Clock,
    *,
    started_at: datetime,
    status: str,
    unknown: Sequence[Span],
    warnings: Sequence[str],
) -> SyncRow:
    """End a sealed plan that is not sent any more: what was accepted is state, what may have been is uncertain."""
    counts = count_all(sealed, held, store, unknown, complete=False)
    ending = commit.Ending(
        status=status,
        counts=counts,
        started_at=started_at,
        finished_at=clock.now(),
        settings=rejection_scope(sealed.plan.fingerprint, sealed.target),
        unknown=unknown,
    )
    _move(sealed, lambda session: commit.discard(session, held.fence, sealed.plan, ending))
    return _settled(store, held, sealed.plan.sync_id, status, counts, {}, warnings, None)


def _move(sealed: Sealed, commit_plan: Callable[[Session], object]) -> None:
    """Commit; once more where the connection broke, for the answer may be all that was lost (R2)."""
    try:
        with sealed.source.session() as session:
            commit_plan(session)
    except SourceUnavailable:
        with sealed.source.session() as session:
            commit_plan(session)


def _settled(store: Store, held: Held, sync: str, *ended: Any) -> SyncRow:
    """The end of a sync whose plan is no more: its progress is not needed again."""
    row = end_row(store, held, sync, *ended)
    store.ledger.forget_units(sync)
    return row


def begin_row(bound: Bound, held: Held, store: Store, clock: Clock, sync: str, *, resumed: bool) -> SyncRow:
    """Enter a sync into the control store under the fence that is held. Raises LeaseHeld."""
    return store.syncs.begin(
        sync,
        mapping=bound.mapping.name,
        state_id=held.fence.names.id,
        project=bound.project.name,
        environment=bound.project.environment,
        fence=held.fence.number,
        owner=held.owner,
        host=held.holder.host,
        pid=held.holder.pid,
        holder=held.holder.to_json(),
        lease_until=clock.now() + timedelta(seconds=held.ttl),
        resumed=resumed,
    )


def end_row(
    store: Store,
    held: Held,
    sync: str,
    status: str,
    counts: Counts | None,
    phases: Mapping[str, float],
    warnings: Sequence[str],
    error: TailraceError | None,
) -> SyncRow:
    """Write a sync's end into the control store; the progress of a plan that stays is kept for its resume."""
    totals, shares = stored_counts(counts) if counts is not None else (None, None)
    document: dict[str, Any] | None = error.document() if error is not None else None
    return store.syncs.finish(
        sync,
        held.owner,
        status,
        counts=totals,
        by_operation=shares,
        warnings=list(warnings),
        phases={name: round(seconds, 4) for name, seconds in phases.items()},
        error=document,
    )


def outcome_totals(outcomes: Mapping[tuple[str, Outcome], int]) -> dict[str, int]:
    """Outcomes without their operations."""
    return {
        outcome.value: sum(outcomes.get((operation, outcome), 0) for operation in OPERATIONS)
        for outcome in Outcome
    }
