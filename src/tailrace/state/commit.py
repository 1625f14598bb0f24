"""The end of a plan: its rows move into the records table once, set-based, in one transaction (R26).

Either all of it is visible afterwards (state, rejections, log, an idle checkpoint, no plan) or nothing. Where the
plan is the whole state, as in a first sync, the plan table itself becomes the records table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tailrace.errors import SourceError, StateError
from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.state.columns import OWN, used, values_checksum
from tailrace.state.counts import Counts, OperationCounts
from tailrace.state.fence import CONFLICT, Fence, update_checkpoint, write_fenced
from tailrace.state.moves import BASELINES, SENT, Moves
from tailrace.state.progress import Progress, load_progress, progress_rows, without
from tailrace.state.quarantine import clear_rejections, record_rejections
from tailrace.state.seal import SealedPlan
from tailrace.state.synclog import LogEntry, append_log
from tailrace.state.upkeep import count_rows

_ADOPT_SHARE = 10
"""A plan table becomes the records table where at most one in so many of its rows must be taken out."""
_READERS_WAIT = 2.0
"""How long the swap of tables waits for somebody who reads them, before the rows are copied instead."""
_GAPS = 1_000


@dataclass(frozen=True, slots=True)
class Ending:
    """How a sync ended, as its runtime knows it."""

    status: str
    counts: Counts
    """The whole sync's, with outcomes."""
    started_at: datetime
    finished_at: datetime
    settings: str
    """Fingerprint of the mapping and of the destination's settings, which rejections belong to (R23)."""
    unknown: Sequence[Span] = ()
    """Positions that were offered, not resolved, and will not be resumed (R25)."""
    count_rejections: bool = True
    """False where R30 stopped the sync."""


def finish(session: Session, fence: Fence, plan: SealedPlan, ending: Ending) -> int:
    """End a sealed plan and give the new number of state rows. Raises FenceLost.

    Finishing again, as after a lost answer, changes nothing.
    """
    return _end(session, fence, plan, ending, keep_approval=False)


def discard(session: Session, fence: Fence, plan: SealedPlan, ending: Ending) -> int:
    """Give a sealed plan up: what was acknowledged is state, what may have been applied is uncertain (R11, R26).

    An approval stays, for the next plan. Raises FenceLost.
    """
    return _end(session, fence, plan, ending, keep_approval=True)


def _end(session: Session, fence: Fence, plan: SealedPlan, ending: Ending, *, keep_approval: bool) -> int:
    progress = load_progress(session, fence.dialect, fence.names, plan.table)
    commit = _Commit(session, fence, plan, ending, progress, _moves(session, fence, plan), keep_approval)
    if commit.adoptable():
        try:
            return write_fenced(session, fence, lambda: commit.run(adopt=True), attempts=1)
        except SourceError as error:
            if error.code != CONFLICT:
                raise
    return write_fenced(session, fence, lambda: commit.run(adopt=False))


def _moves(session: Session, fence: Fence, plan: SealedPlan) -> Moves:
    if plan.remember == "checksum":
        return Moves(fence, plan, ("checksum",))
    planned = tuple(_values(session, fence, plan.table))
    stored = _values(session, fence, fence.names.records)
    return Moves(fence, plan, planned, tuple(name for name in stored if name not in planned))


def _values(session: Session, fence: Fence, table: str) -> dict[str, str]:
    """The value columns of a managed table and their types."""
    found = session.rows(fence.dialect.table_columns(fence.names.schema, table))
    return {name: native for name, native in found if name not in OWN}


