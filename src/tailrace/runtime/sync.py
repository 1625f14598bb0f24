"""One run of a mapping under one lease: finishes an interrupted sync first, then plans and delivers a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tailrace import ids
from tailrace.clock import Clock
from tailrace.delivery.summary import Counts as Outcomes
from tailrace.errors import Cancelled, FenceLost, SourceUnavailable, TailraceError
from tailrace.outcomes import Span
from tailrace.runtime import resuming
from tailrace.runtime.events import OnEvent, PhaseStarted, PlanSealed, SyncFinished, Warned
from tailrace.runtime.fenced import Held, hold, wait_for_quiet
from tailrace.runtime.finishing import (
    begin_row,
    end_row,
    finish,
    give_up,
    ledger_outcomes,
    outcome_totals,
    stored_counts,
)
from tailrace.runtime.planning import Options, Planned, PlanStopped, make_plan
from tailrace.runtime.prepared import Bound, Prepared, bind, prepare, project_source
from tailrace.runtime.sending import Sealed, Sending
from tailrace.runtime.stop import StopSignal
from tailrace.sources.base import Source, hurry, remarks
from tailrace.spec.project import Project
from tailrace.state import seal, upkeep
from tailrace.state.counts import Counts
from tailrace.state.fence import verify
from tailrace.state.synclog import LogEntry, log_sync
from tailrace.store.rows import UnitPlan

if TYPE_CHECKING:
    from tailrace.store.rows import SyncRow
    from tailrace.store.store import Store

GOES_ON = ("success", "partial", "superseded")
"""After an interrupted sync ended so, a new one is planned in the same run."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run is given by whoever starts it."""

    project: Project
    environ: Mapping[str, str]
    store: Store
    clock: Clock
    stop: StopSignal
    on_event: OnEvent


def run_mapping(around: Surroundings, name: str, options: Options) -> Iterator[SyncRow]:
    """Sync one mapping, giving each sync as it ends.

    Raises what goes wrong before the fence is ours (LeaseHeld, ConfigError, SourceError); later errors are in the
    sync's row. A plan that is sealed is finished also where the model cannot be read any more, which is raised then.
    """
    project, source = around.project, _source(around, name)
    with around.stop.calling(lambda: hurry(source)):
        try:
            prepared = prepare(project, name, around.environ, source)
        except TailraceError as error:
            away = isinstance(error, Cancelled | SourceUnavailable)
            if not away and _plan_waits(around, name):
                bound = bind(project, name, around.environ, source)
                yield from _run_bound(around, bound, None, options)
            raise error
        yield from _run_bound(around, prepared, prepared, options)


def _plan_waits(around: Surroundings, name: str) -> bool:
    """Whether a sealed plan waits to be finished; a source that answers at once is asked, no other is waited for."""
    source = _source(around, name)
    hurry(source)
    try:
        return resuming.waits(bind(around.project, name, around.environ, source))
    except TailraceError:
        return False


def _source(around: Surroundings, name: str) -> Source:
    project = around.project
    return project_source(project, project.models[project.mappings[name].model].source, around.environ)


def _run_bound(
    around: Surroundings, bound: Bound, prepared: Prepared | None, options: Options
) -> Iterator[SyncRow]:
    limits = bound.target.action.limits(bound.target.settings)
    current: list[tuple[str, str]] = []

    def renewed(until: datetime) -> None:
        for sync, owner in current:
            around.store.syncs.renew(sync, owner, until)

    with hold(bound, around.store.id, around.clock, http_timeout=limits.timeout, renewed=renewed) as held:
        run = _Run(around, bound, held, options, current)
        if held.checkpoint.phase == "planned":
            row = run.resume()
            yield row
            if row.status not in GOES_ON or around.stop.graceful:
                return
        if prepared is not None:
            yield run.new(prepared)


