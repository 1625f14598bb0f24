"""How a sync ends: what its runtime tells, and what the plan and its progress say about the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tailrace.outcomes import Outcome, Span
from tailrace.sources.base import Session
from tailrace.state.columns import OWN, used, values_checksum
from tailrace.state.counts import Counts, OperationCounts
from tailrace.state.decided import DecidedRows
from tailrace.state.fence import Fence
from tailrace.state.moves import BASELINES
from tailrace.state.operations import FILL
from tailrace.state.progress import Progress, without
from tailrace.state.records import column_names
from tailrace.state.seal import SealedPlan

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


def value_columns(session: Session, fence: Fence, table: str) -> dict[str, str]:
    """The value columns of a managed table and their types."""
    found = session.rows(fence.dialect.table_columns(fence.names.schema, table))
    return {name: native for name, native in found if name.lower() not in OWN}


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which statements a commit needs."""

    session: Session
    fence: Fence
    plan: SealedPlan
    ending: Ending
    progress: Progress
    rows: DecidedRows

    def ended(self) -> bool:
        """Whether this plan was finished before, as after a lost answer."""
        phase, sync_id = self.session.rows(f"SELECT phase, sync_id FROM {self.fence.checkpoints}")[0]
        return bool(phase == "idle" and sync_id == self.plan.sync_id)

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
            and not self.any_row(self.fence.table(self.fence.names.records))
            and value_columns(self.session, self.fence, self.plan.table)
            == value_columns(self.session, self.fence, self.fence.names.records)
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
            f"SELECT 1 AS one FROM {open_spans} JOIN {self.rows.changes} AS c ON c.seq BETWEEN g.a AND g.b"
        )
        return not self.session.rows(d.limited(inside, 1))

    def differs(self) -> str:
        """The condition that a plan row `c` has other values than the state's row `r`."""
        d = self.fence.dialect
        if self.plan.remember == "checksum":
            return d.distinct("c.checksum", "r.checksum")
        if d.compares_digests and not self.fills():
            return d.distinct("c.digest", "r.digest")
        parts = [
            d.differs(f"c.{d.quote(column.stored)}", f"r.{d.quote(column.stored)}", column.column)
            for column in used(self.plan.columns)
        ]
        return " OR ".join(parts) or "1 = 0"

    def checksum(self) -> str:
        """The digest of a plan row's values."""
        return values_checksum(self.fence.dialect, self.plan.columns, "c")

    def planned(self, *operations: str) -> bool:
        """Whether the plan has any such change."""
        shares = self.plan.counts.by_operation
        return any(shares.get(operation, OperationCounts()).planned for operation in operations)

    def unknown(self) -> bool:
        """Whether any record may have been applied."""
        return bool(self.ending.unknown) or self.unanswered()

    def unanswered(self) -> bool:
        """Whether any record was sent and got no clear verdict."""
        return Outcome.UNKNOWN.value in self.progress.exceptions.column("outcome").unique().to_pylist()

    def whole(self) -> bool:
        """Nothing that is due was left undelivered."""
        share = self.plan.counts.by_operation.get("updated", OperationCounts())
        delivered = self.ending.counts.delivered == self.plan.counts.planned
        resolved = delivered and not self.progress.exceptions.num_rows
        return not share.not_sent and (not share.planned or resolved)

    def without_position(self) -> set[str]:
        """Which operations the plan has beside those that are sent, and that change the state (R8, R14)."""
        kept = ", ".join(f"'{each}'" for each in (*BASELINES, "drop", FILL))
        query = f"SELECT DISTINCT c.operation FROM {self.rows.changes} AS c WHERE c.operation IN ({kept})"
        return {operation for (operation,) in self.session.rows(query)}

    def fills(self) -> bool:
        """Whether state rows may hold a checksum where values belong now (R14)."""
        if self.plan.remember == "checksum":
            return False
        return any(name.lower() == "checksum" for name in column_names(self.session, self.fence))

    def any_row(self, table: str) -> bool:
        """Whether a table is not empty."""
        query = self.fence.dialect.limited(f"SELECT 1 AS one FROM {table}", 1)
        return bool(self.session.rows(query))