@dataclass(frozen=True, slots=True)
class _Commit:
    session: Session
    fence: Fence
    plan: SealedPlan
    ending: Ending
    progress: Progress
    moves: Moves
    keep_approval: bool

    def run(self, *, adopt: bool) -> int:
        """All statements after the compare-and-set."""
        phase, table, sync_id, row_count, approval = self.session.rows(
            f"SELECT phase, plan_table, sync_id, row_count, approval FROM {self.fence.checkpoints}"
        )[0]
        if phase == "idle" and sync_id == self.plan.sync_id:
            return int(row_count)
        if table != self.plan.table:
            raise StateError(
                f"The sealed plan is {table}, not {self.plan.table}.", hint="Run the sync again."
            )
        self._store_spans()
        self._rejections()
        if adopt:
            self._adopt()
        else:
            row_count += self._move()
            self._execute(self.fence.dialect.drop_table(self.moves.changes))
        self._execute(f"DELETE FROM {self.moves.progress} WHERE 1 = 1")
        counted = count_rows(self.session, self.fence.dialect, self.fence.names)
        row_count = counted.rows if adopt else row_count
        self._log(counted.delivered, approved=approval is not None and not self.keep_approval)
        self._checkpoint(row_count)
        return row_count

    # -- deciding

    def adoptable(self) -> bool:
        """Whether the plan table can become the records table: no state yet, and nearly all of it delivered."""
        share = self.plan.counts.by_operation.get("added", OperationCounts())
        counts = self.plan.counts
        beside = counts.set_aside + counts.not_sent + counts.quarantined + self.progress.exceptions.num_rows
        return (
            self.plan.remember == "values"
            and share.planned == counts.planned > 0
            and beside * _ADOPT_SHARE <= counts.planned
            and not self._any(self.moves.records)
            and _values(self.session, self.fence, self.plan.table)
            == _values(self.session, self.fence, self.fence.names.records)
            and self._all_resolved()
        )

    def _all_resolved(self) -> bool:
        units = self.progress.units
        gaps = without((unit.span for unit in units), self.progress.spans)
        if not gaps:
            return bool(units)
        if len(gaps) > _GAPS:
            return False
        d = self.fence.dialect
        open_spans = d.constants("g", ("a", "b"), [(str(gap.first), str(gap.last)) for gap in gaps])
        inside = (
            f"SELECT 1 AS found FROM {open_spans} JOIN {self.moves.changes} AS c ON c.seq BETWEEN g.a AND g.b"
        )
        return not self.session.rows(d.limited(inside, 1))

    # -- steps

    def _store_spans(self) -> None:
        """The progress table now says what the statements join: disjoint spans, and those in doubt."""
        resolved = self.progress.spans
        unknown = without(self.ending.unknown, resolved)
        rows = progress_rows(self.plan.table, resolved=[(0, span) for span in resolved], unknown=unknown)
        self._execute(f"DELETE FROM {self.moves.progress} WHERE kind IN ('resolved', 'unknown')")
        self.session.upload(self.fence.names.progress, rows)

    def _rejections(self) -> None:
        if Outcome.REJECTED.value in self.progress.exceptions.column("outcome").unique().to_pylist():
            record_rejections(
                self.session,
                self.fence,
                rejected=self.moves.rejected(self._checksum()),
                fingerprint=self.ending.settings,
                counted=self.ending.count_rejections,
            )
        if self._any(self.fence.table(self.fence.names.rejections)):
            clear_rejections(
                self.session,
                self.fence,
                planned=self.moves.named,
                delivered=self.moves.delivered(*SENT, "deleted"),
            )

    def _move(self) -> int:
        """Rows into and out of the records table; gives by how many it grew, as the statements counted."""
        moves, grown = self.moves, 0
        if self._unknown():
            grown += self._execute(moves.add_doubtful())
            grown -= self._execute(moves.remove_older(moves.doubtful(*SENT)))
            self._execute(moves.doubt_deleted())
        if self._planned(*SENT):
            rows = moves.delivered(*SENT)
            grown += self._execute(moves.add(rows))
            grown -= self._execute(moves.remove_older(rows))
        if self._planned("deleted"):
            grown -= self._execute(moves.remove(moves.delivered("deleted")))
        for operation in BASELINES:
            grown += self._execute(moves.baseline(operation))
        grown -= self._execute(moves.remove(moves.planned("drop")))
        if self._fills():
            filled, emptied = moves.fill()
            grown += self._execute(filled)
            grown -= self._execute(emptied)
        if not self._whole():
            self._execute(moves.still_due(self._differs()))
        return grown

    def _adopt(self) -> None:
        moves = self.moves
        for statement in (
            *self.fence.dialect.lock_wait(_READERS_WAIT),
            *moves.dress(),
            moves.take_out(),
            *(moves.mark_baseline() if self.plan.counts.not_sent else ()),
            *((moves.mark_doubtful(),) if self._unknown() else ()),
            *moves.undress(),
            *moves.succeed(),
        ):
            self._execute(statement)

    def _log(self, delivered_rows: int, *, approved: bool) -> None:
        project, mapping = self.session.rows(f"SELECT project, mapping FROM {self.fence.checkpoints}")[0]
        entry = LogEntry(
            project=project,
            mapping=mapping,
            sync_id=self.plan.sync_id,
            n=self.plan.n,
            status=self.ending.status,
            started_at=self.ending.started_at,
            finished_at=self.ending.finished_at,
            counts=self.ending.counts,
            delivered_rows=delivered_rows,
            approved=approved,
        )
        append_log(self.session, self.fence, entry)

    def _checkpoint(self, row_count: int) -> None:
        d = self.fence.dialect
        update_checkpoint(
            self.session,
            self.fence,
            {
                "checkpoint": d.now(),
                "phase": d.literal("idle"),
                "plan_table": "NULL",
                "counts": d.literal(self.ending.counts.to_json()),
                "row_count": d.literal(row_count),
                "first": d.literal(False),
                **({} if self.keep_approval else {"approval": "NULL"}),
            },
        )

    # -- facts

    def _differs(self) -> str:
        d = self.fence.dialect
        if self.plan.remember == "checksum":
            return d.distinct("c.checksum", "r.checksum")
        parts = [
            d.differs(f"c.{d.quote(column.stored)}", f"r.{d.quote(column.stored)}", column.column)
            for column in used(self.plan.columns)
        ]
        return " OR ".join(parts) or "1 = 0"

    def _checksum(self) -> str:
        return values_checksum(self.fence.dialect, self.plan.columns, "c")

    def _planned(self, *operations: str) -> bool:
        shares = self.plan.counts.by_operation
        return any(shares.get(operation, OperationCounts()).planned for operation in operations)

    def _unknown(self) -> bool:
        outcomes = self.progress.exceptions.column("outcome").unique().to_pylist()
        return bool(self.ending.unknown) or Outcome.UNKNOWN.value in outcomes

    def _whole(self) -> bool:
        """Nothing that is due was left undelivered."""
        share = self.plan.counts.by_operation.get("updated", OperationCounts())
        delivered = self.ending.counts.delivered == self.plan.counts.planned
        resolved = delivered and not self.progress.exceptions.num_rows
        return not share.not_sent and (not share.planned or resolved)

    def _fills(self) -> bool:
        if self.plan.remember == "checksum":
            return False
        d = self.fence.dialect
        stored = self.session.rows(d.table_columns(self.fence.names.schema, self.fence.names.records))
        return any(name == "checksum" for name, _ in stored)

    def _any(self, table: str) -> bool:
        query = self.fence.dialect.limited(f"SELECT 1 AS found FROM {table}", 1)
        return bool(self.session.rows(query))

    def _execute(self, statement: str) -> int:
        return self.session.execute(statement)
