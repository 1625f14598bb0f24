"""The end of a plan: its rows move into the records table once, set-based, in one transaction (R26).

Either all of it is visible afterwards (state, rejections, log, an idle checkpoint, no plan) or nothing. Where the
plan is the whole state, as in a first sync, the plan table itself becomes the records table. Where one transaction
may not move any number of rows, most of them move before it, part by part (`parts`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tailrace.errors import SourceError, StateError, TailraceError
from tailrace.outcomes import Outcome
from tailrace.sources.base import Session
from tailrace.state.adoption import Adoption
from tailrace.state.columns import OWN
from tailrace.state.compaction import compact
from tailrace.state.decided import DecidedRows
from tailrace.state.ending import Ending, Facts, value_columns
from tailrace.state.fence import CONFLICT, Fence, update_checkpoint, verify, write_fenced
from tailrace.state.moves import SENT, Moves
from tailrace.state.parts import Part, parts
from tailrace.state.progress import Progress, load_progress, progress_rows, without
from tailrace.state.quarantine import clear_rejections, record_rejections
from tailrace.state.records import Write, column_names, records_of, run_writes
from tailrace.state.seal import SealedPlan
from tailrace.state.synclog import LogEntry, append_log
from tailrace.state.upkeep import count_rows


def finish(session: Session, fence: Fence, plan: SealedPlan, ending: Ending) -> int:
    """End a sealed plan and give the new number of state rows. Raises FenceLost.

    Finishing again, as after a lost answer, changes nothing. An approval is used up, unless the sync failed on its
    way: then it stays for what is left.
    """
    return _end(session, fence, plan, ending, keep_approval=ending.status == "failed")


def discard(session: Session, fence: Fence, plan: SealedPlan, ending: Ending) -> int:
    """Give a sealed plan up: what was acknowledged is state, what may have been applied is uncertain (R11, R26).

    An approval stays, for the next plan. Raises FenceLost.
    """
    return _end(session, fence, plan, ending, keep_approval=True)


def _end(session: Session, fence: Fence, plan: SealedPlan, ending: Ending, *, keep_approval: bool) -> int:
    progress = load_progress(session, fence.dialect, fence.names, plan.table)
    facts = Facts(session, fence, plan, ending, progress, DecidedRows(fence, plan))
    commit = _Commit(session, fence, plan, ending, facts, _moves(facts), keep_approval)
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
    if commit.facts.adoptable():
        try:
            return write_fenced(session, fence, lambda: commit.run("the table"), attempts=1)
        except SourceError as error:
            if error.code != CONFLICT:
                raise
    return write_fenced(session, fence, lambda: commit.run("the rows"))


def _moves(facts: Facts) -> Moves:
    fence = facts.fence
    stored = column_names(facts.session, fence)
    if facts.plan.remember == "checksum":
        return Moves(facts.rows, records_of(fence, stored), ("checksum",))
    planned = tuple(value_columns(facts.session, fence, facts.plan.table))
    carried = [name for name in stored if name.lower() not in OWN and name not in planned]
    held = (*planned, "digest") if "digest" in stored else planned
    return Moves(facts.rows, records_of(fence, stored, carried), held)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the checkpoint says as the last transaction begins; `ended`: this plan was finished before."""

    row_count: int
    approved: bool
    ended: bool
    project: str
    mapping: str


