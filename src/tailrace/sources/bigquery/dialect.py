"""BigQuery's SQL (GoogleSQL)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tailrace.sources.base import Column, Kind
from tailrace.sources.bigquery.catalogue import columns_question, datasets_question, tables_question
from tailrace.sources.dialect import MARK, WHITE_SPACE, Dialect, type_class

_KINDS = {
    **dict.fromkeys(["BOOL", "BOOLEAN"], Kind.BOOL),
    **dict.fromkeys(["INT64", "INTEGER", "INT", "SMALLINT", "BIGINT", "TINYINT", "BYTEINT"], Kind.INT),
    **dict.fromkeys(["NUMERIC", "DECIMAL", "BIGNUMERIC", "BIGDECIMAL"], Kind.DECIMAL),
    **dict.fromkeys(["FLOAT64", "FLOAT"], Kind.FLOAT),
    "STRING": Kind.TEXT,
    "BYTES": Kind.BYTES,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "DATETIME": Kind.TIMESTAMP,
    "TIMESTAMP": Kind.TIMESTAMPTZ,
    "JSON": Kind.JSON,
    "ARRAY": Kind.ARRAY,
    **dict.fromkeys(["STRUCT", "RECORD"], Kind.STRUCT),
}
_STORED = {
    Kind.BOOL: "BOOL",
    Kind.INT: "INT64",
    Kind.FLOAT: "FLOAT64",
    Kind.BYTES: "BYTES",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "DATETIME",
    Kind.TIMESTAMPTZ: "TIMESTAMP",
}
"""All other kinds are kept as their text: JSON too, for its text is exact where its own type is not."""
_TYPES = {
    "text": "STRING",
    "bigint": "INT64",
    "integer": "INT64",
    "boolean": "BOOL",
    "timestamptz": "TIMESTAMP",
}
_NUMBERS = ["INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64"]
_TIMES = ["DATE", "DATETIME", "TIMESTAMP"]
_ASSIGNABLE = {
    "INT64": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT64"),
    "BIGNUMERIC": ("FLOAT64",),
    "DATE": ("DATETIME",),
}
"""A column takes a type that its own is coerced to, as the column "Coerce to" has it in
https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules."""
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"}

COLLATED = " COLLATE "
"""Stands in a column's type where its texts do not compare byte by byte."""

PLAN_DAYS = 14
"""A plan table whose making was broken off, and that nobody dropped, is gone after so many days."""
LASTING_DAYS = 3650
"""When state would be gone if the process died between making its table and taking the expiry away."""


def bare(native: str) -> str:
    """A type's name without its parameters."""
    return re.split(r"[<( ]", native.strip(), maxsplit=1)[0].upper()


