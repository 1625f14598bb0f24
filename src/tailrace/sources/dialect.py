"""What differs between warehouses in SQL: names, types, casts, collations, statements on managed tables.

A `Dialect` gives text and never talks to a warehouse. Values stand in managed tables in their *stored* form
(`storage`, `store_expr`), which depends on no type or extension of the user's, compares exactly (`differs`)
and is read back without loss (`read_expr`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from tailrace.errors import ModelError
from tailrace.sources.base import Column, Kind
from tailrace.sources.syntax import Syntax

MARK = "tailrace:1"
"""The comment on every table of ours. A table without it is never touched."""

BUCKETS = 256
BUCKET_SHIFT = 2**40
"""`seq` is bucket * BUCKET_SHIFT + the position within the bucket."""

WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space: a key of nothing else is blank (R6)."""

KEY_KINDS = frozenset(
    {
        Kind.INT,
        Kind.DECIMAL,
        Kind.TEXT,
        Kind.UUID,
        Kind.DATE,
        Kind.TIME,
        Kind.TIMESTAMP,
        Kind.TIMESTAMPTZ,
    }
)

_CLASSES = {
    Kind.INT: "number",
    Kind.DECIMAL: "number",
    Kind.FLOAT: "number",
    Kind.DATE: "time",
    Kind.TIMESTAMP: "time",
    Kind.TIMESTAMPTZ: "time",
    Kind.JSON: "json",
    Kind.ARRAY: "json",
    Kind.STRUCT: "json",
    Kind.TIME: "clock",
}


def type_class(kind: Kind) -> str:
    """The class within which a change of type changes no value (R15)."""
    return _CLASSES.get(kind, kind.value)


def check_key(columns: Sequence[Column]) -> None:
    """Refuse a unique identifier whose type has no canonical text (R6). Raises ModelError."""
    for column in columns:
        if column.kind not in KEY_KINDS:
            raise ModelError(
                f"The key column {column.name!r} is of type {column.native}, which cannot identify a record.",
                hint="Use a whole number, text, UUID, date or timestamp, or cast it to text in the model.",
                code="key_type",
            )


class Packing(Protocol):
    """Values in a form that takes less room while a statement remembers them."""

    def pack(self, values: Sequence[tuple[str, str]]) -> str:
        """The (name, expression) pairs as one value, which takes no room where it is NULL."""
        ...

    def unpack(self, packed: str, name: str) -> str:
        """One of the values, NULL where the pack is."""
        ...

    def hashed(self, key: str) -> str:
        """A number for a record id: the same for the same id, and rarely the same for two."""
        ...


