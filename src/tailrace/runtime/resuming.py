"""Takes an interrupted sync up again: from the ledger where this store has it, else from the warehouse (R11, R25, R26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tailrace.delivery.summary import Counts as Outcomes
from tailrace.errors import StateError
from tailrace.outcomes import Outcome, Refusal, Span
from tailrace.runtime.fenced import Held
from tailrace.runtime.finishing import ledger_outcomes, outcome_totals
from tailrace.runtime.pinned import settle, unpin
from tailrace.runtime.prepared import Bound, Target, project_target
from tailrace.runtime.sending import Sealed
from tailrace.sources.base import Session
from tailrace.spec.project import Project
from tailrace.state.checkpoint import Checkpoint, read_checkpoint
from tailrace.state.outcomes import count_delivered
from tailrace.state.progress import Progress, commit_progress, exceptions_query, load_progress, without
from tailrace.state.renames import find_names
from tailrace.state.seal import SealedPlan
from tailrace.state.upkeep import verify_row_count
from tailrace.store.rows import ExceptionRow, UnitPlan

if TYPE_CHECKING:
    import pyarrow as pa

    from tailrace.mapping.compile import CompiledMapping
    from tailrace.store.rows import UnitRow
    from tailrace.store.store import Store


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A sealed plan with what is known of it; the ledger of this store is whole when this exists."""

    sealed: Sealed
    before: Outcomes
    """Outcomes so far."""
    unsettled: tuple[Span, ...]
    """Positions that may have been sent and are not resolved: unknown, should the plan not be resumed."""
    obstacle: str | None
    """Why it must not be resumed."""


def sealed_plan(found: Checkpoint) -> SealedPlan:
    """The plan that a checkpoint in phase `planned` names. Raises StateError."""
    if found.plan_table is None or found.sync_id is None or found.counts is None or found.spec is None:
        raise StateError(
            "The checkpoint says that a plan is sealed, but not all that belongs to it.",
            hint="Run `tailrace reset` on this mapping to begin anew.",
        )
    return SealedPlan(
        table=found.plan_table,
        n=found.n,
        sync_id=found.sync_id,
        counts=found.counts,
        columns=found.columns or (),
        remember=found.remember,
        fingerprint=found.fingerprint or "",
        spec=found.spec,
        destination=found.destination or "",
        mapping=found.mapping,
    )


def waits(bound: Bound) -> bool:
    """Is there a sealed plan of this mapping, to go on with? Leaves nothing behind. Raises SourceError, StateError."""
    dialect = bound.source.dialect
    with bound.source.session() as session:
        names = find_names(session, dialect, bound.names)
        found = read_checkpoint(session, dialect, names) if names is not None else None
    return found is not None and found.phase == "planned"


def load(project: Project, environ: Mapping[str, str], store: Store, bound: Bound, held: Held) -> Interrupted:
    """The interrupted plan with all that both memories know of it; one that must not be resumed renders nothing.

    Raises StateError, ConfigError, SourceError.
    """
    from tailrace.mapping.compile import CompiledMapping
    from tailrace.mapping.expression import Object

    plan = sealed_plan(held.checkpoint)
    source, names = bound.source, held.fence.names
    with source.session() as session, held.keeper.cancelling(session.cancel):
        verify_row_count(session, held.fence, held.checkpoint.row_count)
        progress = load_progress(session, source.dialect, names, plan.table)
        known = _bring_together(session, store, bound, held, plan, progress)
        unsettled = _unsettled(known, progress)
        if known:
            spans = [(unit, span) for unit, each in known.items() for span in each.resolved]
            refusals = [_refusal(row) for row in store.ledger.exceptions(plan.sync_id)]
            commit_progress(session, held.fence, plan.table, spans, refusals, None)
    why_not = _obstacle(plan, bound, held)
    name, target, compiled = bound.project.name, bound.target, CompiledMapping(Object(()), ())
    if why_not is None:
        name, target, compiled = _pinned(project, environ, bound, plan)
    sealed = Sealed(
        project=name,
        mapping=plan.mapping,
        source=source,
        target=target,
        compiled=compiled,
        plan=plan,
        units=progress.units,
        ceiling=progress.ceiling,
        guards=bound.mapping.guards,
    )
    totals = outcome_totals(ledger_outcomes(store, plan.sync_id))
    before = Outcomes(totals["delivered"], totals["rejected"], totals["aborted"], totals["unknown"])
    return Interrupted(sealed, before, unsettled, why_not)


