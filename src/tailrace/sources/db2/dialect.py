"""Db2's SQL (11.1 and later, on Linux, UNIX and Windows, and on IBM Cloud).

Text compares by hash: Db2 pads with blanks before it compares, and a database may have a collation that takes `a`
for `A` (R6, R13). Times of ours are in UTC, for Db2 has no type with a time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tailrace.sources.base import Column, Kind
from tailrace.sources.db2.models import split
from tailrace.sources.db2.names import FOLDED, swapped
from tailrace.sources.db2.statements import shaped, together, unless
from tailrace.sources.db2.types import DIGITS, LONGEST, bare, kind_of, sizes
from tailrace.sources.db2.values import canonical_text, store
from tailrace.sources.dialect import WHITE_SPACE, Dialect, type_class

TEXT = 4_000
"""Bytes in a text column of ours: a record id, a message of a thousand characters."""

SHORT = 255
"""Bytes in a text column of ours that holds a name, a digest or a word."""

_OF_WORDS = frozenset(
    {
        *(
            "source_id",
            "model_id",
            "project",
            "mapping",
            "state_id",
            "sync_id",
            "plan_table",
            "owner",
            "status",
        ),
        *("phase", "kind", "outcome", "operation", "baseline", "fingerprint", "checksum", "record_level_id"),
    }
)
_DOCUMENTS = frozenset({"spec", "columns"})
_DOCUMENT = "CLOB(2M)"
_DIGESTS = 128
"""How many digests are put together at once: 64 characters each, which Db2 may take for 128, must fit into a text."""

_PIECE = 8_000
"""How many characters of a long text one constant takes: never more than the 32,672 bytes that one may have."""

_FLOAT_DIGITS = 42
"""Characters of the longest DECFLOAT (https://www.ibm.com/docs/en/db2/11.5?topic=functions-varchar)."""

_WORDS = {
    "text": f"VARCHAR({TEXT})",
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMP",
}
_MISSING = ("42704", "42S02")
_HEX = "'0123456789ABCDEF'"
_AT_ONCE = "WITH UR"
"""For queries of the catalog, which would wait for every table that another sync is making or dropping: there are no
currently committed semantics for the catalog (https://www.ibm.com/docs/en/db2/11.1?topic=issues-currently-committed-semantics)."""


LOCK_TIMEOUT = "SET CURRENT LOCK TIMEOUT"
"""Is not undone with a transaction (https://www.ibm.com/docs/en/db2/11.5?topic=statements-set-current-lock-timeout)."""


class Db2Dialect(Dialect):
    """Db2, in one of two forms: with full joins and window functions, or without, as an older engine needs it.

    `joins_fully` says which; it is asked for when the first plan is made.
    """

    name = "db2"
    materialized = ""
    alters_in_transactions = False
    """A table whose columns were changed is reorganized, which ends a unit of work."""
    columns_per_select = 1_012
    document_characters = 32_000
    rows_per_transaction = 10_000
    """Db2 holds all of a transaction in its log, of which a database has 100 MB if nobody says otherwise."""

    def __init__(self, joins_fully: Callable[[], bool] = lambda: True) -> None:
        self._ask = joins_fully
        self._full: bool | None = None

    @property
    def joins_fully(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether FULL JOIN and window functions exist."""
        if self._full is None:
            self._full = self._ask()
        return self._full

    # -- names and literals

    def quote(self, name: str) -> str:
        return '"' + swapped(name).replace('"', '""') + '"'

    def table(self, schema: str, name: str) -> str:
        return f"{self.schema(schema)}.{self.quote(name)}"

    def schema(self, name: str) -> str:
        """A schema's name, which is always as Db2 has it."""
        return '"' + name.replace('"', '""') + '"'

    def literal(self, value: str | int | float | bool | datetime | None) -> str:
        if isinstance(value, datetime):
            return f"TIMESTAMP('{value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}')"
        if isinstance(value, str) and len(value) > _PIECE:
            pieces = [self.literal(value[at : at + _PIECE]) for at in range(0, len(value), _PIECE)]
            return " || ".join([self.cast(pieces[0], _DOCUMENT), *pieces[1:]])
        return super().literal(value)

    def subquery(self, sql: str, alias: str) -> str:
        """Without what cannot stand there: `leading` gives the common table expressions."""
        return f"(\n{split(sql).query}\n) AS {alias}"

    def leading(self, sql: str) -> str:
        expressions = split(sql).expressions
        return f"WITH {expressions}\n" if expressions else ""

    # -- types

    def type_of(self, word: str) -> str:
        return _WORDS[word]

    def own_column(self, name: str, word: str) -> str:
        if word != "text":
            return self.type_of(word)
        return _DOCUMENT if name in _DOCUMENTS else f"VARCHAR({SHORT if name in _OF_WORDS else TEXT})"

    def kind_of(self, native: str) -> Kind:
        return kind_of(native)

    def storage(self, column: Column) -> Column:
        name, (length, scale) = bare(column.native), sizes(column.native)
        match column.kind:
            case Kind.BOOL:
                native = "BOOLEAN"
            case Kind.INT:
                native = "BIGINT"
            case Kind.DECIMAL if kind_of(column.native) is Kind.INT:  # in the place of a wider number
                native = "BIGINT"
            case Kind.DECIMAL:
                native = name if name == "DECFLOAT" else f"DECIMAL({length},{scale})"
            case Kind.FLOAT:
                native = "DOUBLE"
            case Kind.BYTES:
                native = f"VARCHAR({_stored_length(name, length)}) FOR BIT DATA"
            case Kind.DATE:
                native = "DATE"
            case Kind.TIME:
                native = "VARCHAR(8)"
            case Kind.TIMESTAMP:
                native = column.native.upper()
            case _:
                native = f"VARCHAR({_stored_length(name, length)})"
        return Column(column.name, column.kind, native)

    def widen(self, stored: Column, wanted: Column) -> Column | None:
        if stored.native == wanted.native and stored.kind is wanted.kind:
            return stored
        if type_class(stored.kind) != type_class(wanted.kind):
            return None
        kind = stored.kind if stored.kind is wanted.kind else None
        match type_class(wanted.kind):
            case "number":
                native = _wider_number(stored.native, wanted.native)
            case "time":
                native = _wider_time(stored.native, wanted.native)
            case _:
                kind = wanted.kind
                native = max(stored.native, wanted.native, key=sizes)
        return Column(wanted.name, kind or kind_of(native), native)

    def try_cast(self, expr: str, stored: Column, wanted: Column) -> str:
        if stored.native == wanted.native:
            return expr
        text = self.canonical_text(expr, stored)
        if kind_of(wanted.native) is Kind.TEXT:
            return f"CASE WHEN LENGTH({text}) <= {sizes(wanted.native)[0]} THEN CAST({text} AS {wanted.native}) END"
        shapes = {
            "number": r"^-?[0-9]{1,15}$" if wanted.kind is Kind.INT else r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$",
            "bool": "^(true|false)$",
        }
        shape = shapes.get(type_class(wanted.kind))
        if shape is None or type_class(stored.kind) == "bytes":
            return self.cast("NULL", wanted.native)
        return (
            f"CASE WHEN REGEXP_LIKE({text}, {self.literal(shape)}) THEN CAST({text} AS {wanted.native}) END"
        )

    # -- conditions and values

    def truth(self, condition: str) -> str:
        return f"CASE WHEN {condition} THEN TRUE ELSE FALSE END"

    def holds(self, value: str) -> str:
        return f"{value} = TRUE"

    def distinct(self, left: str, right: str) -> str:
        return _distinct(f"{left} = {right}", left, right)

    def exact(self, key: str) -> str:
        return f"HASH({key}, 2)"

    def same_key(self, left: str, right: str) -> str:
        """Equal, and not only but for blanks at their ends; what is joined by an expression alone is joined slowly."""
        return f"({left} = {right} AND {self.exact(left)} = {self.exact(right)})"

    def store_expr(self, expr: str, column: Column) -> str:
        return store(expr, column, self.storage(column).native)

    def read_expr(self, expr: str, column: Column) -> str:
        """A DECFLOAT as text: the driver would make a double of it."""
        return self.cast(expr, f"VARCHAR({_FLOAT_DIGITS})") if bare(column.native) == "DECFLOAT" else expr

    def differs(self, left: str, right: str, column: Column) -> str:
        native = self.storage(column).native
        if kind_of(native) in (Kind.TEXT, Kind.BYTES):
            return _distinct(f"HASH({left}, 2) = HASH({right}, 2)", left, right)
        return self.distinct(left, right)

    def canonical_text(self, expr: str, column: Column) -> str:
        return canonical_text(expr, column)

    def binary(self, expr: str) -> str:
        return expr

    def key_text(self, columns: Sequence[Column], alias: str) -> str:
        parts = [self.canonical_text(f"{alias}.{self.quote(column.name)}", column) for column in columns]
        text = parts[0] if len(parts) == 1 else " || ',' || ".join(map(_json_text, parts))
        return self.cast(text if len(parts) == 1 else f"('[' || {text} || ']')", self.type_of("text"))

    def too_long(self, parts: Sequence[tuple[str, Column]]) -> str | None:
        """Db2 cuts off, with no more than a warning, what a cast has no room for.

        https://www.ibm.com/docs/en/db2/11.5?topic=elements-cast-specifications
        """
        texts = [text if len(parts) == 1 else f"({_json_text(text)})" for text, _ in parts]
        size = " + ".join(f"LENGTH({text})" for text in texts)
        room = TEXT if len(parts) == 1 else TEXT - len(parts) - 1
        return f"{size} > {room}"

    def no_text(self, expr: str) -> str:
        return f"LENGTH({expr}) = 0"

    def strip(self, expr: str) -> str:
        space = self.literal(WHITE_SPACE)
        return f"RTRIM(LTRIM({expr}, {space}), {space})"

    def value_bytes(self, expr: str, column: Column) -> str:
        if kind_of(self.storage(column).native) in (Kind.TEXT, Kind.BYTES):
            return self.cast(f"LENGTH({expr})", "BIGINT")
        return f"CASE WHEN {expr} IS NOT NULL THEN 8 END"

    def checksum(self, values: Sequence[tuple[str, Column]]) -> str:
        """The digest of the values' digests: their texts together could be longer than any text of Db2's."""
        digests = [f"COALESCE(HEX(HASH({self._comparable(e, column)}, 2)), '-')" for e, column in values]
        while len(digests) > _DIGESTS:
            groups = (digests[at : at + _DIGESTS] for at in range(0, len(digests), _DIGESTS))
            digests = [f"HEX(HASH({self._joined(group)}, 2))" for group in groups]
        return f"LOWER(HEX(HASH({self._joined(digests)}, 2)))"

    def _joined(self, digests: Sequence[str]) -> str:
        """Digests as one text: what is put together to more than 4,000 bytes need not be the VARCHAR that HASH wants.

        https://www.ibm.com/docs/en/db2/11.5?topic=elements-expressions
        """
        return self.cast(" || ".join(digests) or "'-'", f"VARCHAR({64 * _DIGESTS})")

    def _comparable(self, expr: str, column: Column) -> str:
        """As `canonical_text`, but one text for all times of one class, and bytes as they are: HEX takes 16,336."""
        if column.kind is Kind.BYTES:
            return expr
        if column.kind is Kind.DATE:
            return self.canonical_text(f"CAST({expr} AS TIMESTAMP)", Column("", Kind.TIMESTAMP, "TIMESTAMP"))
        return self.canonical_text(expr, column)

    def bucket(self, key: str) -> str:
        digest = f"HEX(HASH({key}, 2))"
        high, low = (f"(LOCATE(SUBSTR({digest}, {place}, 1), {_HEX}) - 1)" for place in (1, 2))
        return f"({high} * 16 + {low})"

    # -- text

    def document(self, column: str, start: int) -> str:
        """No more is asked for than there is: SUBSTR fills up with blanks."""
        length = self.least(str(self.document_characters), f"LENGTH({column}) - {start - 1}")
        return self.cast(f"SUBSTR({column}, {start}, {length})", f"VARCHAR({LONGEST})")

    def first_characters(self, text: str, count: int) -> str:
        return f"SUBSTRING({text}, 1, {count}, CODEUNITS32)"

    def least(self, left: str, right: str) -> str:
        return f"CASE WHEN {left} <= {right} THEN {left} ELSE {right} END"

    # -- time

    def now(self) -> str:
        return "(CURRENT TIMESTAMP - CURRENT TIMEZONE)"

    def plus_seconds(self, expr: str, seconds: float) -> str:
        return f"({expr} {'-' if seconds < 0 else '+'} {abs(round(seconds * 1_000_000))} MICROSECONDS)"

    # -- selecting

    def select_one(self, expressions: str) -> str:
        return f"SELECT {expressions} FROM SYSIBM.SYSDUMMY1"

    def limited(self, query: str, count: int) -> str:
        return f"{query} FETCH FIRST {max(1, int(count))} ROWS ONLY"

    def nulls_last(self, expression: str) -> str:
        return f"CASE WHEN {expression} IS NULL THEN 1 ELSE 0 END, {expression}"

    def constants(self, alias: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        return f"(VALUES {values}) AS {alias}({', '.join(names)})"

    def numbered(self, query: str, order: Sequence[str], name: str) -> str:
        """Without an order of its own only where the engine has no such windows: Db2 promises none of a subquery's.

        Were it not kept there, the numbers would still differ, and the same plan would have another ID (ADR 0024).
        """
        if self.joins_fully:
            return super().numbered(query, order, name)
        ordered = f"{query}\nORDER BY {', '.join(order)}"
        return f"SELECT rows_of.*, ROW_NUMBER() OVER () AS {name} FROM (\n{ordered}\n) AS rows_of"

    # -- changing rows

    def update_from(
        self, table: str, alias: str, assignments: Mapping[str, str], rows: str, other: str, condition: str
    ) -> str:
        columns, values = ", ".join(assignments), ", ".join(assignments.values())
        found = f"FROM (\n{rows}\n) AS {other} WHERE {condition}"
        return f"UPDATE {table} AS {alias} SET ({columns}) = (SELECT {values} {found}) WHERE EXISTS (SELECT 1 {found})"

    # -- tables that live as long as a session

    def stage(self, name: str) -> str:
        return f"SESSION.{self.quote(name)}"

    def fill_stage(self, name: str, columns: Sequence[tuple[str, str]], query: str) -> tuple[str, ...]:
        body = ", ".join(f"{self.quote(column)} {native}" for column, native in columns)
        return (
            f"DECLARE GLOBAL TEMPORARY TABLE {self.stage(name)} ({body}) ON COMMIT PRESERVE ROWS NOT LOGGED",
            f"INSERT INTO {self.stage(name)}\n{query}",
        )

    def drop_stage(self, name: str) -> tuple[str, ...]:
        return (unless(f"DROP TABLE {self.stage(name)}", *_MISSING),)

    # -- statements

    session_settings = ("SET CURRENT ISOLATION = CS",)

    def lock_wait(self, seconds: float) -> tuple[str, ...]:
        """Without it, Db2 waits for ever, unless the database's LOCKTIMEOUT says otherwise."""
        return (f"{LOCK_TIMEOUT} = {max(1, round(seconds))}",)

    def create_schema(self, schema: str) -> str:
        return unless(f"CREATE SCHEMA {self.schema(schema)}", "42710")

    def create_table(self, table: str, columns: Sequence[tuple[str, str]]) -> str:
        """By rows, also where tables are made by columns if nobody says otherwise: state is changed row by row."""
        return f"{super().create_table(table, columns)} ORGANIZE BY ROW"

    def create_table_as(self, table: str, select: str) -> str:
        return together(shaped(table, select), f"INSERT INTO {table}\n{select}")

    def create_plan(self, table: str, select: str) -> tuple[str, ...]:
        return (shaped(table, select), f"INSERT INTO {table}\n{select}", self.mark(table))

    def drop_table(self, table: str) -> str:
        return unless(f"DROP TABLE {table}", *_MISSING)

    def rename_table(self, table: str, name: str) -> str:
        return f"RENAME TABLE {table} TO {self.quote(name)}"

    def drop_column(self, table: str, name: str) -> str:
        return together(super().drop_column(table, name), _reorganize(table))

    def alter_type(self, table: str, name: str, native: str) -> str:
        alter = f"ALTER TABLE {table} ALTER COLUMN {self.quote(name)} SET DATA TYPE {native}"
        return together(alter, _reorganize(table))

    def create_marked(self, table: str, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        return (self.create_table(table, columns), self.mark(table))

    def settle_plan(self, table: str) -> tuple[str, ...]:
        return ()

    def list_schemas(self) -> str:
        return f"SELECT RTRIM(SCHEMANAME) AS SCHEMANAME FROM SYSCAT.SCHEMATA ORDER BY SCHEMANAME {_AT_ONCE}"

    def list_tables(self, schema: str) -> str:
        return (
            f"SELECT TABNAME AS {FOLDED}, REMARKS FROM SYSCAT.TABLES"
            f" WHERE TABSCHEMA = {self.literal(schema)} ORDER BY TABNAME {_AT_ONCE}"
        )

    def table_columns(self, schema: str, table: str) -> str:
        length, scale = "RTRIM(CHAR(LENGTH))", "RTRIM(CHAR(SCALE))"
        native = (
            "CASE WHEN TYPENAME IN ('CHARACTER', 'VARCHAR') AND CODEPAGE = 0"
            f" THEN TYPENAME || '(' || {length} || ') FOR BIT DATA'"
            " WHEN TYPENAME IN ('CHARACTER', 'VARCHAR', 'GRAPHIC', 'VARGRAPHIC', 'CLOB', 'DBCLOB', 'BLOB')"
            f" THEN TYPENAME || '(' || {length} || ')'"
            f" WHEN TYPENAME = 'DECIMAL' THEN 'DECIMAL(' || {length} || ',' || {scale} || ')'"
            f" WHEN TYPENAME = 'TIMESTAMP' AND SCALE <> 6 THEN 'TIMESTAMP(' || {scale} || ')'"
            " ELSE TYPENAME END"
        )
        return (
            f"SELECT COLNAME AS {FOLDED}, {native} AS NATIVE FROM SYSCAT.COLUMNS"
            f" WHERE TABSCHEMA = {self.literal(schema)} AND TABNAME = {self.literal(swapped(table))}"
            f" ORDER BY COLNO {_AT_ONCE}"
        )


def _distinct(equal: str, left: str, right: str) -> str:
    return f"CASE WHEN {equal} THEN 0 WHEN {left} IS NULL AND {right} IS NULL THEN 0 ELSE 1 END = 1"


def _stored_length(name: str, length: int) -> int:
    """Bytes that any value of a text or binary type takes; UTF-16 takes at most three for each of its units."""
    if name in ("CLOB", "DBCLOB", "BLOB", "XML", "LONG VARCHAR") or not length:
        return LONGEST
    return min(LONGEST, 3 * length if name in ("GRAPHIC", "VARGRAPHIC") else length)


def _wider_number(left: str, right: str) -> str:
    """The stored number type that holds both; DOUBLE where none is exact."""
    both = {left, right}
    if len(both) == 1:
        return left
    if "DOUBLE" in both:
        return "DOUBLE"
    if "DECFLOAT" in both:
        return "DECFLOAT"
    whole, scale = (max(digits) for digits in zip(_digits(left), _digits(right), strict=True))
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= DIGITS else "DECFLOAT"


def _digits(native: str) -> tuple[int, int]:
    """Digits before and after the point."""
    if native == "BIGINT":
        return 19, 0
    precision, scale = sizes(native)
    return precision - scale, scale


def _wider_time(left: str, right: str) -> str:
    times = [each for each in (left, right) if each != "DATE"]
    return max(times, key=lambda each: sizes(each)[0] or 6) if times else "DATE"


def _json_text(text: str) -> str:
    """A text as JSON."""
    quoted = f"REPLACE(REPLACE({text}, '\\', '\\\\'), '\"', '\\\"')"
    for character, escape in (("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        quoted = f"REPLACE({quoted}, '{character}', '{escape}')"
    return f"'\"' || {quoted} || '\"'"


def _reorganize(table: str) -> str:
    """Db2 refuses a table that was changed so until it is reorganized (SQL0668N, reason 7)."""
    command = f"REORG TABLE {table}".replace("'", "''")
    return f"CALL SYSPROC.ADMIN_CMD('{command}')"
