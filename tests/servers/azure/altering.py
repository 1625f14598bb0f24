"""Tables that are there already: altered, renamed, emptied and dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.servers.azure.catalog import COLUMNSTORE, Column, Table
from tests.servers.azure.declarations import allow_width, column, split
from tests.servers.azure.errors import SqlError, engine_error, parse_error
from tests.servers.azure.lexer import Piece, tokens, unquoted
from tests.servers.azure.running import change
from tests.servers.azure.tables import definition, named, register
from tests.servers.azure.types import MAX, duckdb_type

if TYPE_CHECKING:
    from tests.servers.azure.session import Session


def existing(session: Session, schema: str, name: str, error: SqlError) -> Table:
    """A table to alter, rename or drop. Raises the error where there is none that the user may."""
    table = session.table(schema, name)
    if table is None:
        raise error
    session.database.grants.demand_alter(session.principal, table, error)
    return table


@contextmanager
def locked(session: Session, table: Table) -> Iterator[None]:
    """Wait until nobody writes a table, and keep it so."""
    locks = session.database.locks
    fresh = locks.take(session.id, table.number, session.is_interrupted, session.lock_timeout)
    try:
        with session.database.changing:
            yield
    finally:
        if fresh:
            locks.release(session.id, table.number)


def drop(session: Session, piece: Piece) -> None:
    """DROP TABLE or VIEW."""
    words = piece.words
    if words[2].upper == "IF":
        raise parse_error("IF", 1, words[2].start - words[0].start)
    kind = words[1].upper
    schema, name, at = named(words, 2)
    if at < len(words):
        raise parse_error(words[at].text)
    error = SqlError(
        3701,
        f"Cannot drop the {kind.lower()} '{name}', because it does not exist or you do not have permission.",
        11,
        5,
    )
    table = existing(session, schema, name, error)
    if (kind == "VIEW") != (table.kind == "V"):
        raise error
    with locked(session, table), session.interrupts.shielded():
        session.duck.execute(f"DROP {kind} {table.stored}")
        session.temporary.pop(name.lower(), None) if table.temporary else session.database.catalog.remove(
            table
        )


def rename(session: Session, text: str) -> None:
    """RENAME OBJECT [::] schema.table TO name."""
    words = tokens(text)
    start = 3 if words[2].text == "::" else 2
    schema, name, at = named(words, start)
    if at + 1 >= len(words) or words[at].upper != "TO" or len(words) > at + 2:
        raise parse_error(words[-1].text)
    new = unquoted(words[at + 1].text)
    table = existing(
        session,
        schema,
        name,
        SqlError(
            15151,
            f"Cannot find the object '{name}', because it does not exist or you do not have permission.",
        ),
    )
    if table.temporary or table.kind != "U":
        raise engine_error(104409, "Temporary tables and views cannot be renamed.")
    if session.table(table.schema, new) is not None:
        raise SqlError(
            15335,
            f"Error: The new name '{new}' is already in use as a OBJECT name and would cause a duplicate"
            " that is not permitted.",
            11,
        )
    with locked(session, table), session.interrupts.shielded():
        session.database.catalog.remove(table)
        quoted = '"' + new.replace('"', '""') + '"'
        session.duck.execute(f"ALTER TABLE {table.stored} RENAME TO {quoted}")
        session.database.catalog.add(replace(table, name=new))


def truncate(session: Session, text: str) -> None:
    """TRUNCATE TABLE."""
    words = tokens(text)
    schema, name, _ = named(words, 2)
    error = SqlError(
        4701, f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
    )
    table = existing(session, schema, name, error)
    change(session, table, f"DELETE FROM {table.stored}")


def alter(session: Session, piece: Piece) -> None:
    """ALTER TABLE … ADD, ALTER COLUMN or DROP COLUMN: the table is made anew."""
    words = piece.words
    schema, name, at = named(words, 2)
    error = SqlError(
        1088, f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
    )
    table = existing(session, schema, name, error)
    verb, rest = words[at].upper, words[at + 1 :]
    columns = list(table.columns)
    values = {each.name.lower(): '"' + each.name.replace('"', '""') + '"' for each in columns}
    if verb == "ADD":
        if rest and rest[0].upper == "COLUMN":
            raise parse_error("COLUMN")
        for part in split(rest):
            added = column(part)
            if table.column(added.name):
                raise SqlError(
                    2705,
                    f"Column names in each table must be unique. Column name '{added.name}' in table"
                    f" '{table.name}' is specified more than once.",
                    16,
                    4,
                )
            if not added.type.nullable and not any(each.upper == "DEFAULT" for each in part):
                raise SqlError(
                    4901,
                    "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT"
                    f" definition specified. Column '{added.name}' cannot be added.",
                )
            columns.append(added)
            values[added.name.lower()] = "NULL"
    elif verb in ("ALTER", "DROP") and rest and rest[0].upper == "COLUMN":
        old = table.column(unquoted(rest[1].text))
        if old is None:
            raise SqlError(
                4924,
                f"ALTER TABLE {verb} COLUMN failed because column '{unquoted(rest[1].text)}' does not exist in"
                f" table '{table.name}'.",
            )
        if old.name.lower() in map(str.lower, table.hashed):
            raise engine_error(104336, f"The distribution column '{old.name}' cannot be altered or dropped.")
        at = columns.index(old)
        if verb == "DROP":
            columns.pop(at)
        else:
            columns[at] = replace(column(rest[1:]), name=old.name)
    else:
        raise parse_error(words[at].text)
    _rebuild(session, table, columns, values)


def _rebuild(session: Session, table: Table, columns: list[Column], values: dict[str, str]) -> None:
    new = replace(table, name=table.name + "~", columns=columns)
    allow_width(new)
    place = new.stored.replace("~", "__new")
    if new.index == COLUMNSTORE and any(each.type.length == MAX for each in columns):
        raise SqlError(
            35343,
            "The statement failed. A column has a data type that cannot participate in a columnstore index.",
        )
    kind = "TEMP TABLE" if table.temporary else "TABLE"
    casts = ", ".join(f"CAST({values[each.name.lower()]} AS {duckdb_type(each.type)})" for each in columns)
    duck = session.duck
    with locked(session, table):
        with session.interrupts.together():
            duck.execute(f"CREATE {kind} {place} ({definition(new)})")
            duck.execute(f"INSERT INTO {place} SELECT {casts} FROM {table.stored}")
            duck.execute(f"DROP TABLE {table.stored}")
            quoted = '"' + table.name.replace('"', '""') + '"'
            duck.execute(f"ALTER TABLE {place} RENAME TO {quoted}")
        register(session, replace(table, columns=columns))