@dataclass(frozen=True, slots=True)
class _Commit:
    session: Session
    fence: Fence
    plan: SealedPlan
    ending: Ending
    facts: Facts
    moves: Moves
    keep_approval: bool

    @property
    def rows(self) -> DecidedRows:
        return self.facts.rows

    @property
    def progress(self) -> Progress:
        return self.facts.progress

    def run(self, moving: Literal["the rows", "the table", "nothing"]) -> int:
        """All statements after the compare-and-set; `nothing` but doubts moves where the parts were moved before."""
        found = self._checked()
        row_count = found.row_count
        if found.ended:
            return row_count
        traceless = self.progress.nothing and not self.ending.unknown
        if not traceless:
            self._store_spans()
        self._rejections()
        if moving == "the table":
            self._adopt()
        else:
            row_count += self._move() if moving == "the rows" else self._doubt()
            if self.fence.dialect.ddl_in_transactions:
                self._execute(self.fence.dialect.drop_table(self.rows.changes))
        if not traceless:
            self._execute(f"DELETE FROM {self.rows.progress} WHERE 1 = 1")
        counted = count_rows(self.session, self.fence.dialect, self.fence.names)
        row_count = counted.rows if moving == "the table" else row_count
        self._log(counted.delivered, found)
        self._checkpoint(row_count)
        return row_count

    def move_parts(self) -> bool:
        """Move the rows part by part, each in its transaction, where they are too many for one. Raises FenceLost."""
        d, progress = self.fence.dialect, self.progress
        if d.rows_per_transaction is None:
            return False
        verify(self.session, self.fence)
        if self.facts.ended():
            return False
        found = list(
            parts(self.session, d, self.fence.names, self.plan.table, progress, d.rows_per_transaction)
        )
        if len(found) <= 1 and not progress.moved and not progress.stored:
            return False
        for part in found:
            if part.due or not self.facts.whole():
                write_fenced(self.session, self.fence, lambda part=part: self._move_part(part))
        return True

    # -- steps

    def _checked(self) -> _Found:
        """What a checkpoint says that names this plan. Raises StateError."""
        phase, table, sync_id, row_count, approval, project, mapping = self.session.rows(
            "SELECT phase, plan_table, sync_id, row_count, approval, project, mapping"
            f" FROM {self.fence.checkpoints}"
        )[0]
        ended = phase == "idle" and sync_id == self.plan.sync_id
        if table != self.plan.table and not ended:
            raise StateError(
                f"The sealed plan is {table}, not {self.plan.table}.", hint="Run the sync again."
            )
        return _Found(int(row_count), approval is not None, ended, project, mapping)

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
                rejected=self.rows.rejected(self.facts.checksum()),
                fingerprint=self.ending.settings,
                counted=self.ending.count_rejections,
            )
        if self.facts.any_row(self.fence.table(self.fence.names.rejections)):
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
        if self.facts.unknown():
            writes += self.moves.doubted(
                offered=bool(self.ending.unknown), unanswered=self.facts.unanswered()
            )
        writes += self._resolved(self.moves)
        writes += self._unsent(self.moves)
        if not self.facts.whole():
            writes += self.moves.still_due(self.facts.differs())
        return run_writes(self.session, writes)

    def _move_part(self, part: Part) -> None:
        """One part with its progress and the new row count, all or nothing."""
        self._checked()
        grown = 0
        if part.due:
            due = self.moves.within(part.rows_due)
            if part.positioned:
                doubted = due.doubted(offered=False, unanswered=True) if self.facts.unanswered() else ()
                grown = run_writes(self.session, [*doubted, *self._resolved(due)])
                rows = progress_rows(self.plan.table, moved=part.due)
            else:
                grown = run_writes(self.session, self._unsent(due))
                rows = progress_rows(self.plan.table, stored=part.due)
            self.session.upload(self.fence.names.progress, rows)
        if not self.facts.whole():
            run_writes(self.session, self.moves.within(part.all_rows).still_due(self.facts.differs()))
        count = self.fence.dialect.quote("row_count")
        update_checkpoint(self.session, self.fence, {"row_count": f"{count} + ({grown})"})

    def _resolved(self, moves: Moves) -> list[Write]:
        return [
            *(moves.delivered() if self.facts.planned(*SENT) else ()),
            *(moves.deleted() if self.facts.planned("deleted") else ()),
        ]

    def _unsent(self, moves: Moves) -> tuple[Write, ...]:
        return moves.unsent(self.facts.without_position())

    def _adopt(self) -> None:
        adoption = Adoption(self.rows)
        for statement in adoption.statements(
            baselines=bool(self.plan.counts.not_sent), doubts=self.facts.unknown()
        ):
            self._execute(statement)

    def _log(self, delivered_rows: int, found: _Found) -> None:
        entry = LogEntry(
            project=found.project,
            mapping=found.mapping,
            sync_id=self.plan.sync_id,
            n=self.plan.n,
            status=self.ending.status,
            started_at=self.ending.started_at,
            finished_at=self.ending.finished_at,
            counts=self.ending.counts,
            delivered_rows=delivered_rows,
            approved=found.approved and not self.keep_approval,
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

    def _execute(self, statement: str) -> int:
        return self.session.execute(statement)
