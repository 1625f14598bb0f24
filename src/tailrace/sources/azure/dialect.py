"""The T-SQL of a dedicated SQL pool."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tailrace.sources.azure import text
from tailrace.sources.azure.models import split
from tailrace.sources.azure.syntax import AzureSyntax, bracketed, collated, distribution
from tailrace.sources.azure.types import (
    COLLATION,
    KEY,
    KEY_CHARACTERS,
    is_text,
    kind_of,
    stored_native,
    wider,
)
from tailrace.sources.base import Column, Kind
from tailrace.sources.dialect import MARK, WHITE_SPACE, Dialect, type_class

_PART_CHARACTERS = 64
"""What a part of a composite key takes at most beside text."""
_WORDS = {
    "text": "nvarchar(max)",
    "bigint": "bigint",
    "integer": "int",
    "boolean": "bit",
    "timestamptz": "datetimeoffset(6)",
}
_SIZE = """CASE
 WHEN t.name IN (N'nvarchar', N'nchar') AND c.max_length > 0 THEN CONCAT(t.name, N'(', c.max_length / 2, N')')
 WHEN t.name IN (N'varchar', N'char', N'varbinary', N'binary') AND c.max_length > 0
 THEN CONCAT(t.name, N'(', c.max_length, N')')
 WHEN t.name IN (N'nvarchar', N'varchar', N'varbinary') THEN CONCAT(t.name, N'(max)')
 WHEN t.name IN (N'decimal', N'numeric') THEN CONCAT(N'decimal(', c.precision, N',', c.scale, N')')
 WHEN t.name IN (N'datetime2', N'datetimeoffset', N'time') THEN CONCAT(t.name, N'(', c.scale, N')')
 ELSE t.name END"""


class AzureDialect(AzureSyntax, Dialect):
    """T-SQL; state tables are heaps, distributed by the record id, their text collated by code points.

    Our mark is a column named `tailrace:1`, always NULL: a dedicated SQL pool has no extended properties, and a
    column is made, renamed and dropped with its table, so a table can never lose it or get it by accident.
    """

    name = "azure"

    session_settings = ("SET RESULT_SET_CACHING OFF", "SET DATEFIRST 7")

    def quote(self, name: str) -> str:
        return bracketed(name)

    def table(self, schema: str, name: str) -> str:
        return f"{bracketed(schema)}.{bracketed(name)}"

    def literal(self, value: str | int | float | bool | datetime | None) -> str:
        if isinstance(value, bool):
            return f"CAST({int(value)} AS BIT)"
        if isinstance(value, datetime):
            moment = value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
            return f"CAST('{moment}' AS DATETIMEOFFSET(6))"
        if isinstance(value, float):
            return f"CAST({value!r} AS FLOAT)"
        return "N" + super().literal(value) if isinstance(value, str) else super().literal(value)

    def subquery(self, sql: str, alias: str) -> str:
        """Without what cannot stand there: `leading` gives the common table expressions."""
        return f"(\n{split(sql.rstrip().rstrip(';')).query}\n) AS {alias}"

    # -- types

    def type_of(self, word: str) -> str:
        return _WORDS[word]

    def kind_of(self, native: str) -> Kind:
        return kind_of(native)

    def storage(self, column: Column) -> Column:
        return Column(column.name, column.kind, stored_native(column))

    def widen(self, stored: Column, wanted: Column) -> Column | None:
        if stored.native == wanted.native and stored.kind is wanted.kind:
            return stored
        if type_class(stored.kind) != type_class(wanted.kind):
            return None
        native = wider(stored.native, wanted.native)
        kind = kind_of(native) if type_class(stored.kind) in ("number", "time") else wanted.kind
        return Column(wanted.name, kind, native)

    def cast(self, expr: str, native: str) -> str:
        cast = f"CAST({expr} AS {native})"
        return f"{cast} COLLATE {COLLATION}" if is_text(native) else cast

    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        if stored.native == wanted.native:
            return expr
        value = self.canonical_text(expr, stored)
        if is_text(wanted.native):
            return self.cast(value, wanted.native)
        if wanted.kind in (Kind.BYTES, Kind.TIME, Kind.OTHER):
            return self.cast("NULL", wanted.native)
        return f"TRY_CAST({value} AS {wanted.native})"

    # -- values

    def store_expr(self, expr: str, column: Column) -> str:
        native = stored_native(column)
        if column.kind is Kind.TIMESTAMPTZ:
            return f"SWITCHOFFSET(CAST({expr} AS {native}), '+00:00')"
        return self.cast(expr, native)

    def read_expr(self, expr: str, column: Column) -> str:
        if column.kind is Kind.DECIMAL:
            return f"CAST({expr} AS NVARCHAR(41))"
        if column.kind is Kind.UUID:
            return f"LOWER(CAST({expr} AS NVARCHAR(36)))"
        return expr

    def differs(self, left: str, right: str, column: Column) -> str:
        """Not by `=` alone: it ignores blanks at the end of a text, and zero bytes at the end of bytes."""
        if column.kind is Kind.BYTES or is_text(stored_native(column)):
            one, other = (
                (left, right) if column.kind is Kind.BYTES else (self.binary(left), self.binary(right))
            )
            same = f"{one} = {other} AND DATALENGTH({left}) = DATALENGTH({right})"
            null = f"{left} IS NULL AND {right} IS NULL"
            return f"CASE WHEN ({same}) OR ({null}) THEN 0 ELSE 1 END = 1"
        return self.distinct(left, right)

    def canonical_text(self, expr: str, column: Column) -> str:
        return text.canonical_text(expr, column)

    def binary(self, expr: str) -> str:
        """By code points; only trailing blanks make no difference (`exact`, `differs`)."""
        return f"{expr} COLLATE {COLLATION}"

    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        parts = [self.canonical_text(f"{alias}.{bracketed(column.name)}", column) for column in columns]
        whole = parts[0] if len(parts) == 1 else text.json_text([self.binary(part) for part in parts])
        return self.cast(whole, KEY)

    def too_long(self, parts: Sequence[tuple[str, Column]]) -> str | None:
        """A key must fit into the type that distributes the table."""
        size = " + ".join(f"DATALENGTH({text})" for text, column in parts if column.kind is Kind.TEXT)
        room = 2 * KEY_CHARACTERS
        if len(parts) > 1:  # escaping may double each, and the other parts need room
            room = KEY_CHARACTERS - _PART_CHARACTERS * len(parts)
        return f"{size} > {room}"

    def no_text(self, expr: str) -> str:
        return f"DATALENGTH({expr}) = 0"

    def strip(self, expr: str) -> str:
        return f"TRIM({self.literal(WHITE_SPACE)} FROM {expr})"

    def value_bytes(self, expr: str, column: Column) -> str:
        return f"DATALENGTH({expr})"

    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        return text.digest([text.comparable_text(expr, column) for expr, column in values])

    def bucket(self, key: str) -> str:
        return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', {key}), 1, 1) AS INT)"

    # -- time

    def now(self) -> str:
        return "CAST(SYSUTCDATETIME() AS DATETIMEOFFSET(6))"

    def plus_seconds(self, expr: str, seconds: float) -> str:
        whole = int(seconds)
        later = f"DATEADD(second, {whole}, {expr})"
        rest = round((seconds - whole) * 1000)
        return f"DATEADD(millisecond, {rest}, {later})" if rest else later

    # -- statements

    def create_schema(self, schema: str) -> str:
        create = f"CREATE SCHEMA {bracketed(schema)}".replace("'", "''")
        return f"IF SCHEMA_ID({self.literal(schema)}) IS NULL EXEC(N'{create}')"

    def create_table(self, table: str, columns: Sequence[tuple[str, str]]) -> str:
        body = ", ".join(
            f"{bracketed(name)} {collated(KEY if name == 'record_id' else native)} NULL"
            for name, native in columns
        )
        return f"CREATE TABLE {table} ({body}) {distribution([name for name, _ in columns])}"

    def create_table_as(self, table: str, select: str) -> str:
        return f"CREATE TABLE {table} {distribution([])} AS\n{select}"

    def drop_table(self, table: str) -> str:
        return f"IF OBJECT_ID({self.literal(table)}) IS NOT NULL DROP TABLE {table}"

    def rename_table(self, table: str, name: str) -> str:
        return f"RENAME OBJECT {table} TO {bracketed(name)}"

    def add_column(self, table: str, name: str, native: str) -> str:
        return f"ALTER TABLE {table} ADD {bracketed(name)} {collated(native)} NULL"

    def alter_type(self, table: str, name: str, native: str) -> str:
        return f"ALTER TABLE {table} ALTER COLUMN {bracketed(name)} {collated(native)} NULL"

    def settle_plan(self, table: str) -> tuple[str, ...]:
        """The optimizer of a pool makes statistics by itself, but not of a table that was just filled."""
        return (f"CREATE STATISTICS [tailrace_seq] ON {table} ([seq])",)

    def mark(self, table: str) -> str:
        has = f"COL_LENGTH({self.literal(table)}, {self.literal(MARK)})"
        return f"IF {has} IS NULL ALTER TABLE {table} ADD {bracketed(MARK)} BIT NULL"

    def create_marked(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        return (self.create_table(table, [*columns, (MARK, "bit")]),)

    def create_marked_as(self, table: str, select: str) -> tuple[str, ...]:
        found = split(select)
        led = f"WITH {found.expressions}\n" if found.expressions else ""
        marked = f"SELECT made.*, CAST(NULL AS BIT) AS {bracketed(MARK)}\nFROM (\n{found.query}\n) AS made"
        return (self.create_table_as(table, led + marked),)

    def list_schemas(self) -> str:
        return "SELECT name FROM sys.schemas ORDER BY name"

    def list_tables(self, schema: str) -> str:
        return (
            "SELECT o.name, c.name AS mark FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id"
            " LEFT JOIN sys.columns AS c ON c.object_id = o.object_id AND c.name LIKE N'tailrace:%'"
            f" WHERE s.name = {self.literal(schema)} AND o.type IN ('U', 'V') ORDER BY o.name"
        )

    def table_columns(self, schema: str, table: str) -> str:
        return (
            f"SELECT c.name, {_SIZE} AS native FROM sys.columns AS c"
            " JOIN sys.types AS t ON t.user_type_id = c.user_type_id JOIN sys.objects AS o ON o.object_id = c.object_id"
            f" JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE s.name = {self.literal(schema)}"
            f" AND o.name = {self.literal(table)} AND c.name NOT LIKE N'tailrace:%' ORDER BY c.column_id"
        )
