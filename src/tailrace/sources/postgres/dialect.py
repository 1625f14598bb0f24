"""PostgreSQL's SQL (13 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tailrace.sources.base import Column, Kind
from tailrace.sources.dialect import WHITE_SPACE, Dialect, type_class

_KINDS = {
    "boolean": Kind.BOOL,
    "bool": Kind.BOOL,
    "smallint": Kind.INT,
    "integer": Kind.INT,
    "bigint": Kind.INT,
    "int2": Kind.INT,
    "int4": Kind.INT,
    "int8": Kind.INT,
    "oid": Kind.INT,
    "numeric": Kind.DECIMAL,
    "money": Kind.DECIMAL,
    "real": Kind.FLOAT,
    "double precision": Kind.FLOAT,
    "float4": Kind.FLOAT,
    "float8": Kind.FLOAT,
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "varchar": Kind.TEXT,
    "character": Kind.TEXT,
    "char": Kind.TEXT,
    '"char"': Kind.TEXT,
    "bpchar": Kind.TEXT,
    "name": Kind.TEXT,
    "citext": Kind.TEXT,
    "bytea": Kind.BYTES,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "time without time zone": Kind.TIME,
    "time with time zone": Kind.TIME,
    "timetz": Kind.TIME,
    "timestamp": Kind.TIMESTAMP,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMPTZ,
    "timestamptz": Kind.TIMESTAMPTZ,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "record": Kind.STRUCT,
}

_MADE = {"enum": Kind.TEXT, "composite": Kind.STRUCT}
"""Types that users make, as a session describes them: what they are, and their name."""

_STORED = {
    Kind.BOOL: "boolean",
    Kind.DECIMAL: "numeric",
    Kind.TEXT: "text",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "text",
    Kind.TIMESTAMP: "timestamp without time zone",
    Kind.TIMESTAMPTZ: "timestamp with time zone",
    Kind.UUID: "uuid",
    Kind.ARRAY: "jsonb",
    Kind.STRUCT: "jsonb",
    Kind.OTHER: "text",
}

_INTEGERS = {
    "smallint": "smallint",
    "int2": "smallint",
    "integer": "integer",
    "int4": "integer",
    "bigint": "bigint",
    "int8": "bigint",
    "oid": "bigint",
}
_NUMBERS = ["smallint", "integer", "bigint", "numeric", "real", "double precision"]
_TIMES = ["date", "timestamp without time zone", "timestamp with time zone"]

_NOT_JSONB = r"'\\u(0000|d[89a-f])|e[+]?[0-9]{5}'"
"""What `json` allows and `jsonb` refuses, or may: the escapes of NUL and of half a character, numbers out of range."""

_ESCAPE = r"'\u'"

_LAST_DATE = "DATE '5874897-12-31'"
_LAST_DAY = "DATE '294276-12-31'"
"""The last one that a timestamp reaches (https://www.postgresql.org/docs/current/datatype-datetime.html)."""
_ARROW_INFINITY = "'294247-01-10 04:00:54.775807+00'"
"""The greatest number of microseconds since 1970: Arrow's readers take it for infinity; what is infinite here
would become some finite time on the way."""

_PRECISION = re.compile(r"\(\s*[\d\s,]+\)")


def _bare(native: str) -> str:
    return " ".join(_PRECISION.sub("", native.lower()).split())


def _no_jsonb(text: str) -> str:
    """Whether `jsonb` may refuse what stands in a `json`: it holds escapes to the database's own encoding.

    https://www.postgresql.org/docs/current/datatype-json.html
    """
    foreign = f"strpos({text}, {_ESCAPE}) > 0 AND getdatabaseencoding() <> 'UTF8'"
    return f"({text} ~* {_NOT_JSONB} OR {foreign})"


class PostgresDialect(Dialect):
    """PostgreSQL: everything compares column by column, text under COLLATE "C"."""

    name = "postgres"
    columns_per_select = 1_664

    session_settings = (
        "SET TimeZone = 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET IntervalStyle = 'postgres'",
        "SET bytea_output = 'hex'",
        "SET extra_float_digits = 1",
        "SET xmlbinary = 'base64'",
        "SET xmloption = 'content'",
        "SET standard_conforming_strings = on",
        "SET lc_monetary = 'C'",
    )

    framed_numbers = True

    barrier = "OFFSET 0"

    plan_settings = (
        "SET LOCAL jit = off",
        "SELECT set_config('work_mem', greatest(CAST(setting AS bigint), 131072) || 'kB', true)"
        " FROM pg_settings WHERE name = 'work_mem'",
    )

    def table(self, schema: str, name: str) -> str:
        return f"{self.quote(schema)}.{self.quote(name)}"

    def type_of(self, word: str) -> str:
        return "timestamp with time zone" if word == "timestamptz" else word

    def kind_of(self, native: str) -> Kind:
        made, _, named = native.partition(" ")
        if named and made in _MADE:
            return _MADE[made]
        bare = _bare(native)
        return Kind.ARRAY if bare.endswith("]") else _KINDS.get(bare, Kind.OTHER)

    def storage(self, column: Column) -> Column:
        bare = _bare(column.native)
        if column.kind is Kind.INT:
            native = _INTEGERS.get(bare, "bigint")
        elif column.kind is Kind.FLOAT:
            native = "real" if bare in ("real", "float4") else "double precision"
        elif column.kind is Kind.JSON:
            native = "json" if bare == "json" else "jsonb"
        else:
            native = _STORED[column.kind]
        return Column(column.name, column.kind, native)

    def widen(self, stored: Column, wanted: Column) -> Column | None:
        if stored.native == wanted.native and stored.kind is wanted.kind:
            return stored
        if type_class(stored.kind) != type_class(wanted.kind):
            return None
        native = stored.native
        natives = {stored.native, wanted.native}
        if natives <= set(_NUMBERS):
            native = max(natives, key=_NUMBERS.index)
            if native == "real" and len(natives) > 1:
                native = "double precision"
        elif natives <= set(_TIMES):
            native = max(natives, key=_TIMES.index)
        elif "jsonb" in natives:
            native = "jsonb"
        kind = self.kind_of(native) if type_class(stored.kind) != "json" else wanted.kind
        return Column(wanted.name, kind if stored.kind is not Kind.OTHER else Kind.OTHER, native)

    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        if stored.native == wanted.native:
            return expr
        text = self.canonical_text(expr, stored)
        if wanted.native == "text":
            return text
        shapes = {
            "number": r"^[+-]?(\d{1,15})(\.\d{1,15})?$" if wanted.kind is not Kind.INT else r"^[+-]?\d{1,4}$",
            "bool": "^(true|false)$",
            "uuid": "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$",
        }
        if wanted.native == "integer":
            shapes["number"] = r"^[+-]?\d{1,9}$"
        elif wanted.native == "bigint":
            shapes["number"] = r"^[+-]?\d{1,18}$"
        shape = shapes.get(type_class(wanted.kind))
        if shape is None:
            return f"CAST(NULL AS {wanted.native})"
        return f"CASE WHEN {text} ~ {self.literal(shape)} THEN CAST({text} AS {wanted.native}) END"

    def store_expr(self, expr: str, column: Column) -> str:
        stored = self.storage(column)
        if stored.native == "jsonb" and column.kind is not Kind.JSON:
            return f"to_jsonb({expr})"
        return f"CAST({expr} AS {stored.native})"  # also where the types look equal: it may be a domain

    def read_expr(self, expr: str, column: Column) -> str:
        if column.kind in (Kind.DECIMAL, Kind.UUID, Kind.JSON, Kind.ARRAY, Kind.STRUCT):
            return f"CAST({expr} AS text)"
        if column.kind is Kind.DATE:
            return f"CASE WHEN NOT isfinite({expr}) THEN {_LAST_DATE} ELSE {expr} END"
        if column.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
            last = f"CAST({_ARROW_INFINITY} AS {self.storage(column).native})"
            return f"CASE WHEN {expr} = '-infinity' OR {expr} >= {last} THEN {last} ELSE {expr} END"
        return expr

    def differs(self, left: str, right: str, column: Column) -> str:
        stored = self.storage(column)
        if stored.native == "text":
            return f"{self.binary(left)} IS DISTINCT FROM {self.binary(right)}"
        if stored.native == "json":
            texts = [f'(CAST({value} AS text) COLLATE "C")' for value in (left, right)]
            no_jsonb = " OR ".join(map(_no_jsonb, texts))
            return (
                f"CASE WHEN {texts[0]} IS NOT DISTINCT FROM {texts[1]} THEN FALSE WHEN {no_jsonb} THEN TRUE"
                f" ELSE CAST({left} AS jsonb) IS DISTINCT FROM CAST({right} AS jsonb) END"
            )
        return f"{left} IS DISTINCT FROM {right}"

    def canonical_text(self, expr: str, column: Column) -> str:
        bare = _bare(column.native)
        match column.kind:
            case Kind.DECIMAL:
                return f"CAST(trim_scale(CAST({expr} AS numeric)) AS text)"
            case Kind.FLOAT:
                text = f"CAST(CAST({expr} AS double precision) AS text)"
                return (
                    f"CASE WHEN {text} IN ('NaN', 'Infinity', '-Infinity') THEN {text}"
                    f" ELSE CAST(trim_scale(CAST({text} AS numeric)) AS text) END"
                )
            case Kind.TIMESTAMP:
                return f"replace(CAST({expr} AS text), ' ', 'T')"
            case Kind.TIMESTAMPTZ:
                return f"replace(CAST({expr} AT TIME ZONE 'UTC' AS text), ' ', 'T') || 'Z'"
            case Kind.JSON if bare == "json":
                text = f"CAST({expr} AS text)"
                return f"CASE WHEN {_no_jsonb(text)} THEN {text} ELSE CAST(CAST({expr} AS jsonb) AS text) END"
            case Kind.JSON | Kind.ARRAY | Kind.STRUCT:
                return f"CAST(to_jsonb({expr}) AS text)"
            case Kind.TEXT if bare == "text":
                return expr
            case _:
                return f"CAST({expr} AS text)"

    def binary(self, expr: str) -> str:
        return f'({expr} COLLATE "C")'

    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        parts = [self.canonical_text(f"{alias}.{self.quote(column.name)}", column) for column in columns]
        if len(parts) == 1:
            return self.binary(parts[0])
        texts = " || ',' || ".join(f"CAST(to_json({part}) AS text)" for part in parts)
        return self.binary(f"('[' || {texts} || ']')")

    def strip(self, expr: str) -> str:
        return f"btrim({expr}, {self.literal(WHITE_SPACE)})"

    def value_bytes(self, expr: str, column: Column) -> str:
        native = self.storage(column).native
        if native in ("text", "bytea"):
            return f"octet_length({expr})"
        if native in ("json", "jsonb"):
            stored = f"pg_column_compression({expr}) IS NULL"
            return (
                f"CASE WHEN {stored} THEN pg_column_size({expr}) ELSE octet_length(CAST({expr} AS text)) END"
            )
        if native == "numeric":
            return f"pg_column_size({expr})"
        return f"CASE WHEN {expr} IS NOT NULL THEN 8 END"

    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        texts = [self._comparable(expr, column) for expr, column in values]
        parts = " || ".join(f"coalesce(length({text}) || ':' || {text}, '-')" for text in texts) or "''"
        return f"encode(sha256(convert_to({parts}, 'UTF8')), 'hex')"

    def _comparable(self, expr: str, column: Column) -> str:
        """As `canonical_text`, but one text for all times of one class; dates reach further than timestamps."""
        time = f"CAST(CAST({expr} AS timestamp) AS text)"
        if column.kind is Kind.DATE:
            return f"CASE WHEN {expr} > {_LAST_DAY} THEN CAST({expr} AS text) ELSE {time} END"
        if column.kind is Kind.TIMESTAMP:
            return time
        if column.kind is Kind.TIMESTAMPTZ:
            return f"CAST({expr} AT TIME ZONE 'UTC' AS text)"
        return self.canonical_text(expr, column)

    def bucket(self, key: str) -> str:
        return f"(hashtext({key}) & 255)"

    def now(self) -> str:
        return "clock_timestamp()"

    def plus_seconds(self, expr: str, seconds: float) -> str:
        return f"({expr} + make_interval(secs => {float(seconds)}))"

    def lock_wait(self, seconds: float) -> tuple[str, ...]:
        return (f"SET LOCAL lock_timeout = {round(seconds * 1000)}",)

    def create_schema(self, schema: str) -> str:
        return f"CREATE SCHEMA IF NOT EXISTS {self.quote(schema)}"

    def alter_type(self, table: str, name: str, native: str) -> str:
        column = self.quote(name)
        return f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {native} USING CAST({column} AS {native})"

    def settle_plan(self, table: str) -> tuple[str, ...]:
        return (
            f"CREATE INDEX ON {table} USING brin (seq) WITH (pages_per_range = 16)",
            "SET default_statistics_target = 10",  # a sample of 3,000 rows says enough of columns like these
            f"ANALYZE {table} (seq, bucket, operation, record_id)",
            "RESET default_statistics_target",
        )

    def list_schemas(self) -> str:
        return "SELECT nspname FROM pg_namespace ORDER BY nspname"

    def list_tables(self, schema: str) -> str:
        return (
            "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class AS c"
            f" JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = {self.literal(schema)}"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname"
        )

    def table_columns(self, schema: str, table: str) -> str:
        return (
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a"
            " JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            f" WHERE n.nspname = {self.literal(schema)} AND c.relname = {self.literal(table)}"
            " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
