"""The records table: how it is read, and in which statements state rows come, change and go.

Where a warehouse changes rows, there is one row per record (`StoredRecords`). Where that is billed by the whole
table (R28), a row is only ever added (`InsertedRecords`): of one key that with the highest version counts, and one
that says `record_removed` stands for no record.

Aliases in statements: `c` a row to store, `r` the state's row before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.fence import Fence
from tailrace.state.names import StateNames

KEPT_APART = ("record_version", "record_removed")
"""The columns that only an insert-only records table has."""

_ABOUT = ("delivered", "uncertain", "baseline", "record_level_id", "synced_n")
"""What is known of a record beside its values."""


def records_rows(dialect: Dialect, names: StateNames, columns: Sequence[str] | None = None) -> str:
    """Something to select from: one row per record, with the columns of the records table; give it an alias.

    Where state rows are never updated or deleted (R28) it is the newest row of each key, unless that one says
    that the record is no more. It has the key and `columns`, or all: what is not named is not read, nor billed.
    """
    table = dialect.table(names.schema, names.records)
    if not dialect.insert_only:
        return table
    newest = (
        f"row_number() OVER (PARTITION BY {exact_key(dialect, 'rows_of.record_id')}"
        " ORDER BY rows_of.record_version DESC) AS record_age"
    )
    wanted = None if columns is None else dict.fromkeys(["record_id", *columns])

    def of(alias: str, *beside: str) -> str:
        if wanted is None:
            return f"{alias}.*"
        return ", ".join(f"{alias}.{dialect.quote(name)}" for name in (*wanted, *beside))

    return (
        f"(SELECT {of('newest')} FROM"
        f" (SELECT {of('rows_of', 'record_removed')}, {newest} FROM {table} AS rows_of) AS newest"
        f" WHERE newest.record_age = 1 AND NOT ({dialect.holds('newest.record_removed')}))"
    )


def exact_key(dialect: Dialect, key: str) -> str:
    """A record id as what compares byte by byte with others of its kind."""
    return dialect.exact(dialect.binary(key))


def same_key(dialect: Dialect, left: str, right: str) -> str:
    """The condition that two record ids are the same."""
    return dialect.same_key(dialect.binary(left), dialect.binary(right))


@dataclass(frozen=True, slots=True)
class Write:
    """A statement on the records table; each row it touches lets the number of records grow by `grows`."""

    statement: str
    grows: int = 0


class Records(Protocol):
    """The ways in which state rows change; conditions and values are SQL over `c` and `r`."""

    def put(
        self, rows: str, values: Mapping[str, str], replaced: str | None, *, joined: bool = False
    ) -> tuple[Write, ...]:
        """Store the rows of a query, one for each key, in place of what stood there.

        `values` may read `r` with `joined`. `replaced` is the condition that tells rows `r` that stood there before
        from those that come now; None where no record of these keys is in the state.
        """
        ...

    def remove(self, rows: str, n: int) -> tuple[Write, ...]:
        """Take the records of a query's keys out of the state, in sync number `n`."""
        ...

    def change(self, values: Mapping[str, str], condition: str, rows: str | None = None) -> tuple[Write, ...]:
        """Give columns of the records that fulfil the condition new values, the others stay.

        With `rows`, `c` is a row of that query, and the condition says that it has the key of `r`.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """One row per record, updated and deleted; `carried` columns keep their values when a record is stored again."""

    fence: Fence
    carried: tuple[str, ...] = ()

    def put(
        self, rows: str, values: Mapping[str, str], replaced: str | None, *, joined: bool = False
    ) -> tuple[Write, ...]:
        """Insert, then delete what is older: an UPDATE says the same, but DuckDB keeps all it overwrites in memory."""
        d, table = self.fence.dialect, self._table
        all_values = {"record_id": "c.record_id", **values, **_of_state(d, self.carried)}
        before = f" LEFT JOIN {table} AS r ON {_joined(d)}" if joined or self.carried else ""
        added = Write(_insert(d, table, all_values, f"({rows}) AS c{before}"), grows=1)
        if replaced is None:
            return (added,)
        older = f"{replaced} AND EXISTS (SELECT 1 FROM ({rows}) AS c WHERE {_joined(d)})"
        return (added, Write(d.delete_from(table, "r", older), grows=-1))

    def remove(self, rows: str, n: int) -> tuple[Write, ...]:
        d = self.fence.dialect
        gone = f"EXISTS (SELECT 1 FROM ({rows}) AS c WHERE {_joined(d)})"
        return (Write(d.delete_from(self._table, "r", gone), grows=-1),)

    def change(self, values: Mapping[str, str], condition: str, rows: str | None = None) -> tuple[Write, ...]:
        d = self.fence.dialect
        if rows is not None:
            return (Write(d.update_from(self._table, "r", values, rows, "c", condition)),)
        sets = ", ".join(f"{name} = {value}" for name, value in values.items())
        return (Write(f"UPDATE {self._table} SET {sets} WHERE {condition}"),)

    @property
    def _table(self) -> str:
        return self.fence.table(self.fence.names.records)


@dataclass(frozen=True, slots=True)
class InsertedRecords:
    """Rows are only added; `columns` are all of the table but the key and those of the versions (R28)."""

    fence: Fence
    columns: tuple[str, ...]
    carried: tuple[str, ...] = ()

    def put(
        self, rows: str, values: Mapping[str, str], replaced: str | None, *, joined: bool = False
    ) -> tuple[Write, ...]:
        """First those that replace a record, then the new ones: each statement's own count says which they were."""
        d = self.fence.dialect
        row = {"record_id": "c.record_id", **values, **_of_state(d, self.carried)}
        current = self._current([*(_ABOUT if joined else ()), *self.carried])
        new = f"({rows}) AS c LEFT JOIN {current} AS r ON {_joined(d)} WHERE r.record_id IS NULL"
        added = self._add(row, new, grows=1)
        if replaced is None:
            return (added,)
        return (self._add(row, f"({rows}) AS c JOIN {current} AS r ON {_joined(d)}"), added)

    def remove(self, rows: str, n: int) -> tuple[Write, ...]:
        """A row without values says that the record is no more."""
        d = self.fence.dialect
        no = d.literal(False)
        row = {"record_id": "r.record_id", "delivered": no, "uncertain": no, "synced_n": str(n)}
        gone = f"({rows}) AS c JOIN {self._current([])} AS r ON {_joined(d)}"
        return (self._add(row, gone, grows=-1, removed=True),)

    def change(self, values: Mapping[str, str], condition: str, rows: str | None = None) -> tuple[Write, ...]:
        d = self.fence.dialect
        changed = {"record_id": "r.record_id", **_of_state(d, self.columns), **values}
        if rows is not None:
            return (self._add(changed, f"{self._current()} AS r JOIN ({rows}) AS c ON {condition}"),)
        return (self._add(changed, f"{self._current()} AS r WHERE {condition}"),)

    def _current(self, columns: Sequence[str] | None = None) -> str:
        return records_rows(self.fence.dialect, self.fence.names, columns)

    def _add(self, row: Mapping[str, str], rows: str, *, grows: int = 0, removed: bool = False) -> Write:
        """Rows of the next version: later than all that stand there, also within one sync."""
        d, table = self.fence.dialect, self.fence.table(self.fence.names.records)
        version = f"(SELECT coalesce(max(v.record_version), 0) + 1 FROM {table} AS v)"
        versioned = {**row, "record_version": version, "record_removed": d.literal(removed)}
        return Write(_insert(d, table, versioned, rows), grows)


