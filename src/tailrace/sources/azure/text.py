"""Texts of values in T-SQL: one for each value, whatever the session's settings (R6, R15)."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.sources.azure.types import COLLATION, parts
from tailrace.sources.base import Column, Kind

_ESCAPES = (
    ("\\", "\\\\"),
    ('"', '\\"'),
    ("\b", "\\b"),
    ("\t", "\\t"),
    ("\n", "\\n"),
    ("\f", "\\f"),
    ("\r", "\\r"),
)
_MANY = 200
"""CONCAT takes at most 254 values."""


def canonical_text(expr: str, column: Column) -> str:
    """The canonical text of a value, as nvarchar."""
    base = parts(column.native)[0]
    match column.kind:
        case Kind.TEXT:
            text = f"RTRIM({expr})" if base in ("char", "nchar") else expr
            return text if base in ("nvarchar", "nchar", "sysname") else f"CAST({text} AS NVARCHAR(MAX))"
        case Kind.BOOL:
            return f"CASE WHEN {expr} = 1 THEN N'true' WHEN {expr} = 0 THEN N'false' END"
        case Kind.INT:
            return f"CAST({expr} AS NVARCHAR(20))"
        case Kind.DECIMAL:
            exact = f"CAST({expr} AS DECIMAL(19,4))" if base in ("money", "smallmoney") else expr
            return without_zeros(f"CAST({exact} AS NVARCHAR(41))")
        case Kind.FLOAT:
            return _float_text(expr)
        case Kind.UUID:
            return f"LOWER(CAST({expr} AS NVARCHAR(36)))"
        case Kind.BYTES:
            return f"CAST(CONVERT(VARCHAR(MAX), CAST({expr} AS VARBINARY(MAX)), 2) AS NVARCHAR(MAX))"
        case Kind.DATE:
            return f"CAST({expr} AS NVARCHAR(10))"
        case Kind.TIME:
            return without_zeros(f"CAST({expr} AS NVARCHAR(16))")
        case Kind.TIMESTAMP:
            return _iso(f"CAST({expr} AS DATETIME2(6))")
        case Kind.TIMESTAMPTZ:
            return f"CASE WHEN {expr} IS NOT NULL THEN CONCAT({_iso(in_utc(expr))}, N'Z') END"
        case _:
            return f"CAST({expr} AS NVARCHAR(MAX))"


def comparable_text(expr: str, column: Column) -> str:
    """As `canonical_text`, but one text for all times of one class."""
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        return _iso(f"CAST({expr} AS DATETIME2(6))")
    return _iso(in_utc(expr)) if column.kind is Kind.TIMESTAMPTZ else canonical_text(expr, column)


def in_utc(expr: str) -> str:
    """A datetimeoffset as the time in UTC."""
    return f"CAST(SWITCHOFFSET(CAST({expr} AS DATETIMEOFFSET(6)), '+00:00') AS DATETIME2(6))"


def without_zeros(text: str) -> str:
    """A number's or time's text without needless zeros at its end, and without a point that ends it."""
    cut = f"REPLACE(RTRIM(REPLACE({text}, N'0', N' ')), N' ', N'0')"
    whole = f"REPLACE(RTRIM(REPLACE({cut}, N'.', N' ')), N' ', N'.')"
    return f"CASE WHEN CHARINDEX(N'.', {text}) > 0 THEN {whole} ELSE {text} END"


def _iso(moment: str) -> str:
    return without_zeros(f"REPLACE(CAST({moment} AS NVARCHAR(30)), N' ', N'T')")


def _float_text(expr: str) -> str:
    """A whole number's digits, or all 17 digits that tell floats apart (style 3)."""
    double = f"CAST({expr} AS FLOAT)"
    whole = f"CAST(CAST({double} AS DECIMAL(20,0)) AS NVARCHAR(40))"
    return (
        f"CASE WHEN ABS({double}) < 1e15 AND {double} = FLOOR({double}) THEN {whole}"
        f" ELSE CONVERT(NVARCHAR(40), {double}, 3) END"
    )


def json_text(texts: Sequence[str]) -> str:
    """A JSON array of texts; NULL if any of them is."""
    pieces: list[str] = []
    for position, text in enumerate(texts):
        pieces += ["N'[\"'" if position == 0 else "N'\",\"'", _escaped(text)]
    missing = " OR ".join(f"{text} IS NULL" for text in texts)
    return f"CASE WHEN {missing} THEN NULL ELSE {concat([*pieces, _quoted(_END)])} END"


_END = '"]'


def _escaped(text: str) -> str:
    for plain, escaped in _ESCAPES:
        text = f"REPLACE({text}, {_quoted(plain)}, {_quoted(escaped)})"
    return text


def _quoted(text: str) -> str:
    if len(text) == 1 and ord(text) < 32:
        return f"NCHAR({ord(text)})"
    return "N'" + text.replace("'", "''") + "'"


def concat(pieces: Sequence[str]) -> str:
    """Pieces as one text of any length; NULL counts as empty."""
    whole = ["CAST(N'' AS NVARCHAR(MAX))", *pieces]
    if len(whole) <= _MANY:
        return f"CONCAT({', '.join(whole)})"
    groups = [pieces[start : start + _MANY] for start in range(0, len(pieces), _MANY)]
    return concat([concat(group) for group in groups])


def digest(texts: Sequence[str]) -> str:
    """SHA-256 in hex of texts with their lengths in bytes; NULL unlike empty (R13)."""
    parts_ = [
        f"CASE WHEN {text} IS NULL THEN N'-' ELSE CONCAT(CAST(DATALENGTH({text}) AS NVARCHAR(12)), N':', {text}) END"
        for text in texts
    ]
    hashed = f"HASHBYTES('SHA2_256', {concat(parts_)})"
    return f"LOWER(CONVERT(VARCHAR(64), {hashed}, 2)) COLLATE {COLLATION}"
