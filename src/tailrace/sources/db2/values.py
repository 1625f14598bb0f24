"""Values in Db2's SQL: as managed tables store them, and as the canonical text of R6."""

from __future__ import annotations

from tailrace.sources.base import Column, Kind
from tailrace.sources.db2.types import LONGEST, bare

_LARGE = frozenset({"CLOB", "DBCLOB", "LONG VARCHAR"})


def store(expr: str, column: Column, native: str) -> str:
    """A model's value in its stored form. A large object is cut at the longest text, which is above the limit of
    a value: such a record is refused by name."""
    name = bare(column.native)
    match column.kind:
        case Kind.TIME:
            return _clock(expr)
        case Kind.BOOL:
            return expr if name == "BOOLEAN" else f"CAST({expr} AS {native})"
        case Kind.TEXT | Kind.JSON | Kind.ARRAY if name in ("CHAR", "CHARACTER", "GRAPHIC"):
            return f"CAST(RTRIM({expr}) AS {native})"
        case Kind.TEXT | Kind.JSON | Kind.ARRAY if name == "XML":
            return f"XMLSERIALIZE({expr} AS VARCHAR({LONGEST}))"
        case Kind.BYTES if name == "BLOB":
            return f"CAST({_bytes(expr)} AS {native})"
        case _:
            return expr if column.native.upper() == native else f"CAST({expr} AS {native})"


def canonical_text(expr: str, column: Column) -> str:
    """The canonical text of a value: the same for a wider type and under any session settings (R6)."""
    name = bare(column.native)
    match column.kind:
        case Kind.INT:
            return f"CAST({expr} AS VARCHAR(20))"
        case Kind.DECIMAL if name == "DECFLOAT":
            return _decimal_float(expr)
        case Kind.DECIMAL:
            return _decimal(expr, 44)
        case Kind.FLOAT:
            return f"CAST(CAST({expr} AS DOUBLE) AS VARCHAR(24))"
        case Kind.BOOL:
            return f"CASE WHEN {expr} = TRUE THEN 'true' WHEN {expr} = FALSE THEN 'false' END"
        case Kind.DATE:
            return f"VARCHAR_FORMAT(CAST({expr} AS TIMESTAMP), 'YYYY-MM-DD')"
        case Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return _timestamp(expr) + (" || 'Z'" if column.kind is Kind.TIMESTAMPTZ else "")
        case Kind.TIME if name == "TIME":
            return _clock(expr)
        case Kind.BYTES:
            return f"HEX({_bytes(expr) if name == 'BLOB' else expr})"
        case _:
            return _text(expr, name)


def _bytes(expr: str) -> str:
    """A BLOB as what may become other bytes: from BLOB itself there is no way to VARCHAR FOR BIT DATA.

    https://www.ibm.com/docs/en/db2/11.5?topic=list-casting-between-data-types
    """
    return f"CAST({expr} AS VARBINARY({LONGEST}))"


def _text(expr: str, name: str) -> str:
    if name in ("CHAR", "CHARACTER"):
        return f"RTRIM({expr})"
    if name == "GRAPHIC":
        return f"CAST(RTRIM({expr}) AS VARCHAR({LONGEST}))"
    if name == "XML":
        return f"XMLSERIALIZE({expr} AS VARCHAR({LONGEST}))"
    return f"CAST({expr} AS VARCHAR({LONGEST}))" if name in _LARGE or name == "VARGRAPHIC" else expr


def _decimal(expr: str, length: int) -> str:
    """Digits without needless zeros at either end, whatever DEC_TO_CHAR_FMT says of them."""
    digits = f"TRIM(LEADING '0' FROM CAST(ABS({expr}) AS VARCHAR({length})))"
    fraction = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {digits}))"
    short = f"CASE WHEN LOCATE('.', {digits}) > 0 THEN {fraction} ELSE {digits} END"
    return (
        f"CASE WHEN {expr} = 0 THEN '0' ELSE CASE WHEN {expr} < 0 THEN '-' ELSE '' END"
        f" || CASE WHEN {digits} LIKE '.%' THEN '0' ELSE '' END || {short} END"
    )


def _decimal_float(expr: str) -> str:
    """As a decimal where it is one of 31 digits; else in the form of DECFLOAT, which has one for each value."""
    exact = f"CAST({expr} AS DECIMAL(31,9))"
    return (
        f"CASE WHEN ABS({expr}) < 1E21 AND {expr} = ROUND({expr}, 9) THEN {_decimal(exact, 44)}"
        f" ELSE CAST(NORMALIZE_DECFLOAT({expr}) AS VARCHAR(44)) END"
    )


def _timestamp(expr: str) -> str:
    text = f"VARCHAR_FORMAT({expr}, 'YYYY-MM-DD HH24:MI:SS.FF12')"
    clock = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM SUBSTR({text}, 12)))"
    return f"SUBSTR({text}, 1, 10) || 'T' || {clock}"


def _clock(expr: str) -> str:
    parts = [
        f"SUBSTR(CAST(100 + {part}({expr}) AS VARCHAR(3)), 2, 2)" for part in ("HOUR", "MINUTE", "SECOND")
    ]
    return " || ':' || ".join(parts)