class BigQueryDialect(Dialect):
    """BigQuery: state is insert-only, compared by checksum; a table is its project, dataset and name."""

    name = "bigquery"

    materialized = None
    ddl_in_transactions = False
    insert_only = True
    compares_digests = True
    reuses_names = False

    def __init__(self, project: str, location: str) -> None:
        self.project = project
        self.location = location

    # -- names and literals

    def quote(self, name: str) -> str:
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def table(self, schema: str, name: str) -> str:
        return f"{self.quote(self.project)}.{self.quote(schema)}.{self.quote(name)}"

    def literal(self, value: str | int | float | bool | datetime | None) -> str:
        if not isinstance(value, str):
            return super().literal(value)
        if "\0" in value:
            raise ValueError("text with a NUL character")
        return "'" + "".join(_ESCAPES.get(each, each) for each in value) + "'"

    # -- types

    def type_of(self, word: str) -> str:
        return _TYPES[word]

    def kind_of(self, native: str) -> Kind:
        return _KINDS.get(bare(native), Kind.OTHER)

    def storage(self, column: Column) -> Column:
        if column.kind is Kind.DECIMAL:
            native = "BIGNUMERIC" if bare(column.native).startswith("BIG") else "NUMERIC"
        else:
            native = _STORED.get(column.kind, "STRING")
        return Column(column.name, column.kind, native)

    def widen(self, stored: Column, wanted: Column) -> Column | None:
        if stored.native == wanted.native and stored.kind is wanted.kind:
            return stored
        if type_class(stored.kind) != type_class(wanted.kind):
            return None
        for order in (_NUMBERS, _TIMES):
            if stored.native in order:
                native = max(stored.native, wanted.native, key=order.index)
                return Column(wanted.name, self.kind_of(native), native)
        return Column(wanted.name, wanted.kind, stored.native)

    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        if stored.native == wanted.native:
            return expr
        text = self.canonical_text(expr, stored)
        if wanted.native == "STRING":
            return text
        if "BYTES" in (stored.native, wanted.native):
            return self.cast("NULL", wanted.native)
        return f"SAFE_CAST({text} AS {wanted.native})"

    # -- values

    def store_expr(self, expr: str, column: Column) -> str:
        stored, native = self.storage(column).native, bare(column.native)
        if native == stored:
            return f"COLLATE({expr}, '')" if COLLATED in column.native else expr
        if stored != "STRING":
            return self.cast(expr, stored)
        return self._text(expr, column)

    def _text(self, expr: str, column: Column) -> str:
        """The text of a value that has no other stored form; NULL for NULL, which TO_JSON_STRING writes out."""
        if column.kind in (Kind.JSON, Kind.ARRAY, Kind.STRUCT):
            return f"CASE WHEN {expr} IS NOT NULL THEN TO_JSON_STRING({expr}) END"
        if column.kind is Kind.TIME:
            return _trimmed(f"FORMAT_TIME('%H:%M:%E6S', {expr})")
        return f"ST_ASTEXT({expr})" if bare(column.native) == "GEOGRAPHY" else self.cast(expr, "STRING")

    def read_expr(self, expr: str, column: Column) -> str:
        return self.cast(expr, "STRING") if column.kind is Kind.DECIMAL else expr

    def differs(self, left: str, right: str, column: Column) -> str:
        if column.kind is Kind.FLOAT:
            left, right = (self.canonical_text(value, column) for value in (left, right))
        return self.distinct(left, right)

    def canonical_text(self, expr: str, column: Column) -> str:
        text = self.cast(expr, "STRING")
        match column.kind:
            case Kind.DECIMAL:
                return (
                    f"CASE WHEN STRPOS({text}, '.') > 0 THEN RTRIM(RTRIM({text}, '0'), '.') ELSE {text} END"
                )
            case Kind.FLOAT:
                return _float_text(expr, text)
            case Kind.TIMESTAMP:
                return _trimmed(f"FORMAT_DATETIME('%Y-%m-%dT%H:%M:%E6S', {expr})")
            case Kind.TIMESTAMPTZ:
                text = _trimmed(f"FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6S', {expr}, 'UTC')")
                return f"CONCAT({text}, 'Z')"
            case _ if bare(column.native) == "STRING":
                return f"COLLATE({expr}, '')" if COLLATED in column.native else expr
            case Kind.BYTES:
                return f"TO_HEX({expr})"
            case _:
                return self._text(expr, column)

    def binary(self, expr: str) -> str:
        return expr  # stored texts have no collation

    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        parts = [self.canonical_text(f"{alias}.{self.quote(column.name)}", column) for column in columns]
        if len(parts) == 1:
            return parts[0]
        missing = " OR ".join(f"{alias}.{self.quote(column.name)} IS NULL" for column in columns)
        texts = ", ',', ".join(f"TO_JSON_STRING({part})" for part in parts)
        return f"CASE WHEN {missing} THEN NULL ELSE CONCAT('[', {texts}, ']') END"

    def strip(self, expr: str) -> str:
        return f"TRIM({expr}, {self.literal(WHITE_SPACE)})"

    def value_bytes(self, expr: str, column: Column) -> str:
        if self.storage(column).native in ("STRING", "BYTES"):
            return f"BYTE_LENGTH({expr})"
        return f"CASE WHEN {expr} IS NOT NULL THEN 8 END"

    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        texts = [self._comparable(expr, column) for expr, column in values]
        parts = [f"COALESCE(CONCAT(CAST(CHAR_LENGTH({text}) AS STRING), ':', {text}), '-')" for text in texts]
        return f"TO_BASE64(SHA256(CONCAT({', '.join(parts) or repr('')})))"

    def _comparable(self, expr: str, column: Column) -> str:
        """As `canonical_text`, but one text for all times of one class, to the microsecond."""
        if type_class(column.kind) != "time":
            return self.canonical_text(expr, column)
        moment = expr if column.kind is Kind.TIMESTAMPTZ else f"TIMESTAMP({expr}, 'UTC')"
        return f"CAST(UNIX_MICROS({moment}) AS STRING)"

    def bucket(self, key: str) -> str:
        return f"(FARM_FINGERPRINT({key}) & 255)"

    # -- time

    def now(self) -> str:
        return "CURRENT_TIMESTAMP()"

    def plus_seconds(self, expr: str, seconds: float) -> str:
        return f"TIMESTAMP_ADD({expr}, INTERVAL {round(seconds * 1_000_000)} MICROSECOND)"

    # -- clauses

    def constants(self, alias: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        selects = (
            "SELECT " + ", ".join(f"{value} AS {name}" for value, name in zip(row, names, strict=True))
            for row in rows
        )
        return f"({' UNION ALL '.join(selects)}) AS {alias}"

    def update_rows(self, table: str, alias: str, assignments: Mapping[str, str]) -> str:
        return f"{super().update_rows(table, alias, assignments)} WHERE TRUE"

    # -- statements

    def create_schema(self, schema: str) -> str:
        name = f"{self.quote(self.project)}.{self.quote(schema)}"
        return f"CREATE SCHEMA IF NOT EXISTS {name} OPTIONS (location = {self.literal(self.location)})"

    def add_columns(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """In one statement: a table may change five times in ten seconds (https://cloud.google.com/bigquery/quotas)."""
        return _altered(table, [f"ADD COLUMN {self.quote(name)} {native}" for name, native in columns])

    def drop_columns(self, table: str, names: Sequence[str]) -> tuple[str, ...]:
        return _altered(table, [f"DROP COLUMN {self.quote(name)}" for name in names])

    def alter_type(self, table: str, name: str, native: str) -> str:
        return f"ALTER TABLE {table} ALTER COLUMN {self.quote(name)} SET DATA TYPE {native}"

    def alters(self, native: str, wider: str) -> bool:
        return wider in _ASSIGNABLE.get(native, ())

    def create_marked(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        return (f"{self.create_table(table, columns)} {self._lasting}", self._for_ever(table))

    def create_records(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        made = f"{self.create_table(table, columns)} CLUSTER BY record_id {self._lasting}"
        return (made, self._for_ever(table))

    def create_marked_as(self, table: str, select: str) -> tuple[str, ...]:
        return (f"CREATE TABLE {table} {self._lasting} AS\n{select}", self._for_ever(table))

    def create_plan(self, table: str, select: str) -> tuple[str, ...]:
        return (f"CREATE TABLE {table} CLUSTER BY bucket, seq {self.expiring(PLAN_DAYS)} AS\n{select}",)

    def expiring(self, days: int) -> str:
        """Options of a table of ours that goes away by itself."""
        return (
            "OPTIONS (expiration_timestamp ="
            f" TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL {days} DAY), {self._label})"
        )

    @property
    def _lasting(self) -> str:
        """Options of a table of ours that stays: it has an expiry, lest it gets that of the dataset until it has none."""
        return self.expiring(LASTING_DAYS)

    @property
    def _label(self) -> str:
        name, _, version = MARK.partition(":")
        return f"labels = [({self.literal(name)}, {self.literal(version)})]"

    def settle_plan(self, table: str) -> tuple[str, ...]:
        """A whole plan stays: what was acknowledged of it is committed from it, however late the next run comes."""
        return (self._for_ever(table),)

    def _for_ever(self, table: str) -> str:
        """Takes a table's expiry away: also what it has from its dataset's default, which may not end our state."""
        return f"ALTER TABLE {table} SET OPTIONS (expiration_timestamp = NULL)"

    def mark(self, table: str) -> str:
        return f"ALTER TABLE {table} SET OPTIONS ({self._label})"

    def list_schemas(self) -> str:
        return datasets_question()

    def list_tables(self, schema: str) -> str:
        return tables_question(schema)

    def table_columns(self, schema: str, table: str) -> str:
        return columns_question(schema, table)

    # -- stages: temporary tables of the session

    def stage(self, name: str) -> str:
        return self.quote(name)

    def fill_stage(self, name: str, columns: Sequence[tuple[str, str]], query: str) -> tuple[str, ...]:
        return (f"CREATE OR REPLACE TEMP TABLE {self.stage(name)} AS\n{query}",)

    def drop_stage(self, name: str) -> tuple[str, ...]:
        return (f"DROP TABLE IF EXISTS {self.stage(name)}",)


def _altered(table: str, changes: Sequence[str]) -> tuple[str, ...]:
    return (f"ALTER TABLE {table} {', '.join(changes)}",) if changes else ()


def _trimmed(text: str) -> str:
    """A time's text with six digits of a second, without the needless ones."""
    return f"RTRIM(RTRIM({text}, '0'), '.')"


def _float_text(expr: str, text: str) -> str:
    """Whole numbers as such; else the shortest text, where it is exact, or all 17 digits (docs call it approximate)."""
    return (
        f"CASE WHEN IS_NAN({expr}) THEN 'NaN' WHEN IS_INF({expr})"
        f" THEN CASE WHEN {expr} > 0 THEN 'Infinity' ELSE '-Infinity' END"
        f" WHEN {expr} = TRUNC({expr}) AND ABS({expr}) < 1e15 THEN CAST(SAFE_CAST({expr} AS INT64) AS STRING)"
        f" WHEN SAFE_CAST({text} AS FLOAT64) = {expr} THEN {text} ELSE FORMAT('%.17g', {expr}) END"
    )
