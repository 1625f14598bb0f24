"""Which rows of a sealed plan were delivered, refused, are in doubt, or are stored without being sent: text only.

Aliases: `c` a plan row, `p` a span of the progress, `e` an exception.
"""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.state.fence import Fence
from tailrace.state.progress import exceptions_query
from tailrace.state.seal import SealedPlan


@dataclass(frozen=True, slots=True)
class DecidedRows:
    """Queries for a plan's rows, or for a part of them.

    `within` is a condition on `c`: the part. A part of the positions holds resolved ones only.
    """

    fence: Fence
    plan: SealedPlan
    within: str | None = None

    @property
    def changes(self) -> str:
        return self.fence.table(self.plan.table)

    @property
    def progress(self) -> str:
        return self.fence.table(self.fence.names.progress)

    @property
    def exceptions(self) -> str:
        return exceptions_query(self.fence.dialect, self.fence.names, self.plan.table)

    @property
    def named(self) -> str:
        """The records that a plan names because something about them is due or in the way."""
        return (
            f"SELECT c.record_id FROM {self.changes} AS c"
            " WHERE c.record_id IS NOT NULL AND c.operation NOT IN ('candidate', 'fill', 'count')"
        )

    def delivered(self, *operations: str) -> str:
        """Plan rows that were delivered: resolved minus exceptions (R25)."""
        rows = f"{self.changes} AS c"
        resolved = self.within
        if resolved is None:
            rows += f" JOIN {self.progress} AS p ON c.seq BETWEEN p.from_seq AND p.to_seq"
            resolved = self._spans("resolved")
        return (
            f"SELECT c.* FROM {rows} WHERE {resolved} AND {self._operation(operations)}"
            f" AND NOT EXISTS (SELECT 1 FROM ({self.exceptions}) AS e WHERE e.seq = c.seq)"
        )

    def unanswered(self, *operations: str) -> str:
        """Resolved plan rows that may have been applied (R21), with the id they were sent under as `sent_id`."""
        return (
            f"SELECT c.*, e.record_id AS sent_id FROM {self.changes} AS c JOIN ({self.exceptions}) AS e"
            f" ON e.seq = c.seq WHERE e.outcome = 'unknown' AND {self._part} AND {self._operation(operations)}"
        )

    def offered(self, *operations: str) -> str:
        """Plan rows that may have been sent and were never resolved (R25), without a `sent_id`."""
        d = self.fence.dialect
        return (
            f"SELECT c.*, {d.cast('NULL', d.type_of('text'))} AS sent_id FROM {self.changes} AS c"
            f" JOIN {self.progress} AS p ON c.seq BETWEEN p.from_seq AND p.to_seq"
            f" WHERE {self._spans('unknown')} AND {self._operation(operations)}"
        )

    def planned(self, *operations: str) -> str:
        """Plan rows that are not sent."""
        return f"SELECT c.* FROM {self.changes} AS c WHERE {self._part} AND {self._operation(operations)}"

    def undelivered_updates(self) -> str:
        """Updates that were planned, or held back by `--limit`, and were not delivered."""
        whole = DecidedRows(self.fence, self.plan)
        return (
            f"SELECT c.* FROM {self.changes} AS c WHERE {self._part}"
            " AND (c.operation = 'updated' OR c.reason = 'limit:updated')"
            f" AND NOT EXISTS (SELECT 1 FROM ({whole.delivered('updated')}) AS d WHERE d.seq = c.seq)"
        )

    def rejected(self, checksum: str) -> str:
        """Refused plan rows with why; `checksum` digests the values of `c`."""
        return (
            f"SELECT c.record_id, c.operation, {checksum} AS checksum, e.reason, e.code, e.message"
            f" FROM {self.changes} AS c JOIN ({self.exceptions}) AS e ON e.seq = c.seq WHERE e.outcome = 'rejected'"
        )

    @property
    def _part(self) -> str:
        return self.within or "1 = 1"

    def _spans(self, kind: str) -> str:
        d = self.fence.dialect
        return f"p.plan_table = {d.literal(self.plan.table)} AND p.kind = {d.literal(kind)}"

    def _operation(self, operations: tuple[str, ...]) -> str:
        literals = ", ".join(self.fence.dialect.literal(each) for each in operations)
        return f"c.operation IN ({literals})"
