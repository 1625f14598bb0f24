"""What becomes of the records when a plan ends: writes of the records table, run by `commit`.

Aliases: `c` a plan row, `r` a records row.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tailrace.state.decided import DecidedRows
from tailrace.state.operations import FILL
from tailrace.state.plan import DELETED_ID
from tailrace.state.records import Records, Write, same_key

SENT = ("added", "updated")
BASELINES = {"baseline_unsent": "unsent", "baseline_known": "known"}


@dataclass(frozen=True, slots=True)
class Moves:
    """The writes of one plan's commit, or of a part of it.

    `held` are the columns of the plan that state rows hold, values or checksum.
    """

    rows: DecidedRows
    records: Records
    held: tuple[str, ...]

    def within(self, part: str) -> Moves:
        """The same for a part of the plan's rows."""
        return replace(self, rows=replace(self.rows, within=part))

    def delivered(self) -> tuple[Write, ...]:
        """Delivered rows are the state's."""
        yes, no, nothing = self._true, self._false, self._null("text")
        values = self._values(yes, no, nothing, nothing)
        return self.records.put(self.rows.delivered(*SENT), values, self._older)

    def deleted(self) -> tuple[Write, ...]:
        """Records whose deletion was delivered leave the state."""
        return self.records.remove(self.rows.delivered("deleted"), self._n)

    def doubted(self, *, offered: bool, unanswered: bool) -> tuple[Write, ...]:
        """Rows that may have been applied are uncertain, with the values last sent (R21).

        Whether a record was delivered before is kept. One that was deleted last keeps its values, for the next
        plan deletes it again or sends what is there then.
        """
        d = self.rows.fence.dialect
        sent, gone = (
            self._doubtful(SENT, offered, unanswered),
            self._doubtful(("deleted",), offered, unanswered),
        )
        values = self._values(f"coalesce(r.delivered, {self._false})", self._true, "r.baseline", "c.sent_id")
        deletion = d.concatenated(d.literal(DELETED_ID), "c.sent_id")
        return (
            *self.records.put(sent, values, self._older, joined=True),
            *self.records.change(
                {"uncertain": self._true, "record_level_id": deletion}, self._same_key, gone
            ),
        )

    def unsent(self, operations: Collection[str]) -> tuple[Write, ...]:
        """What the plan has of records that are not sent: stored all the same (R8), gone silently, or filled."""
        no, literal = self._false, self.rows.fence.dialect.literal
        writes = [self.records.remove(self.rows.planned("drop"), self._n)] if "drop" in operations else []
        for operation, baseline in BASELINES.items():
            if operation not in operations:
                continue
            values = self._values(no, no, literal(baseline), self._null("text"))
            writes.append(self.records.put(self.rows.planned(operation), values, None))
        if FILL in operations:
            writes.append(self._filled())
        return tuple(write for each in writes for write in each)

    def _filled(self) -> tuple[Write, ...]:
        """Values of unchanged records, of which there was only a checksum (R14)."""
        values = self._values("r.delivered", "r.uncertain", "r.baseline", "r.record_level_id", "r.synced_n")
        return self.records.put(self.rows.planned(FILL), values, "r.checksum IS NOT NULL", joined=True)

    def still_due(self, differs: str) -> tuple[Write, ...]:
        """Updates that were not delivered and whose values equal the state's: planned for how they render (R17).

        The next plan would not find them by their values, so they are marked to be sent again.
        """
        d = self.rows.fence.dialect
        equal = f"{self._same_key} AND NOT ({d.holds('r.uncertain')}) AND NOT ({differs})"
        return self.records.change({"uncertain": self._true}, equal, self.rows.undelivered_updates())

    def _doubtful(self, operations: tuple[str, ...], offered: bool, unanswered: bool) -> str:
        queries = [
            *([self.rows.unanswered(*operations)] if unanswered else []),
            *([self.rows.offered(*operations)] if offered else []),
        ]
        return " UNION ALL ".join(queries)

    def _values(
        self, delivered: str, uncertain: str, baseline: str, level_id: str, synced_n: str | None = None
    ) -> dict[str, str]:
        quote = self.rows.fence.dialect.quote
        return {
            **{name: f"c.{quote(name)}" for name in self.held},
            "delivered": delivered,
            "uncertain": uncertain,
            "baseline": baseline,
            "record_level_id": level_id,
            "synced_n": synced_n or str(self._n),
        }

    @property
    def _n(self) -> int:
        return self.rows.plan.n

    @property
    def _older(self) -> str:
        return f"r.synced_n <> {self._n}"

    @property
    def _same_key(self) -> str:
        return same_key(self.rows.fence.dialect, "r.record_id", "c.record_id")

    @property
    def _true(self) -> str:
        return self.rows.fence.dialect.literal(True)

    @property
    def _false(self) -> str:
        return self.rows.fence.dialect.literal(False)

    def _null(self, word: str) -> str:
        d = self.rows.fence.dialect
        return d.cast("NULL", d.type_of(word))
