"""The records table follows the mapping's columns (R14–R16): they are added, widened, converted.

Every step can be repeated: what an earlier attempt did before it died is found in the table itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tailrace.columns import Column
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.columns import OWN, StoredColumn, latest, store_columns, used, values_checksum
from tailrace.state.fence import Fence, write_fenced
from tailrace.state.names import StateNames
from tailrace.state.plan_pairs import converted_value
from tailrace.state.plan_request import RecordsTable

StepKind = Literal["added", "removed", "widened", "converted", "values", "checksum"]


@dataclass(frozen=True, slots=True)
class Step:
    """One difference between the mapping's columns and those of the state, and what it does to the table."""

    kind: StepKind
    column: str
    """The model's name; empty where the step is about the whole table."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evolution:
    """Where the used columns stand from now on, and what the records table holds."""

    columns: tuple[StoredColumn, ...]
    """The wanted ones, then the retired ones: the checkpoint keeps all."""
    records: RecordsTable | None
    steps: tuple[Step, ...] = ()

    def named(self, kind: StepKind) -> tuple[str, ...]:
        """The columns that a kind of step is about."""
        return tuple(step.column for step in self.steps if step.kind == kind)


def evolve_records(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    wanted: Sequence[Column],
    previous: Sequence[StoredColumn] | None,
    *,
    row_count: int,
    remember: Literal["values", "checksum"] = "values",
    apply: bool = True,
    fence: Fence | None = None,
) -> Evolution:
    """Fit the records table to the wanted columns of the model; without `apply`, only say what would be done.

    `previous` and `row_count` are the checkpoint's; None where nothing was ever sealed. A sync does it under its
    `fence` (R2): in one transaction, or statement by statement where tables do not change in transactions; what
    an attempt leaves unfinished there is taken up by the next one. Raises SourceError, FenceLost.
    """
    there = {
        name.lower(): native
        for name, native in (
            session.rows(dialect.table_columns(names.schema, names.records)) if previous is not None else ()
        )
    }
    known = {*OWN, *(old.stored.lower() for old in previous or ())}
    leftovers = {name: native for name, native in there.items() if name not in known}
    burnt = bool(there) and remember == "values" and not dialect.reuses_names
    gone = [old.stored for old in previous or () if burnt and old.stored.lower() not in there]
    columns = store_columns(dialect, wanted, previous or (), leftovers, gone)
    if previous is None or not there:
        return Evolution(columns, None)
    evolving = _Evolving(dialect, dialect.table(names.schema, names.records), there, tuple(previous))
    steps = evolving.plan(used(columns), remember)
    digested = remember == "values" and evolving.digested(used(columns))
    if apply and evolving.statements:
        evolving.run(session, fence)
        records = evolving.after(columns, row_count, remember)
    else:
        records = evolving.before(row_count)
    return Evolution(columns, replace(records, digested=digested), tuple(steps))


class _Evolving:
    def __init__(
        self, dialect: Dialect, table: str, there: Mapping[str, str], previous: tuple[StoredColumn, ...]
    ) -> None:
        self.dialect = dialect
        self.table = table
        self.there = there
        self.previous = previous
        self.held = tuple(
            replace(old, native=there[old.stored.lower()], model="")
            for old in previous
            if old.stored.lower() in there
        )
        self.converted: dict[str, StoredColumn] = {}
        self._added: list[tuple[str, str]] = []
        self._then: list[str] = []

    @property
    def statements(self) -> tuple[str, ...]:
        """What was collected, in the order in which it is done."""
        return (*self.dialect.add_columns(self.table, self._added), *self._then)

    def plan(self, wanted: Sequence[StoredColumn], remember: str) -> list[Step]:
        """Collect statements, and say what they are for."""
        steps: list[Step] = []
        before = {old.stored: old for old in self.previous}
        has_values = bool(self.held) or "checksum" not in self.there
        for column in wanted:
            native = self.there.get(column.stored.lower())
            old = before.get(column.stored)
            if native is None or old is None:
                steps += self._new_place(column, has_values, remember)
            elif old.native != column.native:
                steps.append(Step("widened", column.name, f"{old.native} to {column.native}"))
                if native != column.native:
                    self._then.append(self.dialect.alter_type(self.table, column.stored, column.native))
            elif old.retired:
                steps.append(Step("added", column.name, "it was used before"))
        names = {column.name for column in wanted}
        steps += [
            Step("removed", old.name) for old in self.previous if old.name not in names and not old.retired
        ]
        if remember == "values" and self.dialect.compares_digests and "digest" not in self.there:
            self._added.append(("digest", self.dialect.type_of("text")))
        if remember == "checksum" and (self.held or "checksum" not in self.there):
            steps.append(Step("checksum", "", "checksums take the place of values"))
            self._forget_values(wanted)
        return steps

    def _new_place(self, column: StoredColumn, has_values: bool, remember: str) -> list[Step]:
        if remember == "checksum":
            known = any(old.name == column.name and not old.retired for old in self.previous)
            return [] if known else [Step("added", column.name)]
        left = column.stored.lower() in self.there
        if not left:
            self._added.append((column.stored, column.native))
        if not has_values:
            return [Step("values", column.name, "its values are stored from now on")]
        old = latest(each for each in self.held if each.name == column.name)
        if old is None:
            if left:  # by an attempt that was never sealed
                self._then.append(
                    self.dialect.update_rows(self.table, "r", {self.dialect.quote(column.stored): "NULL"})
                )
            return [Step("added", column.name)]
        value = converted_value(self.dialect, old, column)
        self.converted[column.stored] = old
        self._then.append(
            self.dialect.update_rows(self.table, "r", {self.dialect.quote(column.stored): value})
        )
        return [Step("converted", column.name, f"{old.native} to {column.native}")]

    def _forget_values(self, wanted: Sequence[StoredColumn]) -> None:
        """Values give way to their checksum, by the columns that are wanted and held.

        A row that has a checksum keeps it: an earlier attempt may have dropped some of the columns.
        """
        d = self.dialect
        if "checksum" not in self.there:
            self._added.append(("checksum", d.type_of("text")))
        if not self.held:
            return
        kept = {column.stored for column in wanted}
        compared = [column for column in self.held if column.stored in kept]
        found = f"coalesce(r.checksum, {values_checksum(d, compared, 'r')})"
        self._then.append(d.update_rows(self.table, "r", {d.quote("checksum"): found}))
        self._then += d.drop_columns(self.table, [column.stored for column in self.held])

    def digested(self, wanted: Sequence[StoredColumn]) -> bool:
        """Whether each row's digest is of the wanted columns as they are: it is of those that were sealed last."""
        if "digest" not in self.there or "checksum" in self.there:
            return False
        before = {(old.stored, old.native) for old in used(self.previous)}
        return before == {(column.stored, column.native) for column in wanted}

    def run(self, session: Session, fence: Fence | None) -> None:
        """Do what was collected."""

        def all_at_once() -> None:
            for statement in self.statements:
                session.execute(statement)

        if not (self.dialect.ddl_in_transactions and self.dialect.alters_in_transactions):
            for statement in self.statements:
                if fence is not None:
                    write_fenced(session, fence, lambda: None)
                session.execute(statement)
        elif fence is None:
            with session.transaction():
                all_at_once()
        else:
            write_fenced(session, fence, all_at_once)

    def before(self, row_count: int) -> RecordsTable:
        """The table as it is."""
        return RecordsTable(
            self.held, row_count, has_checksum="checksum" in self.there, converted=self.converted
        )

    def after(self, columns: Sequence[StoredColumn], row_count: int, remember: str) -> RecordsTable:
        """The table once the statements have run."""
        if remember == "checksum":
            return RecordsTable((), row_count, has_checksum=True)
        return RecordsTable(used(columns), row_count, has_checksum="checksum" in self.there)
