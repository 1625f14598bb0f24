"""`plan`: what a sync would send now, for those who review it; reads only and leaves nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailrace.errors import Blocked, SourceError
from tailrace.runtime.explaining import Change, Explained, explain
from tailrace.runtime.heirs import check_heir, missed_state
from tailrace.runtime.prepared import Prepared, prepare
from tailrace.runtime.requesting import (
    anything_quarantined,
    changed_destination,
    on_change,
    other_key,
    plan_request,
    previous_of,
)
from tailrace.service.conversion import error_document, plain_values
from tailrace.service.documents import (
    ChangeDocument,
    Counts,
    ErrorDocument,
    GuardDocument,
    PlanDocument,
    SetAsideDocument,
)
from tailrace.service.exact import parsed
from tailrace.service.holding import stored_checkpoint
from tailrace.sources.base import Column, Priced, Source
from tailrace.state.checkpoint import Checkpoint
from tailrace.state.evolve import Evolution, evolve_records
from tailrace.state.guards import GuardResult, evaluate
from tailrace.state.plan import PlanStatements
from tailrace.state.plan_read import stream_statements
from tailrace.state.plan_table import PlanCounts, made_statements
from tailrace.state.synclog import largest_of_the_day
from tailrace.state.upkeep import RowCounts, count_rows

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def plan(workspace: Workspace, name: str, *, statements: bool, samples: int) -> PlanDocument:
    """The plan of one mapping as it would be made now. Raises ConfigError, SourceError."""
    prepared = prepare(workspace.project, name, workspace.environ)
    source = prepared.source
    with source.session(model=True) as session:
        found = stored_checkpoint(session, source, prepared.names)
        names, checkpoint = found if found else (prepared.names, None)
        if checkpoint is not None:
            check_heir(session, source, prepared.project, prepared.mapping, names, checkpoint)
        previous = previous_of(checkpoint)
        blocks: list[Blocked] = []
        try:
            change = on_change(prepared, previous)
        except Blocked as blocked:
            blocks.append(blocked)
            change = "keep"
        if checkpoint is not None and changed_destination(prepared, checkpoint) is not None:
            blocks.append(_other_destination(prepared))
        evolution = evolve_records(
            session,
            source.dialect,
            names,
            prepared.used,
            checkpoint.columns if checkpoint else None,
            row_count=checkpoint.row_count if checkpoint else 0,
            remember=prepared.remember,
            apply=False,
        )
        quarantine = checkpoint is not None and anything_quarantined(session, source.dialect, names)
        request = plan_request(prepared, previous, evolution, change, quarantine=quarantine)
        explained = explain(session, prepared, names, request, previous, samples=samples)
        rows = count_rows(session, source.dialect, names) if checkpoint else RowCounts(0, 0)
        largest = largest_of_the_day(session, source.dialect, names) if checkpoint else 0
    assert explained.counts is not None
    guards = evaluate(
        explained.counts.unlimited,
        prepared.mapping.guards,
        rows=rows.rows,
        delivered_rows=rows.delivered,
        largest_24h=largest,
        approval=checkpoint.approval if checkpoint else None,
    )
    failed = [guard for guard in guards if not guard.passed]
    document = _document(prepared, explained, explained.counts, guards, checkpoint, blocks)
    known = (missed_state(prepared.mapping, checkpoint), other_key(prepared, previous))
    document.warnings = [*filter(None, known), *_warnings(explained, evolution)]
    document.blocked = bool(failed or blocks)
    document.cost = _cost(source, made_statements(source.dialect, names, request))
    if statements:
        document.statements = stream_statements(source.dialect, names, request).listed
    return document


def _document(
    prepared: Prepared,
    explained: Explained,
    counted: PlanCounts,
    guards: list[GuardResult],
    checkpoint: Checkpoint | None,
    blocks: list[Blocked],
) -> PlanDocument:
    counts = counted.counts
    limits = prepared.target.action.limits(prepared.target.settings)
    error: ErrorDocument | None = error_document(blocks[0]) if blocks else None
    return PlanDocument(
        plan=explained.plan_id,
        mapping=prepared.mapping.name,
        destination=prepared.target.name,
        action=prepared.target.action.name,
        mode=sorted(prepared.mapping.operations),
        counts=Counts(**{name: getattr(counts, name) for name in Counts.model_fields}),
        first=checkpoint is None or checkpoint.first,
        interrupted=checkpoint is not None and checkpoint.phase == "planned",
        guards=[
            GuardDocument(name=guard.name, limit=guard.limit, value=guard.value, passed=guard.passed)
            for guard in guards
        ],
        changes=[_change(change, prepared.used) for change in explained.changes],
        set_aside=[
            SetAsideDocument(reason=each.reason, key=each.key, rows=each.rows)  # pyright: ignore[reportArgumentType]
            for each in explained.set_aside
        ],
        render_differs=explained.differing,
        requests=math.ceil((counts.planned - explained.refused) / limits.records),
        error=error,
    )


def _cost(source: Source, made: PlanStatements) -> dict[str, Any]:
    """What the warehouse says beforehand of a sync's statement that reads the model; nothing where it does not say."""
    if not isinstance(source, Priced):
        return {}
    try:
        return source.cost(next(iter(made.stage), made.query))
    except SourceError:
        return {}  # an estimate that fails keeps no plan from being shown


def _change(change: Change, columns: Sequence[Column]) -> ChangeDocument:
    return ChangeDocument(
        operation=change.operation,
        key=change.key,
        old=plain_values(change.old, columns) if change.old is not None else None,
        new=plain_values(change.new, columns) if change.new is not None else None,
        payload=parsed(change.payload) if change.payload is not None else None,
        problem=change.problem,
    )


def _other_destination(prepared: Prepared) -> Blocked:
    return Blocked(
        f"The destination `{prepared.target.name}` is another one than records were delivered to before.",
        hint="A sync is blocked until you approve it (what is known is kept) or reset the mapping.",
        code="destination_changed",
    )


def _warnings(explained: Explained, evolution: Evolution) -> list[str]:
    found: list[str] = []
    if explained.refused:
        found.append(
            f"The mapping refuses {explained.refused:,} records; they are rejected before they are sent."
        )
    for step in evolution.steps:
        if step.kind == "converted":
            found.append(f"Column {step.column} changes its type: {step.detail}.")
    return found
