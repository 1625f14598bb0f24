"""Finds one record by its key: in the model, and in the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.columns import Column, rows_of
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.columns import StoredColumn
from tailrace.state.names import StateNames
from tailrace.state.plan_read import read_columns
from tailrace.state.records import records_rows, same_key

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class StateRow:
    """A record as the state holds it."""

    row: pa.Table
    """Its columns, by the model's names: one row."""
    delivered: bool
    uncertain: bool
    baseline: str | None
    synced_n: int | None
    record_level_id: str | None

    @property
    def values(self) -> dict[str, Any]:
        """The record's values by column."""
        return rows_of(self.row)[0]


def model_rows(
    session: Session,
    dialect: Dialect,
    statement: str,
    where: str | None,
    key: Sequence[Column],
    columns: Sequence[StoredColumn],
    record_id: str,
) -> pa.Table:
    """The model's rows with this key (more than one: the key is repeated), columns by model name.

    Besides, `_key`, and why the key cannot be used as `_reason`, null where it can (R6).
    """
    condition = f" WHERE (\n{where}\n)" if where else ""
    selected = [
        f"{column.from_model(dialect, f'model.{dialect.quote(column.name)}')} AS {dialect.quote(column.stored)}"
        for column in columns
    ]
    named, reason = dialect.quote("_key"), dialect.quote("_reason")
    own = [f"{dialect.key_text(key, 'model')} AS {named}", f"{dialect.key_problem(key, 'model')} AS {reason}"]
    keyed = f"SELECT {', '.join([*own, *selected])} FROM {dialect.subquery(statement, 'model')}{condition}"
    read = [f"m.{named} AS {named}", f"m.{reason} AS {reason}"]
    wanted = ", ".join([*read, *read_columns(dialect, "m", columns)])
    query = (
        f"SELECT {wanted} FROM ({keyed}) AS m"
        f" WHERE {dialect.exact(dialect.binary(f'm.{named}'))} = {dialect.exact(dialect.literal(record_id))}"
    )
    return session.read(dialect.leading(statement) + dialect.limited(query, MOST_ROWS)).read_all()


def state_row(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    columns: Sequence[StoredColumn],
    record_id: str,
) -> StateRow | None:
    """The record as it was delivered last (or is remembered otherwise); None where the state does not have it."""
    if names.records not in {name for name, _ in session.rows(dialect.list_tables(names.schema))}:
        return None
    there = {name for name, _ in session.rows(dialect.table_columns(names.schema, names.records))}
    held = [column for column in columns if column.stored in there]
    own = ("delivered", "uncertain", "baseline", "synced_n", "record_level_id")
    shown = [f"r.{name} AS {dialect.quote('_' + name)}" for name in own]
    selected = ", ".join([*shown, *read_columns(dialect, "r", held)])
    rows = session.read(
        f"SELECT {selected} FROM {records_rows(dialect, names)} AS r"
        f" WHERE {same_key(dialect, 'r.record_id', dialect.literal(record_id))}"
    ).read_all()
    if not rows.num_rows:
        return None
    (found,) = rows.select([f"_{name}" for name in own]).slice(0, 1).to_pylist()
    ours: dict[str, Any] = {name: found[f"_{name}"] for name in own}
    ours |= {name: bool(ours[name]) for name in ("delivered", "uncertain")}
    return StateRow(rows.select([column.name for column in held]).slice(0, 1), **ours)


def sync_of(session: Session, dialect: Dialect, names: StateNames, n: int | None) -> tuple[str, Any] | None:
    """Id and end of sync number `n` of this mapping, from the log; later ones of that number were stopped early."""
    if n is None:
        return None
    query = (
        f"SELECT sync_id, finished_at FROM {dialect.table(names.schema, names.sync_log)}"
        f" WHERE state_id = {dialect.literal(names.id)} AND n = {int(n)} ORDER BY finished_at"
    )
    rows = session.rows(dialect.limited(query, 1))
    return (rows[0][0], rows[0][1]) if rows else None