def _pinned(
    project: Project, environ: Mapping[str, str], bound: Bound, plan: SealedPlan
) -> tuple[str, Target, CompiledMapping]:
    """The project's name, destination and expressions as planned (R12); only secrets are as the files say now."""
    from tailrace.mapping.compile import compile_mapping

    pinned = unpin(plan.spec)
    settings = settle(pinned.settings, bound.target.written, bound.target.declaration)
    target = project_target(project, bound.target.name, pinned.action, environ, settings)
    compiled = compile_mapping(pinned.fields, pinned.columns, action_fields=target.action.fields)
    return pinned.project, target, compiled


def _obstacle(plan: SealedPlan, bound: Bound, held: Held) -> str | None:
    """Why a sealed plan must not be sent any more (R11, R12, R18); None where it may be resumed."""
    found = held.checkpoint
    target = bound.target
    try:
        pinned = unpin(plan.spec)
    except StateError as unreadable:
        return f"{unreadable.message} The interrupted plan was given up."
    if pinned.destination != target.name or plan.destination != target.identity:
        return "The destination changed since the interrupted plan was made; it was given up."
    age = found.now - found.planned_at if found.planned_at else timedelta(0)
    if age > timedelta(seconds=bound.mapping.max_plan_age):
        minutes = int(age.total_seconds() // 60)
        return f"The interrupted plan is {minutes:,} minutes old, more than `max_plan_age`; it was given up."
    return None


def _bring_together(
    session: Session, store: Store, bound: Bound, held: Held, plan: SealedPlan, progress: Progress
) -> dict[int, UnitRow]:
    """Make the ledger say what both it and the warehouse know; the warehouse wins over a store that knows less."""
    known = store.ledger.load(plan.sync_id)
    if known and not _behind(known, progress):
        return known
    refusals = _refusals(session, bound, held, plan, progress.exceptions)
    commit_progress(session, held.fence, plan.table, (), (), None, _unsettled({}, progress))
    plans = []
    for unit in progress.units:
        resolved = progress.resolved.get(unit.number, ())
        delivered = count_delivered(session, bound.source.dialect, held.fence.names, plan.table, resolved)
        refused = sum(unit.span.first <= refusal.seq <= unit.span.last for refusal in refusals)
        plans.append(
            UnitPlan(
                unit.number,
                unit.span,
                unit.records,
                resolved=tuple(resolved),
                resolved_records=sum(delivered.values()) + refused,
                delivered=delivered,
            )
        )
    store.ledger.open_units(plan.sync_id, held.owner, plans, refusals)
    return {}


def _behind(known: Mapping[int, UnitRow], progress: Progress) -> bool:
    """Whether the warehouse knows of resolutions that the ledger lacks (a store restored from a backup)."""
    for unit in progress.units:
        if unit.number not in known:
            return True
        if without(progress.resolved.get(unit.number, ()), known[unit.number].resolved):
            return True
    return False


def _unsettled(known: Mapping[int, UnitRow], progress: Progress) -> tuple[Span, ...]:
    """What may have been sent: the ledger's in-flight batches, or without it all up to the ceiling (R25, R26).

    A ledger that was made anew after a loss knows only of its own batches; the doubt since then is in the warehouse.
    """
    if known:
        in_flight = [span for each in known.values() for span in each.in_flight]
        resolved = [span for each in known.values() for span in each.resolved]
        return without([*in_flight, *progress.doubtful], resolved)
    if progress.ceiling is None or not progress.units:
        return ()
    open_spans = [
        Span(unit.span.first, min(unit.span.last, progress.ceiling))
        for unit in progress.units
        if unit.span.first <= progress.ceiling
    ]
    return without(open_spans, progress.spans)


def _refusals(
    session: Session, bound: Bound, held: Held, plan: SealedPlan, exceptions: pa.Table
) -> Sequence[Refusal]:
    """The committed exceptions as the ledger keeps them, with key and operation from the plan."""
    if exceptions.num_rows == 0:
        return []
    dialect = bound.source.dialect
    names = held.fence.names
    rows = session.rows(
        f"SELECT c.seq, c.record_id, c.operation, e.outcome, e.reason, e.code, e.message, e.record_id"
        f" FROM {dialect.table(names.schema, plan.table)} AS c"
        f" JOIN ({exceptions_query(dialect, names, plan.table)}) AS e ON e.seq = c.seq ORDER BY c.seq"
    )
    return [
        Refusal(
            seq, key, operation, Outcome(outcome), reason or "", code or "", message or "", record_id or ""
        )
        for seq, key, operation, outcome, reason, code, message, record_id in rows
    ]


def _refusal(row: ExceptionRow) -> Refusal:
    return Refusal(
        row.seq, row.key, row.operation, row.outcome, row.reason, row.code, row.message, row.record_id
    )
