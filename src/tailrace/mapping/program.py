"""The SQL program that a mapping becomes: columns as they arrive, computed values, and what can go wrong.

Names inside the program are ours: `r0` a column as Arrow carries it, `k0` the same as SQL expressions see it,
`s0` a computed value. Values stand in layers, each a SELECT over the one before, so that nothing is computed
twice. A value that may fail for some record is computed as `TRY({v: …})`: NULL means that it failed, and only
that record is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.columns import Column, Kind
from tailrace.mapping.allowed import Size
from tailrace.mapping.expression import FieldError, Path

if TYPE_CHECKING:
    import duckdb

NUMBER = "NUMBER"
"""A number as text with its exact digits (DECIMAL and wider-than-64-bit columns arrive so)."""
JSON = "JSON"
"""JSON text."""
NULL = "NULL"
"""Always NULL."""
VALUE = Size(1, 16)
"""The size of a column's value."""

_NAMES = re.compile(r"\b[rks]\d+\b")
_INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
) | {"BIGNUM"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason to refuse a record: condition and message as SQL; `slot` is the value that can explain it."""

    condition: str
    message: str
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as SQL: its expression, its DuckDB type (or NUMBER, JSON, NULL), and its faults."""

    sql: str
    type: str
    faults: tuple[Fault, ...] = ()
    numeric: str = "DOUBLE"
    """For NUMBER: the type in which it is computed with."""
    size: Size = VALUE
    literal: object = None
    """For constants: the value."""
    checked: bool = False
    """For JSON: known to be strict JSON on one line, or its faults say otherwise."""

    @property
    def family(self) -> str:
        """What kind of value this is, in one word: int, text, json, timestamp, …"""
        return family(self.type)


def family(type_: str) -> str:
    """The family of a DuckDB type."""
    plain = {
        NUMBER: "number",
        JSON: "json",
        NULL: "null",
        "BOOLEAN": "bool",
        "DOUBLE": "float",
        "FLOAT": "float",
        "VARCHAR": "text",
        "UUID": "text",
        "BLOB": "blob",
        "DATE": "date",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP_S": "timestamp",
        "TIMESTAMP_MS": "timestamp",
        "TIMESTAMP_NS": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
        '"NULL"': "null",
    }
    if type_ in _INTEGERS:
        return "int"
    if type_.endswith("]"):
        return "list"
    if type_.startswith("DECIMAL"):
        return "decimal"
    return plain.get(type_, "other")


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class Slot:
    """A value computed in a layer of its own; `tried` where it may fail."""

    sql: str
    type: str
    layer: int
    tried: bool


class Program:
    """The values of one mapping over columns that are carried in a known way."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], carriage: Sequence[str]
    ) -> None:
        self.connection = connection
        self.columns = list(columns)
        self.carriage = list(carriage)
        self.slots: list[Slot] = []
        self._typed = [self._typed_column(index) for index in range(len(self.columns))]
        self._types: dict[str, str] = {}
        self._shared: dict[tuple[str, bool], int] = {}

    def column(self, index: int) -> Scalar:
        """A column as it goes on the wire."""
        kind, carried, name = self.columns[index].kind, self.carriage[index], f"r{index}"
        if carried != "text":
            return Scalar(name, self._typed[index][1])
        if kind in (Kind.INT, Kind.DECIMAL):
            return Scalar(name, NUMBER, numeric=self._typed[index][1])
        if kind in (Kind.JSON, Kind.ARRAY, Kind.STRUCT):
            return Scalar(name, JSON)
        return Scalar(name, "VARCHAR")

    def typed(self, index: int) -> Scalar:
        """A column as SQL expressions see it, with the fault of a value that has no such form."""
        sql, type_ = self._typed[index]
        if sql == f"r{index}":
            return Scalar(f"k{index}", type_)
        message = literal(f"column {self.columns[index].name} cannot be used as {type_}: ")
        fault = Fault(f"(r{index} IS NOT NULL AND k{index} IS NULL)", f"{message} || left(r{index}, 60)")
        return Scalar(f"k{index}", type_, (fault,))

    def infer(self, sql: str, path: Path) -> str:
        """The DuckDB type of an expression. Raises FieldError where DuckDB cannot bind it."""
        import duckdb

        if sql in self._types:
            return self._types[sql]
        try:
            rows = self.connection.execute(f"DESCRIBE SELECT {sql} AS x FROM ({self._scope(sql)})").fetchall()
        except duckdb.Error as error:
            raise FieldError(
                f"the expression does not work: {self.in_words(plain_message(error))}",
                path,
                code="expression_invalid",
            ) from None
        type_ = str(rows[0][1])
        self._types[sql] = type_
        return type_

    def value(self, scalar: Scalar) -> Scalar:
        """The same value, computed once; bare columns and constants stay what they are."""
        if re.fullmatch(r"[rks]\d+(\.v)?", scalar.sql) or scalar.family == "null":
            return scalar
        slot = self._slot(scalar.sql, scalar.type, tried=False)
        return replace(scalar, sql=f"s{slot}")

    def attempt(self, scalar: Scalar, message: str, *, explain: bool = False) -> Scalar:
        """A value that may fail; then the record is refused with the message (SQL).

        With `explain`, the database's own words replace the message where they can be had.
        """
        slot = self._slot(scalar.sql, scalar.type, tried=True)
        fault = Fault(f"s{slot} IS NULL", message, slot if explain else None)
        return replace(scalar, sql=f"s{slot}.v", faults=(*scalar.faults, fault))

    def source(self, relation: str, needed: str) -> str:
        """The FROM text: all layers over the relation; `needed` is the SQL that reads them."""
        used = self._closure(needed)
        typed = [
            f"{self._typed[index][0]} AS k{index}"
            for index in range(len(self.columns))
            if f"k{index}" in used
        ]
        text = f"SELECT *{''.join(', ' + one for one in typed)} FROM {relation}"
        for layer in range(1, max((slot.layer for slot in self.slots), default=0) + 1):
            listed = [
                f", {self._tried(slot)} AS s{number}"
                for number, slot in enumerate(self.slots)
                if slot.layer == layer and f"s{number}" in used
            ]
            if listed:
                text = f"SELECT *{''.join(listed)} FROM ({text})"
        return text

    def explain_source(self, relation: str, slot: int) -> str:
        """A statement that computes one value untried, so that DuckDB says what is wrong with it."""
        sql = self.slots[slot].sql
        return f"SELECT {sql} AS v FROM ({self.source(relation, sql)})"

    def in_words(self, message: str) -> str:
        """A message of the database with the columns' own names in it."""

        def named(match: re.Match[str]) -> str:
            index = int(match.group()[1:])
            known = match.group()[0] != "s" and index < len(self.columns)
            return self.columns[index].name if known else match.group()

        return _NAMES.sub(named, message)

    def _slot(self, sql: str, type_: str, *, tried: bool) -> int:
        if (sql, tried) in self._shared:
            return self._shared[sql, tried]
        below = [
            self.slots[int(name[1:])].layer
            for name in _NAMES.findall(sql)
            if name[0] == "s" and int(name[1:]) < len(self.slots)
        ]
        self.slots.append(Slot(sql, type_, 1 + max(below, default=0), tried))
        self._shared[sql, tried] = len(self.slots) - 1
        return len(self.slots) - 1

    @staticmethod
    def _tried(slot: Slot) -> str:
        return f"TRY(struct_pack(v := {slot.sql}))" if slot.tried else slot.sql

    def _closure(self, needed: str) -> set[str]:
        found: set[str] = set()
        pending = _NAMES.findall(needed)
        while pending:
            name = pending.pop()
            if name in found:
                continue
            found.add(name)
            if name[0] == "s" and int(name[1:]) < len(self.slots):
                pending.extend(_NAMES.findall(self.slots[int(name[1:])].sql))
        return found

    def _scope(self, sql: str) -> str:
        """A SELECT without rows that has every name of the expression, with its type."""
        parts = ["1 AS one"]
        for name in sorted(set(_NAMES.findall(sql))):
            index = int(name[1:])
            if name[0] == "s":
                if index < len(self.slots):
                    slot = self.slots[index]
                    type_ = _duck_type(slot.type)
                    parts.append(
                        f"NULL::STRUCT(v {type_}) AS {name}" if slot.tried else f"NULL::{type_} AS {name}"
                    )
            elif index < len(self.columns):
                type_ = self._typed[index][1] if name[0] == "k" else _duck_type(self.column(index).type)
                parts.append(f"NULL::{type_} AS {name}")
        return f"SELECT {', '.join(parts)} WHERE false"

    def _typed_column(self, index: int) -> tuple[str, str]:
        """How SQL expressions see a column: an expression over it, and its type."""
        column, carried, name = self.columns[index], self.carriage[index], f"r{index}"
        if carried == "text":
            if column.kind in (Kind.INT, Kind.DECIMAL):
                numeric = "HUGEINT" if column.kind is Kind.INT else declared_decimal(column.native)
                return f"TRY_CAST({name} AS {numeric})", numeric
            if column.kind in (Kind.JSON, Kind.ARRAY, Kind.STRUCT):
                return f"TRY_CAST({name} AS JSON)", "JSON"
            return name, "VARCHAR"
        return name, carried


def _duck_type(type_: str) -> str:
    return {NUMBER: "VARCHAR", NULL: "INTEGER", '"NULL"': "INTEGER"}.get(type_, type_)


def declared_decimal(native: str) -> str:
    """The DuckDB type for computing with a decimal column: exact where its scale is declared and fits."""
    match = re.search(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", native)
    if match is None:
        return "DOUBLE"
    precision, scale = int(match.group(1)), int(match.group(2) or 0)
    return f"DECIMAL({precision},{scale})" if 0 < precision <= 38 and scale <= precision else "DOUBLE"


def plain_message(error: Exception) -> str:
    """DuckDB's message without its class and the excerpt of our SQL."""
    ends = r"\n+LINE \d+:|\. Use TRY\(| in expression \(| when casting from source column "
    text = re.split(ends, str(error))[0]
    return re.sub(r"^\w+(?: \w+)* Error: ", "", " ".join(text.split()))[:500]
