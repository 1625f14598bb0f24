"""The statements that move a plan's rows into the records table: text only, run by `commit`.

Aliases: `c` a plan row, `r` a records row, `p` a resolved span, `e` an exception.
"""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.state.fence import Fence
from tailrace.state.plan import DELETED_ID
from tailrace.state.progress import exceptions_query
from tailrace.state.records import same_key
from tailrace.state.seal import SealedPlan

SENT = ("added", "updated")
BASELINES = {"baseline_unsent": "unsent", "baseline_known": "known"}


@dataclass(frozen=True, slots=True)
class Moves:
    """The SQL of one plan's commit.

    `held` are the columns of the plan that state rows hold, values or checksum; `retired` those of the records
    table that the mapping uses no more, and that stay as they were (R16).
    """

    fence: Fence
    plan: SealedPlan
    held: tuple[str, ...]
    retired: tuple[str, ...] = ()

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
            f" UNION ALL SELECT c.*, {self._null('text')} FROM {self.changes} AS c JOIN {self.progress} AS p"
            f" ON c.seq BETWEEN p.from_seq AND p.to_seq WHERE {self.spans('unknown')} AND {self._operation(operations)}"
        )

    def planned(self, operation: str) -> str:
        """Plan rows that are not sent."""
        return f"SELECT c.* FROM {self.changes} AS c WHERE {self._operation((operation,))}"

    def rejected(self, checksum: str) -> str:
        """Refused plan rows with why; `checksum` digests the values of `c`."""
        return (
            f"SELECT c.record_id, c.operation, {checksum} AS checksum, e.reason, e.code, e.message"
            f" FROM {self.changes} AS c JOIN ({self.exceptions}) AS e ON e.seq = c.seq WHERE e.outcome = 'rejected'"
        )

    # -- what becomes of the records

    def add(self, rows: str) -> str:
        """Delivered rows as the state's, beside what stood there before; `remove_older` takes that away.

        An UPDATE would say the same, but DuckDB keeps all that it overwrites in memory.
        """
        yes, no, nothing = self._true, self._false, self._null("text")
        return self._insert(rows, yes, no, nothing, nothing, joined=bool(self.retired))

    def add_doubtful(self) -> str:
        """Values last sent; whether the record was delivered before is kept (R21)."""
        rows = self.doubtful(*SENT)
        return self._insert(
            rows, f"coalesce(r.delivered, {self._false})", self._true, "r.baseline", "c.sent_id", joined=True
        )

    def remove_older(self, rows: str) -> str:
        """The state that this plan's rows have replaced."""
        return self._delete(rows, f"r.synced_n <> {self.plan.n}")

    def remove(self, rows: str) -> str:
        """The state of records that are gone."""
        return self._delete(rows, "1 = 1")

    def doubt_deleted(self) -> str:
        """The values stay, for the next plan deletes it again or sends what is there then."""
        d = self.fence.dialect
        deletion = d.concatenated(d.literal(DELETED_ID), "c.sent_id")
        doubt = {"uncertain": self._true, "record_level_id": deletion}
        return d.update_from(self.records, "r", doubt, self.doubtful("deleted"), "c", self.same_key)

    def baseline(self, operation: str) -> str:
        literal = self.fence.dialect.literal(BASELINES[operation])
        return self._insert(
            self.planned(operation), self._false, self._false, literal, self._null("text"), joined=False
        )

    def fill(self) -> tuple[str, str]:
        """Values of unchanged records, of which there was only a checksum (R14)."""
        rows = self.planned("fill")
        return (
            self._insert(
                rows,
                "r.delivered",
                "r.uncertain",
                "r.baseline",
                "r.record_level_id",
                "r.synced_n",
                joined=True,
            ),
            self._delete(rows, "r.checksum IS NOT NULL"),
        )

    def still_due(self, differs: str) -> str:
        """Updates that were not delivered and whose values equal the state's: planned for how they render (R17).

        The next plan would not find them by their values, so they are marked to be sent again.
        """
        delivered = f"SELECT 1 FROM ({self.delivered('updated')}) AS d WHERE d.seq = c.seq"
        d = self.fence.dialect
        due = (
            f"SELECT c.* FROM {self.changes} AS c WHERE (c.operation = 'updated' OR c.reason = 'limit:updated')"
            f" AND NOT EXISTS ({delivered})"
        )
        equal = f"{self.same_key} AND NOT ({d.holds('r.uncertain')}) AND NOT ({differs})"
        return d.update_from(self.records, "r", {"uncertain": self._true}, due, "c", equal)

    # -- the plan table becomes the records table

    def take_out(self) -> str:
        """Plan rows that have no place in the state: not sent, or not delivered."""
        kept = ", ".join(f"'{each}'" for each in ("added", *BASELINES))
        return (
            f"DELETE FROM {self.changes} WHERE operation NOT IN ({kept}) OR seq IN"
            f" (SELECT e.seq FROM ({self.exceptions}) AS e WHERE e.outcome <> 'unknown')"
        )

    def dress(self) -> tuple[str, ...]:
        """The columns that a records table has and a plan table has not; constant defaults touch no row."""
        d = self.fence.dialect
        columns = (
            ("delivered", f"{d.type_of('boolean')} DEFAULT {self._true}"),
            ("uncertain", f"{d.type_of('boolean')} DEFAULT {self._false}"),
            ("baseline", d.type_of("text")),
            ("record_level_id", d.type_of("text")),
            ("synced_n", f"{d.type_of('bigint')} DEFAULT {self.plan.n}"),
        )
        return tuple(d.add_column(self.changes, name, native) for name, native in columns)

    def mark_baseline(self) -> tuple[str, ...]:
        literal = self.fence.dialect.literal
        return tuple(
            f"UPDATE {self.changes} SET delivered = {self._false}, baseline = {literal(baseline)}"
            f" WHERE operation = {literal(operation)}"
            for operation, baseline in BASELINES.items()
        )

    def mark_doubtful(self) -> str:
        doubt = {"delivered": self._false, "uncertain": self._true, "record_level_id": "c.sent_id"}
        return self.fence.dialect.update_from(
            self.changes, "r", doubt, self.doubtful("added"), "c", "c.seq = r.seq"
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
        return same_key(self.fence.dialect, "r.record_id", "c.record_id")

    @property
    def _true(self) -> str:
        return self.fence.dialect.literal(True)

    @property
    def _false(self) -> str:
        return self.fence.dialect.literal(False)

    def _null(self, word: str) -> str:
        d = self.fence.dialect
        return d.cast("NULL", d.type_of(word))

    def _insert(
        self,
        rows: str,
        delivered: str,
        uncertain: str,
        baseline: str,
        level_id: str,
        synced_n: str | None = None,
        *,
        joined: bool,
    ) -> str:
        """State rows from plan rows `c`, with `joined` beside the state `r` that was there, if any."""
        quote = self.fence.dialect.quote
        kept = [quote(name) for name in self.retired] if joined else []
        held = [quote(name) for name in self.held]
        names = [
            "record_id",
            *held,
            *kept,
            "delivered",
            "uncertain",
            "baseline",
            "record_level_id",
            "synced_n",
        ]
        values = ["c.record_id", *(f"c.{name}" for name in held), *(f"r.{name}" for name in kept)]
        values += [delivered, uncertain, baseline, level_id, synced_n or str(self.plan.n)]
        join = f" LEFT JOIN {self.records} AS r ON {self.same_key}" if joined else ""
        return f"INSERT INTO {self.records} ({', '.join(names)}) SELECT {', '.join(values)} FROM ({rows}) AS c{join}"

    def _delete(self, rows: str, condition: str) -> str:
        replaced = f"{condition} AND EXISTS (SELECT 1 FROM ({rows}) AS c WHERE {self.same_key})"
        return self.fence.dialect.delete_from(self.records, "r", replaced)

    def _operation(self, operations: tuple[str, ...]) -> str:
        literals = ", ".join(self.fence.dialect.literal(each) for each in operations)
        return f"c.operation IN ({literals})"
