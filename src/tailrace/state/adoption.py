"""The plan table becomes the records table (R26): statements for one transaction, none of which copies a row."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.state.decided import DecidedRows
from tailrace.state.moves import BASELINES

READERS_WAIT = 2.0
"""How long the swap of tables waits for somebody who reads them, before the rows are copied instead."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A plan that is the whole state, as in a first sync."""

    rows: DecidedRows

    def statements(self, *, baselines: bool, doubts: bool) -> tuple[str, ...]:
        """All of it in order; `baselines` and `doubts` say whether the plan has such rows."""
        return (
            *self.rows.fence.dialect.lock_wait(READERS_WAIT),
            *self._dress(),
            self._take_out(),
            *(self._mark_baseline() if baselines else ()),
            *((self._mark_doubtful(),) if doubts else ()),
            *self._undress(),
            *self._succeed(),
        )

    def _dress(self) -> tuple[str, ...]:
        """The columns that a records table has and a plan table has not; constant defaults touch no row."""
        d = self.rows.fence.dialect
        columns = (
            ("delivered", f"{d.type_of('boolean')} DEFAULT {d.literal(True)}"),
            ("uncertain", f"{d.type_of('boolean')} DEFAULT {d.literal(False)}"),
            ("baseline", d.type_of("text")),
            ("record_level_id", d.type_of("text")),
            ("synced_n", f"{d.type_of('bigint')} DEFAULT {self.rows.plan.n}"),
        )
        return tuple(d.add_column(self._changes, name, native) for name, native in columns)

    def _take_out(self) -> str:
        """Plan rows that have no place in the state: not sent, or not delivered."""
        kept = ", ".join(f"'{each}'" for each in ("added", *BASELINES))
        return (
            f"DELETE FROM {self._changes} WHERE operation NOT IN ({kept}) OR seq IN"
            f" (SELECT e.seq FROM ({self.rows.exceptions}) AS e WHERE e.outcome <> 'unknown')"
        )

    def _mark_baseline(self) -> tuple[str, ...]:
        literal = self.rows.fence.dialect.literal
        return tuple(
            f"UPDATE {self._changes} SET delivered = {literal(False)}, baseline = {literal(baseline)}"
            f" WHERE operation = {literal(operation)}"
            for operation, baseline in BASELINES.items()
        )

    def _mark_doubtful(self) -> str:
        d, rows = self.rows.fence.dialect, self.rows
        doubt = {"delivered": d.literal(False), "uncertain": d.literal(True), "record_level_id": "c.sent_id"}
        doubtful = f"{rows.unanswered('added')} UNION ALL {rows.offered('added')}"
        return d.update_from(self._changes, "r", doubt, doubtful, "c", "c.seq = r.seq")

    def _undress(self) -> tuple[str, ...]:
        """Drop the plan's own columns (and their indexes) and the defaults."""
        d = self.rows.fence.dialect
        own = ("operation", "bucket", "seq", "prior_id", "reason", "total")
        defaults = ("delivered", "uncertain", "synced_n")
        return (
            *(d.drop_column(self._changes, name) for name in own),
            *(f"ALTER TABLE {self._changes} ALTER COLUMN {d.quote(name)} DROP DEFAULT" for name in defaults),
        )

    def _succeed(self) -> tuple[str, ...]:
        """Take the records table's name."""
        fence = self.rows.fence
        records = fence.table(fence.names.records)
        return (
            fence.dialect.drop_table(records),
            fence.dialect.rename_table(self._changes, fence.names.records),
            fence.dialect.mark(records),
        )

    @property
    def _changes(self) -> str:
        return self.rows.changes
