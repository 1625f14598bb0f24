"""DuckDB's SQL (2.0 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tailrace.sources.base import Column, Kind
from tailrace.sources.dialect import WHITE_SPACE, Dialect, type_class

_SIGNED = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 39}
_UNSIGNED = {"UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20, "UHUGEINT": 39}
_ABOVE_UNSIGNED = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "HUGEINT"}

_KINDS = {
    "BOOLEAN": Kind.BOOL,
    **dict.fromkeys([*_SIGNED, *_UNSIGNED, "BIGNUM", "VARINT"], Kind.INT),
    "FLOAT": Kind.FLOAT,
    "DOUBLE": Kind.FLOAT,
    "VARCHAR": Kind.TEXT,
    "ENUM": Kind.TEXT,
    "BLOB": Kind.BYTES,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIME_NS": Kind.TIME,
    "TIME WITH TIME ZONE": Kind.TIME,
    "TIMESTAMP": Kind.TIMESTAMP,
    "TIMESTAMP_S": Kind.TIMESTAMP,
    "TIMESTAMP_MS": Kind.TIMESTAMP,
    "TIMESTAMP_NS": Kind.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
    "UUID": Kind.UUID,
    "JSON": Kind.JSON,
    "VARIANT": Kind.JSON,
    "STRUCT": Kind.STRUCT,
    "MAP": Kind.STRUCT,
    "UNION": Kind.STRUCT,
    "DECIMAL": Kind.DECIMAL,
}

_STORED = {
    Kind.BOOL: "BOOLEAN",
    Kind.TEXT: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
    Kind.ARRAY: "JSON",
    Kind.STRUCT: "JSON",
    Kind.OTHER: "VARCHAR",
}
_TIMES = ["DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"]
_DECIMAL = re.compile(r"^DECIMAL\((\d+),\s*(\d+)\)$")

_JSON_TOKENS = r'"(?:\\.|[^"\\])*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|[^"0-9-]+|-'


class ListOfStruct:
    """A list of one struct; a struct alone would take its full width for NULL, too."""

    def pack(self, values: Sequence[tuple[str, str]]) -> str:
        return "[{" + ", ".join(f"'{name}': {value}" for name, value in values) + "}]"

    def unpack(self, packed: str, name: str) -> str:
        return f"{packed}[1].{name}"

    def hashed(self, key: str) -> str:
        return f"hash({key})"


class DuckDBDialect(Dialect):
    """DuckDB: managed tables live in the attached catalog `catalog`, apart from the user's file."""

    name = "duckdb"

    session_settings = (
        "SET TimeZone = 'UTC'",
        "SET default_collation = ''",
        "SET preserve_insertion_order = true",
    )

    framed_numbers = True

    packing = ListOfStruct()

    def __init__(self, catalog: str = "state") -> None:
        self.catalog = catalog

    def table(self, schema: str, name: str) -> str:
        return f"{self.quote(self.catalog)}.{self.quote(schema)}.{self.quote(name)}"

    def type_of(self, word: str) -> str:
        return {"text": "VARCHAR", "timestamptz": "TIMESTAMP WITH TIME ZONE"}.get(word, word.upper())

    def kind_of(self, native: str) -> Kind:
        upper = native.strip().upper()
        if upper.endswith("]"):
            return Kind.ARRAY
        return _KINDS.get(upper.split("(")[0].strip(), Kind.OTHER)

    def storage(self, column: Column) -> Column:
        upper = column.native.strip().upper()
        native = upper if column.kind in (Kind.INT, Kind.DECIMAL, Kind.FLOAT) else _STORED[column.kind]
        return Column(column.name, column.kind, native)

    def widen(self, stored: Column, wanted: Column) -> Column | None:
        if stored.native == wanted.native and stored.kind is wanted.kind:
            return stored
        if type_class(stored.kind) != type_class(wanted.kind):
            return None
        match type_class(stored.kind):
            case "number":
                native = _wider_number(stored.native, wanted.native)
                return Column(wanted.name, self.kind_of(native), native)
            case "time":
                native = max(stored.native, wanted.native, key=_TIMES.index)
                return Column(wanted.name, self.kind_of(native), native)
            case _:
                return Column(wanted.name, wanted.kind, stored.native)

    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        if stored.native == wanted.native:
            return expr
        text = self.canonical_text(expr, stored)
        return text if wanted.native == "VARCHAR" else f"TRY_CAST({text} AS {wanted.native})"

    def store_expr(self, expr: str, column: Column) -> str:
        native = column.native.strip().upper()
        stored = self.storage(column).native
        if stored == "VARCHAR":
            return self.binary(expr if native == "VARCHAR" else f"CAST({expr} AS VARCHAR)")
        if stored == "JSON" and native != "JSON":
            return f"to_json({expr})"
        return expr if native == stored else f"CAST({expr} AS {stored})"

    def read_expr(self, expr: str, column: Column) -> str:
        wide = column.kind is Kind.INT and column.native.upper() not in {
            *("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
            *("UTINYINT", "USMALLINT", "UINTEGER"),
        }
        if wide or column.kind in (Kind.DECIMAL, Kind.UUID, Kind.JSON, Kind.ARRAY, Kind.STRUCT):
            return f"CAST({expr} AS VARCHAR)"
        if column.kind is Kind.INT and column.native.upper() in (
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "TINYINT",
        ):
            return f"CAST({expr} AS BIGINT)"
        return expr

    def differs(self, left: str, right: str, column: Column) -> str:
        if self.storage(column).native == "JSON":
            texts = f"CAST({left} AS VARCHAR)", f"CAST({right} AS VARCHAR)"
            return (
                f"CASE WHEN {texts[0]} IS NOT DISTINCT FROM {texts[1]} THEN FALSE"
                f" ELSE {_canonical_json(left)} IS DISTINCT FROM {_canonical_json(right)} END"
            )
        return f"{left} IS DISTINCT FROM {right}"

    def canonical_text(self, expr: str, column: Column) -> str:
        native = column.native.strip().upper()
        text = f"CAST({expr} AS VARCHAR)"
        match column.kind:
            case Kind.TEXT if native == "VARCHAR":
                return expr
            case Kind.DECIMAL:
                scale = _DECIMAL.match(native)
                return text if scale and scale[2] == "0" else f"rtrim(rtrim({text}, '0'), '.')"
            case Kind.FLOAT:
                double = f"CAST({expr} AS DOUBLE)"
                return (
                    f"CASE WHEN isfinite({double}) AND {double} = trunc({double}) AND abs({double}) < 1e15"
                    f" THEN CAST(CAST({double} AS BIGINT) AS VARCHAR) ELSE CAST({double} AS VARCHAR) END"
                )
            case Kind.TIMESTAMP:
                return f"replace({text}, ' ', 'T')"
            case Kind.TIMESTAMPTZ:
                return f"replace({_utc_text(expr)}, ' ', 'T') || 'Z'"
            case Kind.JSON if native == "JSON":
                return _canonical_json(expr)
            case Kind.JSON | Kind.ARRAY | Kind.STRUCT:
                return _canonical_json(expr if native == "JSON" else f"to_json({expr})")
            case _:
                return text

    def binary(self, expr: str) -> str:
        return f'({expr} COLLATE "C")'

    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        parts = [self.canonical_text(f"{alias}.{self.quote(column.name)}", column) for column in columns]
        if len(parts) == 1:
            return self.binary(parts[0])
        texts = " || ',' || ".join(f"CAST(to_json({part}) AS VARCHAR)" for part in parts)
        return self.binary(f"('[' || {texts} || ']')")

    def strip(self, expr: str) -> str:
        return f"trim({expr}, {self.literal(WHITE_SPACE)})"

    def value_bytes(self, expr: str, column: Column) -> str:
        native = self.storage(column).native
        if native == "BLOB":
            return f"octet_length({expr})"
        return (
            f"strlen({expr})" if native in ("VARCHAR", "JSON") else f"CASE WHEN {expr} IS NOT NULL THEN 8 END"
        )

    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        texts = [self._comparable(expr, column) for expr, column in values]
        parts = " || ".join(f"coalesce(length({text}) || ':' || {text}, '-')" for text in texts) or "''"
        return f"sha256({parts})"

    def _comparable(self, expr: str, column: Column) -> str:
        """As `canonical_text`, but one text for all times of one class."""
        if column.kind in (Kind.DATE, Kind.TIMESTAMP):
            return f"CAST(CAST({expr} AS TIMESTAMP) AS VARCHAR)"
        return _utc_text(expr) if column.kind is Kind.TIMESTAMPTZ else self.canonical_text(expr, column)

    def bucket(self, key: str) -> str:
        return f"CAST(hash({key}) % 256 AS INTEGER)"

    def rows_of_key(self, key: str) -> str:
        """By a frame; without one, the optimizer reads the rows twice to count them."""
        return f"count(*) OVER (PARTITION BY {key} ORDER BY {key} RANGE BETWEEN CURRENT ROW AND CURRENT ROW)"

    def now(self) -> str:
        return "now()"

    def plus_seconds(self, expr: str, seconds: float) -> str:
        return f"({expr} + to_microseconds(CAST({round(seconds * 1_000_000)} AS BIGINT)))"

    def create_schema(self, schema: str) -> str:
        return f"CREATE SCHEMA IF NOT EXISTS {self.quote(self.catalog)}.{self.quote(schema)}"

    def alter_type(self, table: str, name: str, native: str) -> str:
        return f"ALTER TABLE {table} ALTER COLUMN {self.quote(name)} SET DATA TYPE {native}"

    def settle_plan(self, table: str) -> tuple[str, ...]:
        return ()

    def list_schemas(self) -> str:
        return (
            "SELECT schema_name FROM duckdb_schemas()"
            f" WHERE database_name = {self.literal(self.catalog)} ORDER BY schema_name"
        )

    def list_tables(self, schema: str) -> str:
        where = f"database_name = {self.literal(self.catalog)} AND schema_name = {self.literal(schema)}"
        return (
            f"SELECT table_name, comment FROM duckdb_tables() WHERE {where}"
            f" UNION ALL SELECT view_name, comment FROM duckdb_views() WHERE {where} ORDER BY 1"
        )

    def table_columns(self, schema: str, table: str) -> str:
        return (
            "SELECT column_name, data_type FROM duckdb_columns()"
            f" WHERE database_name = {self.literal(self.catalog)} AND schema_name = {self.literal(schema)}"
            f" AND table_name = {self.literal(table)} ORDER BY column_index"
        )


def _wider_number(left: str, right: str) -> str:
    """The number type that holds both; DOUBLE where no exact one does."""
    if left == right:
        return left
    both = {left, right}
    if both & {"FLOAT", "DOUBLE"}:
        return "DOUBLE"
    if "BIGNUM" in both:
        return "BIGNUM"
    if both <= set(_SIGNED):
        return max(both, key=_SIGNED.__getitem__)
    if both <= set(_UNSIGNED):
        return max(both, key=_UNSIGNED.__getitem__)
    if both <= {*_SIGNED, *_UNSIGNED}:
        unsigned = next(name for name in both if name in _UNSIGNED)
        signed = next(name for name in both if name in _SIGNED)
        above = _ABOVE_UNSIGNED.get(unsigned, "BIGNUM")
        return above if above == "BIGNUM" else max(signed, above, key=_SIGNED.__getitem__)
    whole, scale = (max(sizes) for sizes in zip(_digits(left), _digits(right), strict=True))
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else "DOUBLE"


def _digits(native: str) -> tuple[int, int]:
    """Digits before and after the point."""
    if match := _DECIMAL.match(native):
        precision, scale = int(match[1]), int(match[2])
        return precision - scale, scale
    return (_SIGNED | _UNSIGNED)[native], 0


def _utc_text(expr: str) -> str:
    """Independent of the session's time zone; infinities stay."""
    return (
        f"CASE WHEN isfinite({expr}) THEN CAST(make_timestamp(epoch_us({expr})) AS VARCHAR)"
        f" ELSE CAST({expr} AS VARCHAR) END"
    )


def _canonical_json(expr: str) -> str:
    """JSON text with sorted names, the last of repeated ones, and exact numbers without needless zeros.

    The text is cut into tokens; long numbers become text (a double rounds them); VARIANT sorts the names.
    """
    tokens = f"regexp_extract_all(CAST({expr} AS VARCHAR), '{_JSON_TOKENS}')"
    plain = r"regexp_full_match(t, '-?[0-9]+\.[0-9]+')"
    short = f"CASE WHEN {plain} THEN rtrim(rtrim(t, '0'), '.') ELSE t END"
    number = f"CASE WHEN length({short}) > 15 THEN '\"#' || {short} || '\"' ELSE {short} END"
    token = f"CASE WHEN regexp_matches(t, '^-?[0-9]') THEN {number} ELSE t END"
    parts = f"list_transform({tokens}, lambda t: {token})"
    sorted_json = f"CAST(to_json(CAST(CAST(array_to_string({parts}, '') AS JSON) AS VARIANT)) AS VARCHAR)"
    return f"CASE WHEN {expr} IS NOT NULL THEN coalesce({sorted_json}, 'null') END"