class _Run:
    """The syncs of one lease."""

    def __init__(
        self,
        around: Surroundings,
        bound: Bound,
        held: Held,
        options: Options,
        current: list[tuple[str, str]],
    ) -> None:
        self._around = around
        self._bound = bound
        self._held = held
        self._options = options
        self._current = current
        self._phases: dict[str, float] = {}
        self._warnings: list[str] = []

    # -- an interrupted sync

    def resume(self) -> SyncRow:
        """Go on with the sealed plan, or give it up where it must not be sent any more."""
        sync = self._held.checkpoint.sync_id or ""
        started = self._begin(sync, resumed=True)
        try:
            around = self._around
            interrupted = resuming.load(around.project, around.environ, around.store, self._bound, self._held)
        except TailraceError as error:
            return self._fail(sync, started, error)
        if interrupted.obstacle is None:
            return self._send(
                interrupted.sealed, started, interrupted.before, interrupted.unsettled, planned=None
            )
        self._warn(interrupted.obstacle)
        try:
            row = give_up(
                interrupted.sealed,
                self._held,
                self._around.store,
                self._around.clock,
                started_at=started,
                status="superseded",
                unknown=interrupted.unsettled,
                warnings=self._warnings,
            )
        except TailraceError as error:
            return self._interrupted(sync, error)
        return self._ended(row)

    # -- a new sync

    def new(self, prepared: Prepared) -> SyncRow:
        """Plan, deliver and commit."""
        clock = self._around.clock
        self._phases, self._warnings = {}, []
        started = clock.now()
        sync = ids.sync_id(started, self._held.owner)
        self._begin(sync, resumed=False)
        self._phase(sync, "plan")
        before = clock.monotonic()
        try:
            with prepared.source.session() as session:
                seal.drop_leftovers(session, self._held.fence)
            planned = make_plan(prepared, self._held, sync, self._options, self._around.stop, self._warn)
        except TailraceError as error:
            self._phases["plan"] = clock.monotonic() - before
            return self._fail(sync, started, error)
        self._phases["plan"] = clock.monotonic() - before
        return self._send(planned.sealed, started, Outcomes(), (), planned=planned)

    def _send(
        self,
        sealed: Sealed,
        started: datetime,
        before: Outcomes,
        unsettled: Sequence[Span],
        *,
        planned: Planned | None,
    ) -> SyncRow:
        around, held, sync = self._around, self._held, sealed.plan.sync_id
        clock = around.clock
        if planned is not None:
            plans = [UnitPlan(unit.number, unit.span, unit.records) for unit in sealed.units]
            around.store.ledger.open_units(sync, held.owner, plans)
        totals, shares = stored_counts(sealed.plan.counts)
        around.store.syncs.update(sync, held.owner, counts=totals, by_operation=shares)
        around.on_event(PlanSealed(sealed.mapping, sync, totals))
        self._phase(sync, "send")
        begun = clock.monotonic()
        try:
            wait_for_quiet(held, clock, sealed.mapping, around.stop, around.on_event)
            sent = Sending(
                sealed, held, around.store, clock, around.stop, around.on_event, before, unsettled
            ).run()
            self._warnings += [*sent.summary.warnings, *remarks(sealed.source)]
            self._phases["send"] = clock.monotonic() - begun
            self._phase(sync, "commit")
            row = finish(
                sealed,
                held,
                around.store,
                clock,
                started_at=started,
                fail_on=self._bound.mapping.fail_on,
                error=sent.error,
                complete=sent.summary.complete,
                cancelled=around.stop.graceful,
                unknown=unsettled,
                phases=self._phases,
                warnings=self._warnings,
            )
        except TailraceError as error:
            self._phases.setdefault("send", clock.monotonic() - begun)
            return self._interrupted(sync, error)
        return self._ended(row)

    # -- ends

    def _begin(self, sync: str, *, resumed: bool) -> datetime:
        around, held = self._around, self._held
        row = begin_row(self._bound, held, around.store, around.clock, sync, resumed=resumed)
        self._current[:] = [(sync, held.owner)]
        return row.started_at

    def _fail(self, sync: str, started: datetime, error: TailraceError) -> SyncRow:
        """A sync that ends before it sealed a plan, or whose sealed plan stays for the next try."""
        error = self._cause(error)
        status = (
            "blocked" if error.exit_code == 4 else "cancelled" if isinstance(error, Cancelled) else "failed"
        )
        counts = error.counts if isinstance(error, PlanStopped) else None
        sealed = self._held.checkpoint.phase == "planned" and self._held.checkpoint.sync_id == sync
        if sealed and status == "failed":
            status = "interrupted"
        if not sealed and not isinstance(error, FenceLost):
            with suppress(TailraceError):
                self._log(sync, started, status, counts or Counts())
        store = self._around.store
        return self._ended(
            end_row(store, self._held, sync, status, counts, self._phases, self._warnings, error)
        )

    def _interrupted(self, sync: str, error: TailraceError) -> SyncRow:
        """Stopped without an end: the sealed plan stays, and the next run goes on from the ledger."""
        error = self._cause(error)
        store = self._around.store
        outcomes = outcome_totals(ledger_outcomes(store, sync))
        row = store.syncs.get(sync)
        counts = {**(row.counts if row else {}), **outcomes}
        ended = store.syncs.finish(
            sync,
            self._held.owner,
            "interrupted",
            counts=counts,
            warnings=self._warnings,
            phases={name: round(seconds, 4) for name, seconds in self._phases.items()},
            error=error.document(),
        )
        return self._ended(ended)

    def _cause(self, error: TailraceError) -> TailraceError:
        """The error, or the take-over that it is a trace of: a new owner drops and commits what we look for."""
        fence = self._held.fence
        try:
            with self._bound.source.session() as session:
                verify(session, fence)
        except FenceLost as lost:
            return lost
        except TailraceError:
            pass
        return error

    def _log(self, sync: str, started: datetime, status: str, counts: Counts) -> None:
        held, bound = self._held, self._bound
        with bound.source.session() as session:
            rows = upkeep.count_rows(session, held.fence.dialect, held.fence.names)
            entry = LogEntry(
                project=bound.project.name,
                mapping=bound.mapping.name,
                sync_id=sync,
                n=held.checkpoint.n,
                status=status,
                started_at=started,
                finished_at=self._around.clock.now(),
                counts=counts,
                delivered_rows=rows.delivered,
            )
            log_sync(session, held.fence, entry)

    def _ended(self, row: SyncRow) -> SyncRow:
        self._current.clear()
        self._around.on_event(SyncFinished(row.mapping, row))
        return row

    def _phase(self, sync: str, phase: str) -> None:
        now = self._around.clock.now()
        self._around.on_event(PhaseStarted(self._bound.mapping.name, sync, phase, now))  # pyright: ignore[reportArgumentType]

    def _warn(self, message: str) -> None:
        self._warnings.append(message)
        self._around.on_event(Warned(self._bound.mapping.name, message))
