"""The statements that move a plan's rows into the records table: text only, run by `commit`.

Aliases: `c` a plan row, `r` a records row, `p` a resolved span, `e` an exception.
"""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.state.fence import Fence
from tailrace.state.plan import DELETED_ID
from tailrace.state.progress import exceptions_query
from tailrace.state.seal import SealedPlan

SENT = ("added", "updated")
BASELINES = {"baseline_unsent": "unsent", "baseline_known": "known"}


@dataclass(frozen=True, slots=True)
class Moves:
    """The SQL of one plan's commit.

    `held` are the columns of the plan that state rows hold, values or checksum; `emptied` those of the records
    table that they hold no more since `remember` was changed (R14).
    """

    fence: Fence
    plan: SealedPlan
    held: tuple[str, ...]
    emptied: tuple[str, ...] = ()

    # -- which plan rows

    @property
    def changes(self) -> str:
        return self.fence.table(self.plan.table)

    @property
    def records(self) -> str:
        return self.fence.table(self.fence.names.records)

    @property
    def progress(self) -> str:
        return self.fence.table(self.fence.names.progress)

    def spans(self, kind: str) -> str:
        """The condition on `p`."""
        d = self.fence.dialect
        return f"p.plan_table = {d.literal(self.plan.table)} AND p.kind = {d.literal(kind)}"

    @property
    def named(self) -> str:
        """The records that a plan names because something about them is due or in the way."""
        return (
            f"SELECT c.record_id FROM {self.changes} AS c"
            " WHERE c.record_id IS NOT NULL AND c.operation NOT IN ('candidate', 'fill', 'count')"
        )

    @property
    def exceptions(self) -> str:
        return exceptions_query(self.fence.dialect, self.fence.names, self.plan.table)

    def delivered(self, *operations: str) -> str:
        """Plan rows that were delivered: resolved minus exceptions (R25)."""
        return (
            f"SELECT c.* FROM {self.changes} AS c JOIN {self.progress} AS p ON c.seq BETWEEN p.from_seq AND p.to_seq"
            f" WHERE {self.spans('resolved')} AND {self._operation(operations)}"
            f" AND NOT EXISTS (SELECT 1 FROM ({self.exceptions}) AS e WHERE e.seq = c.seq)"
        )

    def doubtful(self, *operations: str) -> str:
        """Plan rows that may have been applied (R21), with the id they were sent under."""
        return (
            f"SELECT c.*, e.record_id AS sent_id FROM {self.changes} AS c JOIN ({self.exceptions}) AS e"
            f" ON e.seq = c.seq WHERE e.outcome = 'unknown' AND {self._operation(operations)}"
            f" UNION ALL SELECT c.*, NULL FROM {self.changes} AS c JOIN {self.progress} AS p"
            f" ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE {self.spans('unknown')} AND {self._operation(operations)}"
        )

    def rejected(self, checksum: str) -> str:
        """Refused plan rows with why; `checksum` digests the values of `c`."""
        return (
            f"SELECT c.record_id, c.operation, {checksum} AS checksum, e.reason, e.code, e.message"
            f" FROM {self.changes} AS c JOIN ({self.exceptions}) AS e ON e.seq = c.seq WHERE e.outcome = 'rejected'"
        )

    # -- what becomes of the records

    def update(self, rows: str) -> str:
        """Delivered rows over the state that was there."""
        proved = "delivered = TRUE, uncertain = FALSE, baseline = NULL, record_level_id = NULL"
        return (
            f"UPDATE {self.records} AS r SET {self._values()}, {proved}, synced_n = {self.plan.n}"
            f" FROM ({rows}) AS c WHERE {self.same_key}"
        )

    def insert(self, rows: str) -> str:
        """Delivered rows that had no state."""
        return self._insert(rows, "TRUE", "FALSE", "NULL", "NULL")

    def delete(self, rows: str) -> str:
        return f"DELETE FROM {self.records} AS r WHERE EXISTS (SELECT 1 FROM ({rows}) AS c WHERE {self.same_key})"

    def doubt_sent(self) -> str:
        """Values last sent, over the state that was there; whether it was delivered before is kept."""
        return (
            f"UPDATE {self.records} AS r SET {self._values()}, uncertain = TRUE, record_level_id = c.sent_id,"
            f" synced_n = {self.plan.n} FROM ({self.doubtful(*SENT)}) AS c WHERE {self.same_key}"
        )

    def doubt_new(self) -> str:
        return self._insert(self.doubtful(*SENT), "FALSE", "TRUE", "NULL", "c.sent_id")

    def doubt_deleted(self) -> str:
        """The values stay, for the next plan deletes it again or sends what is there then."""
        deletion = f"{self.fence.dialect.literal(DELETED_ID)} || c.sent_id"
        return (
            f"UPDATE {self.records} AS r SET uncertain = TRUE, record_level_id = {deletion}"
            f" FROM ({self.doubtful('deleted')}) AS c WHERE {self.same_key}"
        )

    def baseline(self, operation: str) -> str:
        rows = f"SELECT c.* FROM {self.changes} AS c WHERE {self._operation((operation,))}"
        return self._insert(rows, "FALSE", "FALSE", self.fence.dialect.literal(BASELINES[operation]), "NULL")

    def fill(self) -> str:
        """Values of unchanged records, of which there was only a checksum (R14)."""
        rows = f"SELECT c.* FROM {self.changes} AS c WHERE {self._operation(('fill',))}"
        return f"UPDATE {self.records} AS r SET {self._values()} FROM ({rows}) AS c WHERE {self.same_key}"

    def drop(self) -> str:
        return self.delete(f"SELECT c.record_id FROM {self.changes} AS c WHERE {self._operation(('drop',))}")

    def still_due(self, differs: str) -> str:
        """Updates that were not delivered and whose values equal the state's: planned for how they render (R17).

        The next plan would not find them by their values, so they are marked to be sent again.
        """
        delivered = f"SELECT 1 FROM ({self.delivered('updated')}) AS d WHERE d.seq = c.seq"
        return (
            f"UPDATE {self.records} AS r SET uncertain = TRUE FROM {self.changes} AS c WHERE {self.same_key}"
            f" AND (c.operation = 'updated' OR c.reason = 'limit:updated') AND NOT r.uncertain"
            f" AND NOT ({differs}) AND NOT EXISTS ({delivered})"
        )

    # -- the plan table becomes the records table

    def take_out(self) -> tuple[str, ...]:
        """Plan rows that have no place in the state: not sent, or not delivered."""
        kept = ", ".join(f"'{each}'" for each in ("added", *BASELINES))
        return (
            f"DELETE FROM {self.changes} WHERE operation NOT IN ({kept})",
            f"DELETE FROM {self.changes} WHERE seq IN"
            f" (SELECT e.seq FROM ({self.exceptions}) AS e WHERE e.outcome <> 'unknown')",
        )

    def dress(self) -> tuple[str, ...]:
        """The columns that a records table has and a plan table has not; constant defaults touch no row."""
        d = self.fence.dialect
        columns = (
            ("delivered", d.type_of("boolean") + " DEFAULT TRUE"),
            ("uncertain", d.type_of("boolean") + " DEFAULT FALSE"),
            ("baseline", d.type_of("text")),
            ("record_level_id", d.type_of("text")),
            ("synced_n", f"{d.type_of('bigint')} DEFAULT {self.plan.n}"),
        )
        return tuple(d.add_column(self.changes, name, native) for name, native in columns)

    def mark_exceptions(self) -> tuple[str, ...]:
        return (
            *(
                f"UPDATE {self.changes} SET delivered = FALSE, baseline = {self.fence.dialect.literal(baseline)}"
                f" WHERE operation = {self.fence.dialect.literal(operation)}"
                for operation, baseline in BASELINES.items()
            ),
            f"UPDATE {self.changes} AS r SET delivered = FALSE, uncertain = TRUE, record_level_id = c.sent_id"
            f" FROM ({self.doubtful('added')}) AS c WHERE c.seq = r.seq",
        )

    def undress(self) -> tuple[str, ...]:
        """Drop the plan's own columns (and their indexes) and the defaults."""
        own = ("operation", "bucket", "seq", "prior_id", "reason", "total")
        quote = self.fence.dialect.quote
        return (
            *(f"ALTER TABLE {self.changes} DROP COLUMN {quote(name)}" for name in own),
            *(
                f"ALTER TABLE {self.changes} ALTER COLUMN {quote(name)} DROP DEFAULT"
                for name in ("delivered", "uncertain", "synced_n")
            ),
        )

    def succeed(self) -> tuple[str, ...]:
        """Take the records table's name."""
        d = self.fence.dialect
        return (
            d.drop_table(self.records),
            d.rename_table(self.changes, self.fence.names.records),
            d.mark(self.records),
        )

    # -- pieces

    @property
    def same_key(self) -> str:
        d = self.fence.dialect
        return f"{d.binary('r.record_id')} = {d.binary('c.record_id')}"

    def _values(self) -> str:
        """The assignments; a records table holds at least the key's column or a checksum."""
        quote = self.fence.dialect.quote
        held = [f"{quote(name)} = c.{quote(name)}" for name in self.held]
        return ", ".join(held + [f"{quote(name)} = NULL" for name in self.emptied])

    def _insert(self, rows: str, delivered: str, uncertain: str, baseline: str, level_id: str) -> str:
        quote = self.fence.dialect.quote
        names = "".join(f", {quote(name)}" for name in self.held)
        values = "".join(f", c.{quote(name)}" for name in self.held)
        return (
            f"INSERT INTO {self.records}"
            f" (record_id{names}, delivered, uncertain, baseline, record_level_id, synced_n)"
            f" SELECT c.record_id{values}, {delivered}, {uncertain}, {baseline}, {level_id}, {self.plan.n}"
            f" FROM ({rows}) AS c WHERE NOT EXISTS (SELECT 1 FROM {self.records} AS r WHERE {self.same_key})"
        )

    def _operation(self, operations: tuple[str, ...]) -> str:
        literals = ", ".join(self.fence.dialect.literal(each) for each in operations)
        return f"c.operation IN ({literals})"
