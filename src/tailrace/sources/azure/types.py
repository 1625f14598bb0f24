"""The types of a dedicated SQL pool: which kind each is, and in which form its values are stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tailrace.sources.base import Column, Kind

COLLATION = "Latin1_General_100_BIN2"
"""Compares code points; only trailing blanks still make no difference."""
KEY_CHARACTERS = 4_000
KEY = f"nvarchar({KEY_CHARACTERS})"
"""The type of a record id; a MAX type can distribute no table."""

_KINDS = {
    "bit": Kind.BOOL,
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), Kind.INT),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), Kind.DECIMAL),
    **dict.fromkeys(("real", "float"), Kind.FLOAT),
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "sysname", "text", "ntext"), Kind.TEXT),
    **dict.fromkeys(("binary", "varbinary", "image", "timestamp", "rowversion"), Kind.BYTES),
    "date": Kind.DATE,
    "time": Kind.TIME,
    **dict.fromkeys(("datetime", "datetime2", "smalldatetime"), Kind.TIMESTAMP),
    "datetimeoffset": Kind.TIMESTAMPTZ,
    "uniqueidentifier": Kind.UUID,
}
INTEGERS = ("tinyint", "smallint", "int", "bigint")
DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_MONEY = {"money": (19, 4), "smallmoney": (10, 4)}
_STORED = {
    Kind.BOOL: "bit",
    Kind.DATE: "date",
    Kind.TIME: "nvarchar(16)",
    Kind.TIMESTAMP: "datetime2(6)",
    Kind.TIMESTAMPTZ: "datetimeoffset(6)",
    Kind.UUID: "uniqueidentifier",
}
_SIZED = re.compile(r"(?P<base>[a-z0-9_]+)\s*(?:\(\s*(?P<first>\w+)\s*(?:,\s*(?P<second>\d+)\s*)?\))?")


def parts(native: str) -> tuple[str, str, int]:
    """A type's base, its first number ('max' too) and its second."""
    match = _SIZED.match(native.strip().lower())
    if match is None:
        return native.lower(), "", 0
    return match["base"], match["first"] or "", int(match["second"] or 0)


def kind_of(native: str) -> Kind:
    return _KINDS.get(parts(native)[0], Kind.OTHER)


def is_text(native: str) -> bool:
    return parts(native)[0] in ("char", "varchar", "nchar", "nvarchar", "sysname")


def stored_native(column: Column) -> str:
    """The type that values of a column are kept in, exactly."""
    base, first, second = parts(column.native)
    match column.kind:
        case Kind.INT:
            return base if base in INTEGERS else "bigint"
        case Kind.DECIMAL:
            whole = _MONEY.get(base) or (int(first or 18), second)
            return f"decimal({whole[0]},{whole[1]})"
        case Kind.FLOAT:
            return "real" if base == "real" else "float"
        case Kind.TEXT:
            return f"nvarchar({_characters(first)})"
        case Kind.BYTES:
            return f"varbinary({first if first.isdigit() and 0 < int(first) <= 8_000 else 'max'})"
        case _:
            return _STORED.get(column.kind, "nvarchar(max)")


def _characters(size: str) -> str:
    return size if size.isdigit() and 0 < int(size) <= KEY_CHARACTERS else "max"


def wider(left: str, right: str) -> str:
    """Of two stored types of one class, the one that holds both; float where no exact one does."""
    bases = {parts(left)[0], parts(right)[0]}
    if left == right:
        return left
    if bases <= set(INTEGERS):
        return max(bases, key=INTEGERS.index)
    if bases & {"real", "float"}:
        return "float"
    if bases <= {*INTEGERS, "decimal"}:
        whole, scale = (max(sizes) for sizes in zip(_places(left), _places(right), strict=True))
        return f"decimal({whole + scale},{scale})" if whole + scale <= 38 else "float"
    if bases <= {"date", "datetime2", "datetimeoffset"}:
        return max(
            (left, right), key=lambda each: ("date", "datetime2", "datetimeoffset").index(parts(each)[0])
        )
    sizes = [parts(each)[1] for each in (left, right)]
    base = parts(left)[0]
    return f"{base}(max)" if "max" in sizes else f"{base}({max(map(int, sizes))})"


def _places(native: str) -> tuple[int, int]:
    """Digits before and after the point."""
    base, first, second = parts(native)
    return (int(first) - second, second) if base == "decimal" else (DIGITS[base], 0)


_ODBC = {
    -7: "bit",
    -6: "tinyint",
    5: "smallint",
    4: "int",
    -5: "bigint",
    7: "real",
    6: "float",
    8: "float",
    91: "date",
    -11: "uniqueidentifier",
}
_ODBC_SIZED = {1: "char", 12: "varchar", -8: "nchar", -9: "nvarchar", -2: "binary", -3: "varbinary"}
_ODBC_LONG = {-1: "varchar(max)", -10: "nvarchar(max)", -4: "varbinary(max)", -152: "xml"}
_ODBC_TIMES = {92: "time", -154: "time", 93: "datetime2", -155: "datetimeoffset"}


def described(description: Sequence[Any], codes: Sequence[int]) -> list[tuple[str, str]]:
    """Names and native types of a result's columns, as ODBC describes them (codes of SQLDescribeCol)."""
    found: list[tuple[str, str]] = []
    for column, code in zip(description, codes, strict=True):
        found.append((str(column[0]), _native(code, int(column[4] or 0), int(column[5] or 0))))
    return found


def _native(code: int, size: int, scale: int) -> str:
    if code in (2, 3):
        return f"decimal({size},{scale})"
    if code in _ODBC_SIZED:
        limit = 4_000 if code in (-8, -9) else 8_000
        return f"{_ODBC_SIZED[code]}({size if 0 < size <= limit else 'max'})"
    if code in _ODBC_TIMES:
        return f"{_ODBC_TIMES[code]}({scale})"
    return _ODBC.get(code) or _ODBC_LONG.get(code) or "sql_variant"
