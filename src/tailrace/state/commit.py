"""The end of a plan: its rows move into the records table once, set-based, in one transaction (R26).

Either all of it is visible afterwards (state, rejections, log, an idle checkpoint, no plan) or nothing. Where the
plan is the whole state, as in a first sync, the plan table itself becomes the records table.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tailrace.errors import SourceError, StateError, TailraceError
from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.state.adoption import Adoption
from tailrace.state.columns import OWN, used, values_checksum
from tailrace.state.compaction import compact
from tailrace.state.counts import Counts, OperationCounts
from tailrace.state.decided import DecidedRows
from tailrace.state.fence import CONFLICT, Fence, update_checkpoint, verify, write_fenced
from tailrace.state.moves import SENT, Moves
from tailrace.state.parts import Part, parts
from tailrace.state.progress import Progress, load_progress, progress_rows, without
from tailrace.state.quarantine import clear_rejections, record_rejections
from tailrace.state.records import Write, column_names, records_of, run_writes
from tailrace.state.seal import SealedPlan
from tailrace.state.synclog import LogEntry, append_log
from tailrace.state.upkeep import count_rows

_ADOPT_SHARE = 10
"""A plan table becomes the records table where at most one in so many of its rows must be taken out."""
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
    records = _one_or_many(session, fence, commit)
    if not fence.dialect.ddl_in_transactions:
        session.execute(fence.dialect.drop_table(commit.rows.changes))
    if fence.dialect.insert_only:
        with suppress(TailraceError):  # the plan has ended; the next one tries again
            compact(session, fence, records)
    return records


def _one_or_many(session: Session, fence: Fence, commit: _Commit) -> int:
    if commit.move_parts():
        return write_fenced(session, fence, lambda: commit.run("nothing"))
    if commit.adoptable():
        try:
            return write_fenced(session, fence, lambda: commit.run("the table"), attempts=1)
        except SourceError as error:
            if error.code != CONFLICT:
                raise
    return write_fenced(session, fence, lambda: commit.run("the rows"))


def _moves(session: Session, fence: Fence, plan: SealedPlan) -> Moves:
    rows = DecidedRows(fence, plan)
    stored = column_names(session, fence)
    if plan.remember == "checksum":
        return Moves(rows, records_of(fence, stored), ("checksum",))
    planned = tuple(_values(session, fence, plan.table))
    carried = [name for name in stored if name.lower() not in OWN and name not in planned]
    return Moves(rows, records_of(fence, stored, carried), planned)


def _values(session: Session, fence: Fence, table: str) -> dict[str, str]:
    """The value columns of a managed table and their types."""
    found = session.rows(fence.dialect.table_columns(fence.names.schema, table))
    return {name: native for name, native in found if name.lower() not in OWN}


@dataclass(frozen=True, slots=True)
class _Commit:
    session: Session
    fence: Fence
    plan: SealedPlan
    ending: Ending
    progress: Progress
    moves: Moves
    keep_approval: bool

    @property
    def rows(self) -> DecidedRows:
        return self.moves.rows

    def run(self, moving: Literal["the rows", "the table", "nothing"]) -> int:
        """All statements after the compare-and-set; `nothing` but doubts moves where the parts were moved before."""
        row_count, approval = self._checked()
        if self.ended():
            return row_count
        self._store_spans()
        self._rejections()
        if moving == "the table":
            self._adopt()
        else:
            row_count += self._move() if moving == "the rows" else self._doubt()
            if self.fence.dialect.ddl_in_transactions:
                self._execute(self.fence.dialect.drop_table(self.rows.changes))
        self._execute(f"DELETE FROM {self.rows.progress} WHERE 1 = 1")
        counted = count_rows(self.session, self.fence.dialect, self.fence.names)
        row_count = counted.rows if moving == "the table" else row_count
        self._log(counted.delivered, approved=approval is not None and not self.keep_approval)
        self._checkpoint(row_count)
        return row_count

    def ended(self) -> bool:
        """Whether this plan was finished before, as after a lost answer."""
        phase, sync_id = self.session.rows(f"SELECT phase, sync_id FROM {self.fence.checkpoints}")[0]
        return bool(phase == "idle" and sync_id == self.plan.sync_id)

    def move_parts(self) -> bool:
        """Move the rows part by part, each in its transaction, where they are too many for one. Raises FenceLost."""
        d, progress = self.fence.dialect, self.progress
        if d.rows_per_transaction is None:
            return False
        verify(self.session, self.fence)
        if self.ended():
            return False
        found = list(
            parts(self.session, d, self.fence.names, self.plan.table, progress, d.rows_per_transaction)
        )
        if len(found) <= 1 and not progress.moved and not progress.stored:
            return False
        for part in found:
            if part.due or not self._whole():
                write_fenced(self.session, self.fence, lambda part=part: self._move_part(part))
        return True

    # -- deciding

    def adoptable(self) -> bool:
        """Whether the plan table can become the records table: no state yet, and nearly all of it delivered."""
        share = self.plan.counts.by_operation.get("added", OperationCounts())
        counts = self.plan.counts
        beside = counts.set_aside + counts.not_sent + counts.quarantined + self.progress.exceptions.num_rows
        return (
            self.fence.dialect.ddl_in_transactions
            and self.fence.dialect.rows_per_transaction is None
            and not self.fence.dialect.insert_only
            and self.plan.remember == "values"
            and share.planned == counts.planned > 0
            and beside * _ADOPT_SHARE <= counts.planned
            and not self._any(self.fence.table(self.fence.names.records))
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
            f"SELECT 1 AS found FROM {open_spans} JOIN {self.rows.changes} AS c ON c.seq BETWEEN g.a AND g.b"
        )
        return not self.session.rows(d.limited(inside, 1))

    # -- steps

    def _checked(self) -> tuple[int, str | None]:
        """Row count and approval, of a checkpoint that names this plan. Raises StateError."""
        phase, table, sync_id, row_count, approval = self.session.rows(
            f"SELECT phase, plan_table, sync_id, row_count, approval FROM {self.fence.checkpoints}"
        )[0]
        if table != self.plan.table and not (phase == "idle" and sync_id == self.plan.sync_id):
            raise StateError(
                f"The sealed plan is {table}, not {self.plan.table}.", hint="Run the sync again."
            )
        return int(row_count), approval

    def _store_spans(self) -> None:
        """The progress table now says what the statements join: disjoint spans, and those in doubt."""
        resolved = self.progress.spans
        unknown = without(self.ending.unknown, resolved)
        rows = progress_rows(self.plan.table, resolved=[(0, span) for span in resolved], unknown=unknown)
        self._execute(f"DELETE FROM {self.rows.progress} WHERE kind IN ('resolved', 'unknown')")
        self.session.upload(self.fence.names.progress, rows)

    def _rejections(self) -> None:
        if Outcome.REJECTED.value in self.progress.exceptions.column("outcome").unique().to_pylist():
            record_rejections(
                self.session,
                self.fence,
                rejected=self.rows.rejected(self._checksum()),
                fingerprint=self.ending.settings,
                counted=self.ending.count_rejections,
            )
        if self._any(self.fence.table(self.fence.names.rejections)):
            clear_rejections(
                self.session,
                self.fence,
                planned=self.rows.named,
                delivered=self.rows.delivered(*SENT, "deleted"),
            )

    def _doubt(self) -> int:
        """What was offered and not resolved, once nobody can send it any more."""
        if not self.ending.unknown:
            return 0
        return run_writes(self.session, self.moves.doubted(offered=True, unanswered=False))

    def _move(self) -> int:
        """Rows into and out of the records table; gives by how many it grew, as the statements counted."""
        writes: list[Write] = []
        if self._unknown():
            writes += self.moves.doubted(offered=bool(self.ending.unknown), unanswered=self._unanswered())
        writes += self._resolved(self.moves)
        writes += self._unsent(self.moves)
        if not self._whole():
            writes += self.moves.still_due(self._differs())
        return run_writes(self.session, writes)

    def _move_part(self, part: Part) -> None:
        """One part with its progress and the new row count, all or nothing."""
        self._checked()
        grown = 0
        if part.due:
            due = self.moves.within(part.rows_due)
            if part.positioned:
                doubted = due.doubted(offered=False, unanswered=True) if self._unanswered() else ()
                grown = run_writes(self.session, [*doubted, *self._resolved(due)])
                rows = progress_rows(self.plan.table, moved=part.due)
            else:
                grown = run_writes(self.session, self._unsent(due))
                rows = progress_rows(self.plan.table, stored=part.due)
            self.session.upload(self.fence.names.progress, rows)
        if not self._whole():
            run_writes(self.session, self.moves.within(part.all_rows).still_due(self._differs()))
        count = self.fence.dialect.quote("row_count")
        update_checkpoint(self.session, self.fence, {"row_count": f"{count} + ({grown})"})

    def _resolved(self, moves: Moves) -> list[Write]:
        return [
            *(moves.delivered() if self._planned(*SENT) else ()),
            *(moves.deleted() if self._planned("deleted") else ()),
        ]

    def _unsent(self, moves: Moves) -> list[Write]:
        return [*moves.baselines(), *(moves.filled() if self._fills() else ())]

    def _adopt(self) -> None:
        adoption = Adoption(self.rows)
        for statement in adoption.statements(
            baselines=bool(self.plan.counts.not_sent), doubts=self._unknown()
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
        return bool(self.ending.unknown) or self._unanswered()

    def _unanswered(self) -> bool:
        return Outcome.UNKNOWN.value in self.progress.exceptions.column("outcome").unique().to_pylist()

    def _whole(self) -> bool:
        """Nothing that is due was left undelivered."""
        share = self.plan.counts.by_operation.get("updated", OperationCounts())
        delivered = self.ending.counts.delivered == self.plan.counts.planned
        resolved = delivered and not self.progress.exceptions.num_rows
        return not share.not_sent and (not share.planned or resolved)

    def _fills(self) -> bool:
        if self.plan.remember == "checksum":
            return False
        return any(name.lower() == "checksum" for name in column_names(self.session, self.fence))

    def _any(self, table: str) -> bool:
        query = self.fence.dialect.limited(f"SELECT 1 AS found FROM {table}", 1)
        return bool(self.session.rows(query))

    def _execute(self, statement: str) -> int:
        return self.session.execute(statement)
