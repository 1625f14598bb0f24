"""Sends a sealed plan: reads its units, renders them, delivers them, and commits what was acknowledged."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.clock import Clock
from tailrace.delivery.control import Control
from tailrace.delivery.engine import Delivery
from tailrace.delivery.outcomes import Rendered
from tailrace.delivery.summary import Counts as Outcomes
from tailrace.delivery.summary import DeliverySummary
from tailrace.destinations.define import Call
from tailrace.errors import Blocked, Cancelled, FenceLost, SourceUnavailable, StoreError, TailraceError
from tailrace.outcomes import Span, UnitProgress
from tailrace.runtime.committing import Committer
from tailrace.runtime.events import OnEvent, Progress, Waiting
from tailrace.runtime.fenced import Held
from tailrace.runtime.ledger import SyncLedger
from tailrace.runtime.prepared import Target
from tailrace.runtime.reading import UnitReaders
from tailrace.runtime.rendering import PieceRenderer
from tailrace.runtime.stop import StopSignal
from tailrace.sources.base import Source
from tailrace.state.guards import GuardLimits, rejected_guard
from tailrace.state.plan_read import read_unit
from tailrace.state.progress import Unit
from tailrace.state.seal import SealedPlan

if TYPE_CHECKING:
    from tailrace.mapping.compile import CompiledMapping
    from tailrace.store.store import Store

PIECE_ROWS = 4_000
"""Whole requests of 1,000, and two of the vectors that DuckDB computes with."""
READERS = 2
_CANCEL_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed plan with all that sending it takes; the same for a new plan and for one that is resumed."""

    project: str
    mapping: str
    source: Source
    target: Target
    compiled: CompiledMapping
    plan: SealedPlan
    units: tuple[Unit, ...]
    ceiling: int | None
    guards: GuardLimits

    @property
    def call(self) -> Call:
        """What the destination's functions may know."""
        return Call(self.target.settings, self.project, self.mapping, self.plan.sync_id)


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending came to; `error` is what stopped it, if anything did."""

    summary: DeliverySummary
    error: TailraceError | None


class Sending:
    """One delivery of a sealed plan, from its ledger's present state to the end or to what stops it."""

    def __init__(
        self,
        sealed: Sealed,
        held: Held,
        store: Store,
        clock: Clock,
        stop: StopSignal,
        on_event: OnEvent,
        before: Outcomes,
        unsettled: Sequence[Span],
    ) -> None:
        self._sealed = sealed
        self._held = held
        self._store = store
        self._clock = clock
        self._stop = stop
        self._on_event = on_event
        self._before = before
        self._unsettled = unsettled
        self._control = Control(held.keeper.may_send, self._check)
        self._failure: TailraceError | None = None
        writer = store.ledger.writer(sealed.plan.sync_id, held.owner)
        self._progress = writer.progress()
        self._ledger = SyncLedger(writer, held.keeper.may_send)
        self._committer = Committer(
            sealed.source,
            held.fence,
            sealed.plan.table,
            sealed.units,
            self._ledger,
            sealed.ceiling,
            interval=sealed.source.commit_interval,
            failed=self._fail,
        )
        self._renderers: queue.SimpleQueue[PieceRenderer] = queue.SimpleQueue()

    def run(self) -> Sent:
        """Send what is not resolved yet, and commit all that was acknowledged. Raises FenceLost, StoreError, Cancelled."""
        sealed = self._sealed
        delivery = Delivery(
            sealed.target.action,
            sealed.call,
            self._ledger,
            self._clock,
            auth=sealed.target.declaration.auth(sealed.target.settings),
            control=self._control,
            on_progress=self._report,
            on_wait=lambda *wait: self._on_event(Waiting(sealed.mapping, *wait)),
        )
        error: TailraceError | None = None
        summary = DeliverySummary()
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,), name="tailrace-stop", daemon=True)
        watcher.start()
        self._committer.start()
        try:
            with ExitStack() as renderers, self._stop.calling(self._asked):
                for _ in range(READERS):
                    renderer = PieceRenderer(
                        sealed.compiled, sealed.target.action, sealed.call, sealed.source.limits, threads=1
                    )
                    self._renderers.put(renderers.enter_context(renderer))
                open_units = [unit for unit in sealed.units if not self._progress[unit.number].complete]
                readers = UnitReaders(open_units, self._read, readers=READERS, ahead=READERS)
                try:
                    summary = delivery.run(readers, self._resume(), succeeded=self._before.delivered > 0)
                except TailraceError as stopped:
                    if self._failure is not None:
                        raise self._failure from None
                    if self._fatal(stopped):
                        raise
                    error = stopped
                finally:
                    readers.close()
        finally:
            over.set()
            watcher.join()
            self._committer.stop()
        if self._failure is not None:
            raise self._failure
        self._committer.commit()
        return Sent(summary, error)

    def _fatal(self, error: TailraceError) -> bool:
        """Whether the sync cannot end after this, only go on with the next run: the fence is lost, a person wants
        out at once, or requests were left without an outcome."""
        return isinstance(error, FenceLost | Cancelled) or self._ledger.left_open(self._unsettled)

    def _resume(self) -> Mapping[int, UnitProgress]:
        return {
            number: UnitProgress(progress.resolved, progress.in_flight, tuple(self._unsettled))
            for number, progress in self._progress.items()
        }

    def _read(self, unit: Unit) -> Iterator[Rendered]:
        """A unit's rows are copied out before sending, so that no warehouse session waits for a destination."""
        self._committer.open(unit)
        sealed = self._sealed
        with sealed.source.session() as session, self._held.keeper.cancelling(session.cancel):
            rows = read_unit(
                session,
                sealed.source.dialect,
                self._held.fence.names,
                sealed.plan.table,
                unit.span,
                sealed.plan.columns,
            )
        if rows.num_rows != unit.records:
            raise SourceUnavailable(
                f"of a plan's {unit.records:,} records, {rows.num_rows:,} were read",
                hint="Nothing of them was sent. Run it again later: a sync goes on where it stopped.",
            )
        batches = rows.to_batches(max_chunksize=PIECE_ROWS)
        del rows
        for number, batch in enumerate(batches, 1):
            renderer = self._renderers.get()
            try:
                piece = renderer.render(unit.number, batch, last=number == len(batches))
            finally:
                self._renderers.put(renderer)
            yield piece

    def _check(self, outcomes: Outcomes) -> None:
        rejected = outcomes.rejected + self._before.rejected
        total = outcomes.total + self._before.total
        result = rejected_guard(rejected, total, self._sealed.guards, at_end=False)
        if result is not None and not result.passed:
            raise blocked_by_rejections(result.value, result.limit)

    def _report(self, outcomes: Outcomes) -> None:
        before, sealed = self._before, self._sealed
        self._on_event(
            Progress(
                sealed.mapping,
                sealed.plan.sync_id,
                before.total + outcomes.total,
                sealed.plan.counts.planned,
                before.delivered + outcomes.delivered,
                before.rejected + outcomes.rejected,
                before.aborted + outcomes.aborted,
                before.unknown + outcomes.unknown,
                self._clock.monotonic(),
            )
        )

    def _fail(self, error: TailraceError) -> None:
        self._failure = error
        self._control.abort()

    def _asked(self) -> None:
        """Somebody asked to stop, or asked again."""
        if self._stop.immediate:
            self._control.abort()
        else:
            self._control.stop_offering()

    def _watch(self, over: threading.Event) -> None:
        """Pass on what is asked through the store, by another process."""
        asked = 0
        while not over.wait(_CANCEL_POLL_SECONDS):
            try:
                requests = self._store.syncs.cancel_requested(self._sealed.plan.sync_id)
            except StoreError:
                continue
            for _ in range(requests - asked):
                self._stop.request()
            asked = max(asked, requests)


def blocked_by_rejections(value: str, limit: str) -> Blocked:
    """The block of R30 while sending."""
    return Blocked(
        f"The destination refuses too many records: {value}; at most {limit} may be.",
        hint="See why with `tailrace rejections`, correct the mapping or the destination, and run the sync again. "
        "What was delivered is kept, and no refusal counts towards quarantine.",
        code="max_rejected_percent",
    )
