"""What the state holds of each record now, wherever it is read from."""

from __future__ import annotations

from tailrace.sources.dialect import Dialect
from tailrace.state.names import StateNames


def records_rows(dialect: Dialect, names: StateNames) -> str:
    """Something to select from: one row per record, with the columns of the records table; give it an alias.

    Where state rows are never updated or deleted (R28) it is the newest row of each key, unless that one says
    that the record is no more.
    """
    table = dialect.table(names.schema, names.records)
    if not dialect.insert_only:
        return table
    newest = (
        f"row_number() OVER (PARTITION BY {exact_key(dialect, 'rows_of.record_id')}"
        " ORDER BY rows_of.record_version DESC) AS record_age"
    )
    return (
        f"(SELECT newest.* FROM (SELECT rows_of.*, {newest} FROM {table} AS rows_of) AS newest"
        f" WHERE newest.record_age = 1 AND NOT ({dialect.holds('newest.record_removed')}))"
    )


def exact_key(dialect: Dialect, key: str) -> str:
    """A record id as what compares byte by byte with others of its kind."""
    return dialect.exact(dialect.binary(key))


def same_key(dialect: Dialect, left: str, right: str) -> str:
    """The condition that two record ids are the same."""
    return f"{exact_key(dialect, left)} = {exact_key(dialect, right)}"