class Dialect(Syntax, ABC):
    """The SQL of one warehouse; everything it gives is text, ready to run."""

    name: str

    # -- names and literals

    def quote(self, name: str) -> str:
        """An identifier, exactly as given."""
        return '"' + name.replace('"', '""') + '"'

    @abstractmethod
    def table(self, schema: str, name: str) -> str:
        """A managed table's full name, safe to use whatever the session's defaults are."""

    def literal(self, value: str | int | float | bool | datetime | None) -> str:
        """A constant. Text with a NUL character is refused, for no warehouse stores it."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, datetime):
            text = value.astimezone(UTC).isoformat(sep=" ")
            return f"CAST('{text}' AS {self.type_of('timestamptz')})"
        if isinstance(value, int | float):
            return str(value)
        if "\0" in value:
            raise ValueError("text with a NUL character")
        return "'" + value.replace("'", "''") + "'"

    def subquery(self, sql: str, alias: str) -> str:
        """The user's statement as something to select from; a comment or semicolon at its end is no harm.

        Where a subquery cannot be all that a statement can, `leading` gives what stands before the whole.
        """
        return f"(\n{sql.rstrip().rstrip(';').rstrip()}\n) AS {alias}"

    # -- types

    @abstractmethod
    def type_of(self, word: str) -> str:
        """The type for one of our own columns: text, bigint, integer, boolean or timestamptz."""

    def own_column(self, name: str, word: str) -> str:
        """The same for the column of this name, where a row's width matters."""
        return self.type_of(word)

    @abstractmethod
    def kind_of(self, native: str) -> Kind:
        """The logical kind of the warehouse's own type name; OTHER where it has none."""

    @abstractmethod
    def storage(self, column: Column) -> Column:
        """The column as it stands in managed tables: same name, the kind and type values are kept in."""

    @abstractmethod
    def widen(self, stored: Column, wanted: Column) -> Column | None:
        """The stored form that holds the values of both stored forms; None for another type class (R15)."""

    def cast(self, expr: str, native: str) -> str:
        return f"CAST({expr} AS {native})"

    @abstractmethod
    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        """A stored value in another stored form, NULL where it has none there."""

    # -- values

    @abstractmethod
    def store_expr(self, expr: str, column: Column) -> str:
        """A model's value in its stored form, exactly."""

    @abstractmethod
    def read_expr(self, expr: str, column: Column) -> str:
        """What to select so that Arrow carries a stored value exactly (decimals, JSON, UUID … as text)."""

    @abstractmethod
    def differs(self, left: str, right: str, column: Column) -> str:
        """The condition that two stored values of the same stored form are a change (R13, R15); never unknown."""

    @abstractmethod
    def canonical_text(self, expr: str, column: Column) -> str:
        """The canonical text of a value: the same for a wider type and under any session settings (R6)."""

    @abstractmethod
    def binary(self, expr: str) -> str:
        """Text that compares and sorts byte by byte, whatever collation it came with."""

    @abstractmethod
    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        """The record id of a model's row: canonical text, or a JSON array of it; NULL if any part is NULL."""

    def key_problem(self, columns: Sequence[Column], alias: str) -> str:
        """Why a row's key cannot be used: 'null', 'empty' or 'blank', or 'long' where the state's column of keys has
        no room for it; NULL where it can (R6)."""
        values = [f"{alias}.{self.quote(column.name)}" for column in columns]
        parts = [
            (self.canonical_text(value, column), column)
            for value, column in zip(values, columns, strict=True)
        ]
        texts = [text for text, column in parts if column.kind is Kind.TEXT]
        whens = [f"WHEN {' OR '.join(f'{value} IS NULL' for value in values)} THEN 'null'"]
        if texts:
            too_long = self.too_long(parts)
            whens += [f"WHEN {too_long} THEN 'long'"] if too_long else []
            empty = " OR ".join(self.no_text(text) for text in texts)
            blank = " OR ".join(self.no_text(self.strip(text)) for text in texts)
            whens += [f"WHEN {empty} THEN 'empty'", f"WHEN {blank} THEN 'blank'"]
        return f"CASE {' '.join(whens)} END"

    def too_long(self, parts: Sequence[tuple[str, Column]]) -> str | None:
        """The condition that a key with a text in it, given as canonical texts of its columns, is cut off in the state.

        None where the column of keys has room for every key.
        """
        return None

    def no_text(self, expr: str) -> str:
        """The condition that a text has no character, not even a blank."""
        return f"{self.exact(expr)} = {self.exact(self.literal(''))}"

    @abstractmethod
    def strip(self, expr: str) -> str:
        """Text without white space (all that Unicode knows) at its ends."""

    @abstractmethod
    def value_bytes(self, expr: str, column: Column) -> str:
        """About how many bytes a stored value takes, found cheaply; NULL for NULL."""

    @abstractmethod
    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        """SHA-256 (as text) of the values' canonical texts, length-prefixed, NULL unlike '' (R13)."""

    @abstractmethod
    def bucket(self, key: str) -> str:
        """A number from 0 to 255 that depends on the record id alone."""

    # -- time

    @abstractmethod
    def now(self) -> str:
        """The warehouse's clock, as it is now and not when the transaction began (where it can tell)."""

    @abstractmethod
    def plus_seconds(self, expr: str, seconds: float) -> str:
        """A timestamptz, later by some seconds."""

    # -- statements

    session_settings: tuple[str, ...] = ()
    """Run once in every session: they pin what the meaning of values must not depend on, and make room for a unit."""

    barrier: str = ""
    """Ends a subquery whose expressions must be computed once, not copied to where they are used."""

    packing: Packing | None = None
    """Set where a model's rows per key must be counted after the join, on rows that carry packed values: there
    the optimizer would read the model twice to count it (R5)."""

    plan_settings: tuple[str, ...] = ()
    """Run inside the transaction that creates a plan table (or without one), before it."""

    def lock_wait(self, seconds: float) -> tuple[str, ...]:
        """Run inside a transaction: its statements wait no longer than this for what others have locked."""
        return ()

    @abstractmethod
    def create_schema(self, schema: str) -> str: ...

    def create_table(self, table: str, columns: Sequence[tuple[str, str]]) -> str:
        """`columns` are (name, native type)."""
        body = ", ".join(f"{self.quote(name)} {native}" for name, native in columns)
        return f"CREATE TABLE {table} ({body})"

    def create_table_as(self, table: str, select: str) -> str:
        return f"CREATE TABLE {table} AS\n{select}"

    def drop_table(self, table: str) -> str:
        """No error where it does not exist."""
        return f"DROP TABLE IF EXISTS {table}"

    def rename_table(self, table: str, name: str) -> str:
        """`name` is the new unqualified name, in the same schema."""
        return f"ALTER TABLE {table} RENAME TO {self.quote(name)}"

    def add_column(self, table: str, name: str, native: str) -> str:
        return f"ALTER TABLE {table} ADD COLUMN {self.quote(name)} {native}"

    def add_columns(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Several columns, in as few statements as the warehouse can."""
        return tuple(self.add_column(table, name, native) for name, native in columns)

    def drop_column(self, table: str, name: str) -> str:
        return f"ALTER TABLE {table} DROP COLUMN {self.quote(name)}"

    def drop_columns(self, table: str, names: Sequence[str]) -> tuple[str, ...]:
        """Several columns, in as few statements as the warehouse can."""
        return tuple(self.drop_column(table, name) for name in names)

    @abstractmethod
    def alter_type(self, table: str, name: str, native: str) -> str:
        """Widen a column in place."""

    def alters(self, native: str, wider: str) -> bool:
        """Whether `alter_type` can do it; if not, the wider values get a column of their own beside the old one."""
        return True

    def create_plan(self, table: str, select: str) -> tuple[str, ...]:
        """Make a plan table of a plan's rows, with our mark, those of neighbouring positions side by side."""
        return self.create_marked_as(table, select)

    @abstractmethod
    def settle_plan(self, table: str) -> tuple[str, ...]:
        """Run after a plan table is filled, so that reading a span and joining it is cheap."""

    def mark(self, table: str) -> str:
        """Put our mark on a table."""
        return f"COMMENT ON TABLE {table} IS {self.literal(MARK)}"

    def create_marked(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Make an empty table with our mark; one statement where tables are not made in transactions."""
        return (self.create_table(table, columns), self.mark(table))

    def create_records(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Make the empty records table, with our mark: `record_id` is what it is looked up and joined by."""
        return self.create_marked(table, columns)

    def create_marked_as(self, table: str, select: str) -> tuple[str, ...]:
        """Make a table of a query's rows with our mark; one statement where tables are not made in transactions."""
        return (self.create_table_as(table, select), self.mark(table))

    def is_marked(self, comment: str | None) -> bool:
        """Whether a table's comment (from `list_tables`) is our mark."""
        return comment is not None and comment.split(":")[0] == MARK.split(":")[0]

    @abstractmethod
    def list_schemas(self) -> str:
        """A query for the schemas' names: rows of (name)."""

    @abstractmethod
    def list_tables(self, schema: str) -> str:
        """A query for a schema's tables: rows of (name, comment)."""

    @abstractmethod
    def table_columns(self, schema: str, table: str) -> str:
        """A query for a table's columns in order: rows of (name, native type)."""