def records_of(fence: Fence, columns: Sequence[str], carried: Sequence[str] = ()) -> Records:
    """How this warehouse's records table is written; `columns` are those it has now."""
    if not fence.dialect.insert_only:
        return StoredRecords(fence, tuple(carried))
    own = {"record_id", *KEPT_APART}
    return InsertedRecords(fence, tuple(name for name in columns if name.lower() not in own), tuple(carried))


def column_names(session: Session, fence: Fence) -> list[str]:
    """The columns of the records table as it is now."""
    found = session.rows(fence.dialect.table_columns(fence.names.schema, fence.names.records))
    return [name for name, _ in found]


def run_writes(session: Session, writes: Sequence[Write]) -> int:
    """Run the statements in order; gives by how much the number of records grew."""
    return sum(session.execute(write.statement) * write.grows for write in writes)


def touch(session: Session, writes: Sequence[Write]) -> int:
    """Run the statements in order; gives the number of rows they touched."""
    return sum(session.execute(write.statement) for write in writes)


def _of_state(dialect: Dialect, names: Sequence[str]) -> dict[str, str]:
    return {name: f"r.{dialect.quote(name)}" for name in names}


def _joined(dialect: Dialect) -> str:
    return same_key(dialect, "r.record_id", "c.record_id")


def _insert(dialect: Dialect, table: str, row: Mapping[str, str], rows: str) -> str:
    names = ", ".join(dialect.quote(name) for name in row)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(row.values())} FROM {rows}"
