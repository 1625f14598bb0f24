"""Makes and seals the plan of a sync: what changed, whether it may be sent, and in which units (R4 to R17, R30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tailrace.errors import Blocked, Cancelled, ConfigError, StateError, TailraceError
from tailrace.runtime.committing import first_ceiling
from tailrace.runtime.fenced import Held
from tailrace.runtime.heirs import missed_state
from tailrace.runtime.pinned import pin
from tailrace.runtime.plan_id import table_plan_id
from tailrace.runtime.prepared import Prepared, running_model
from tailrace.runtime.requesting import (
    Previous,
    anything_quarantined,
    changed_destination,
    on_change,
    other_key,
    pinned_document,
    plan_request,
    previous_of,
)
from tailrace.runtime.rerendering import rerender
from tailrace.runtime.sending import Sealed
from tailrace.runtime.stop import StopSignal
from tailrace.sources.base import Session, reads_dirty
from tailrace.state import lease, seal, upkeep
from tailrace.state.approval import record_block
from tailrace.state.checkpoint import Checkpoint, read_checkpoint
from tailrace.state.counts import Counts, assert_plan
from tailrace.state.evolve import evolve_records
from tailrace.state.guards import GuardResult, evaluate, stopped
from tailrace.state.plan_read import units
from tailrace.state.plan_request import PlanRequest
from tailrace.state.plan_table import complete_deletions, count_plan, create_plan, limit_plan
from tailrace.state.progress import Unit
from tailrace.state.second_look import keep_what_is_there
from tailrace.state.synclog import largest_of_the_day
from tailrace.state.tables import create_records
from tailrace.state.upkeep import RowCounts

_PLAN_ID_CHARACTERS = 12
"""A reviewed plan may be named by this many of its first characters."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asks of one sync beyond its mapping."""

    limit: int | None = None
    """Send only the first so many records; guards still see all."""
    plan_id: str | None = None
    """Send only if the new plan equals this reviewed one, or one whose ID begins so."""

    def __post_init__(self) -> None:
        if self.plan_id is not None and len(self.plan_id) < _PLAN_ID_CHARACTERS:
            raise ConfigError(
                f"`{self.plan_id}` is too short to name one plan.",
                hint=f"Give the ID that `tailrace plan` shows, or at least its first {_PLAN_ID_CHARACTERS} characters.",
                code="usage",
            )


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that was sealed."""

    sealed: Sealed
    guards: tuple[GuardResult, ...]


class PlanStopped(Blocked):
    """A plan was stopped before anything was sent; its counts are kept for those who decide."""

    def __init__(self, message: str, counts: Counts, *, hint: str, code: str) -> None:
        super().__init__(message, hint=hint, code=code)
        self.counts = counts


class PlanBlocked(PlanStopped):
    """Guards stopped it."""

    def __init__(self, failed: Sequence[GuardResult], counts: Counts, *, sync: str) -> None:
        listed = "; ".join(f"{each.name} is {each.value}, the limit is {each.limit}" for each in failed)
        super().__init__(
            f"The plan was stopped before anything was sent: {listed}.",
            counts,
            hint=f"Look at it with `tailrace plan`. If it is what you want: `tailrace approve {sync}`.",
            code=failed[0].name.partition(":")[0],
        )
        self.guards = tuple(failed)


def make_plan(
    prepared: Prepared,
    held: Held,
    sync: str,
    options: Options,
    stop: StopSignal,
    warn: Callable[[str], None],
) -> Planned:
    """Plan a new sync and seal it. Raises Blocked, StateError, SourceError, FenceLost, and Cancelled on `stop`."""
    with (
        prepared.source.session(model=True) as session,
        held.keeper.cancelling(session.cancel),
        stop.calling(session.cancel),
    ):
        return _Planning(prepared, held, sync, options, stop, warn, session).plan()


@dataclass(slots=True)
class _Planning:
    prepared: Prepared
    held: Held
    sync: str
    options: Options
    stop: StopSignal
    warn: Callable[[str], None]
    session: Session
    _identity_approved: bool = field(default=False, init=False)

    def plan(self) -> Planned:
        prepared, held, session = self.prepared, self.held, self.session
        fence, dialect, names = held.fence, prepared.source.dialect, held.fence.names
        found = read_checkpoint(session, dialect, names)
        if found is None:
            raise StateError("The mapping's checkpoint is gone.", hint="Run the sync again: it begins anew.")
        rows = upkeep.verify_row_count(session, fence, found.row_count)
        previous = previous_of(found)
        self._check_identity(found)
        for warning in (missed_state(prepared.mapping, found), other_key(prepared, previous)):
            if warning:
                self.warn(warning)
        request = self._request(found, previous)
        n = found.n + 1
        table = names.changes(n, fence.number)
        if self.stop.graceful:
            raise Cancelled("Cancelled before the plan was made.")
        with self._cancellable(), running_model(prepared):
            create_plan(session, dialect, names, table, request)
            if reads_dirty(prepared.source, session):
                kept = keep_what_is_there(session, dialect, names, table, request)
                if kept:
                    self.warn(f"{kept:,} records were gone at first and there at a second look; they stay.")
        try:
            return self._judge(found, previous, request, rows, n, table)
        except BaseException:
            with suppress(TailraceError):  # after a lost answer it may be sealed, and then it stays
                seal.drop_leftovers(session, fence)
            raise

    def _request(self, found: Checkpoint, previous: Previous) -> PlanRequest:
        """Fit the records table to the mapping, and ask for the plan against it."""
        prepared, session, names = self.prepared, self.session, self.held.fence.names
        dialect, remember = prepared.source.dialect, prepared.remember
        change = on_change(prepared, previous)
        evolution = evolve_records(
            session,
            dialect,
            names,
            prepared.used,
            found.columns,
            row_count=found.row_count,
            remember=remember,
            fence=self.held.fence,
        )
        if evolution.records is None:
            create_records(session, dialect, names, evolution.columns, remember)
        for step in evolution.steps:
            if step.kind == "converted":
                self.warn(
                    f"Column {step.column} changed its type ({step.detail}); values that differ go again."
                )
        quarantine = anything_quarantined(session, dialect, names)
        return plan_request(prepared, previous, evolution, change, quarantine=quarantine)

    def _judge(
        self, found: Checkpoint, previous: Previous, request: PlanRequest, rows: RowCounts, n: int, table: str
    ) -> Planned:
        """Count the filled plan table, hold it against the guards, and seal it."""
        prepared, session, fence = self.prepared, self.session, self.held.fence
        dialect, names = prepared.source.dialect, fence.names
        if request.candidates:
            differing = rerender(session, prepared, names, table, request.columns, previous)
            self.warn(
                f"The mapping was edited: {differing:,} unchanged records render differently and go again."
            )
        if self.options.limit is not None:
            limit_plan(session, dialect, names, table, self.options.limit)
        counted = count_plan(session, dialect, names, table)
        assert_plan(counted.counts)
        verdicts = evaluate(
            counted.unlimited,
            prepared.mapping.guards,
            rows=rows.rows,
            delivered_rows=rows.delivered,
            largest_24h=largest_of_the_day(session, dialect, names),
            approval=found.approval,
        )
        self._guard(stopped(verdicts), counted.counts)
        if counted.counts.deleted:
            complete_deletions(session, dialect, names, table, request)
        work = tuple(units(session, dialect, names, table, request.columns))
        sealed = self._sealed(n, table, counted.counts, request, work, previous)
        self._check_plan_id(sealed)
        approved = any(verdict.approved for verdict in verdicts) or self._identity_approved
        seal.seal(
            session,
            fence,
            sealed.plan,
            first=found.first,
            units=work,
            ceiling=sealed.ceiling,
            approved=approved,
            stale=request.outdates(dialect),
        )
        return Planned(sealed, tuple(verdicts))

    @contextmanager
    def _cancellable(self) -> Iterator[None]:
        """Let a later owner find and cancel the long statement, should this process die in it (R3)."""
        job = self.session.job
        if job is None:
            yield
            return
        with self.prepared.source.session() as beside:
            lease.record_job(beside, self.held.fence, job)
        yield
        with self.prepared.source.session() as beside:
            lease.record_job(beside, self.held.fence, None)

    def _check_identity(self, found: Checkpoint) -> None:
        """Block a mapping whose destination became another account (R18), unless that was approved."""
        if found.destination in (None, self.prepared.target.identity):
            return
        verdict = changed_destination(self.prepared, found)
        if verdict is None:
            self._identity_approved = True
            return
        record_block(self.session, self.held.fence, self.sync, [verdict])
        raise Blocked(
            f"The destination `{self.prepared.target.name}` is another one than records were delivered to before.",
            hint=f"Keep what is known, if the new address leads to the same data: `tailrace approve {self.sync}`. "
            f"Or send everything anew: `tailrace reset {self.prepared.mapping.name}`.",
            code="destination_changed",
        )

    def _guard(self, failed: Sequence[GuardResult], counts: Counts) -> None:
        if failed:
            record_block(self.session, self.held.fence, self.sync, failed)
            raise PlanBlocked(failed, counts, sync=self.sync)

    def _check_plan_id(self, sealed: Sealed) -> None:
        wanted = self.options.plan_id
        if wanted is None:
            return
        fence, plan = self.held.fence, sealed.plan
        made = table_plan_id(
            self.session,
            sealed.source.dialect,
            fence.names,
            plan.table,
            plan.columns,
            sealed.units,
            sealed.compiled,
        )
        if not made.startswith(wanted):
            raise PlanStopped(
                f"The plan is not the reviewed one any more: it is {made[:16]} now.",
                plan.counts,
                hint="Review it again with `tailrace plan`, then pass the new ID.",
                code="plan_changed",
            )

    def _sealed(
        self,
        n: int,
        table: str,
        counts: Counts,
        request: PlanRequest,
        work: tuple[Unit, ...],
        previous: Previous,
    ) -> Sealed:
        prepared = self.prepared
        target, mapping = prepared.target, prepared.mapping
        pinned = pin(
            prepared.project.name,
            mapping.name,
            mapping.fields,
            prepared.columns,
            mapping.operations,
            target.name,
            target.declaration,
            target.action.name,
            target.written,
        )
        plan = seal.SealedPlan(
            table=table,
            n=n,
            sync_id=self.sync,
            counts=counts,
            columns=request.columns,
            remember=prepared.remember,
            fingerprint=prepared.compiled.fingerprint,
            spec=pinned_document(pinned, prepared, previous, on_change(prepared, previous), n),
            destination=target.identity,
            mapping=mapping.name,
        )
        return Sealed(
            project=prepared.project.name,
            mapping=mapping.name,
            source=prepared.source,
            target=target,
            compiled=prepared.compiled,
            plan=plan,
            units=work,
            ceiling=first_ceiling(work),
            guards=mapping.guards,
        )
