"""CAST and CONVERT: T-SQL's conversions, which truncate, pad, round and spell values in ways of their own."""

from __future__ import annotations

from sqlglot import exp
from tests.servers.azure.errors import SqlError
from tests.servers.azure.infer import Types, declared
from tests.servers.azure.types import MAX, SqlType, duckdb_type

_WIDTHS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}


def plain(value: exp.Expression, native: str) -> exp.Expression:
    """A cast of the engine's own."""
    return exp.Cast(this=value, to=exp.DataType.build(native, dialect="duckdb"), placed=True)


def macro(name: str, *arguments: exp.Expression | int | str) -> exp.Expression:
    """A call of one of the engine's macros or functions."""
    values = [
        each
        if isinstance(each, exp.Expression)
        else exp.Literal.number(each)
        if isinstance(each, int)
        else exp.Literal.string(each)
        for each in arguments
    ]
    return exp.Anonymous(this=name, expressions=values, placed=True)


def cast(
    value: exp.Expression,
    to: exp.Expression,
    node: exp.Expression | None,
    types: Types,
    text: bool = False,
) -> exp.Expression:
    """A value in another type; TRY_ forms give NULL where there is none. Raises SqlError for unknown types."""
    kind = declared(to)
    if kind is None:
        raise SqlError(243, f"Type {to.sql('tsql')} is not a defined system type.")
    style = node.args.get("style") if isinstance(node, exp.Convert) else None
    number = int(style.name) if isinstance(style, exp.Literal) else 0
    if isinstance(value, exp.Null):
        return plain(value, duckdb_type(kind))
    source = SqlType("nvarchar", MAX) if text else types.of(value)
    converted = _converted(value, kind, source, number)
    tried = isinstance(node, exp.TryCast) or (isinstance(node, exp.Convert) and bool(node.args.get("safe")))
    return macro("TRY", converted) if tried or text else converted


def _converted(value: exp.Expression, kind: SqlType, source: SqlType | None, style: int) -> exp.Expression:
    if kind.is_text:
        return _text(value, kind, source, style)
    if kind.name in ("varbinary", "binary"):
        wide = 1 if source is not None and source.name in ("varchar", "char") else 2
        data = macro("_bytes_of", value, style, wide)
        return data if kind.length == MAX else macro("_blob_part", data, 1, kind.length)
    native = duckdb_type(kind)
    if kind.name in _WIDTHS:
        return plain(macro("_int", value, _WIDTHS[kind.name]), native)
    if kind.name in ("decimal", "money", "smallmoney", "float", "real"):
        known = source is not None and not source.is_text
        return plain(value if known else macro("_number", value), native)
    if kind.name in ("datetime2", "datetime", "smalldatetime"):
        moment = plain(
            value if source is not None and not source.is_text else macro("_moment", value), native
        )
        digits = {"datetime": 3, "smalldatetime": 0}.get(kind.name, kind.scale)
        return moment if digits >= 6 else macro("_cut", moment, digits)
    if kind.name in ("datetimeoffset", "date", "time"):
        return plain(value if source is not None and not source.is_text else macro("_moment", value), native)
    return plain(value, native)


def _text(value: exp.Expression, kind: SqlType, source: SqlType | None, style: int) -> exp.Expression:
    if source is not None and source.name == "money" and style == 0:
        value = plain(value, "DECIMAL(19,2)")
    digits = 7
    if source is not None and source.name in ("datetime2", "datetimeoffset", "time"):
        digits = source.scale
    elif source is not None and source.name in ("datetime", "smalldatetime"):
        digits = 3
    known = source is not None and source.is_text
    converted = plain(value, "VARCHAR") if known else macro("_text", value, style, digits)
    if kind.name in ("varchar", "char") and not (source is not None and source.name in ("varchar", "char")):
        converted = macro("_ansi", converted)
    if kind.length != MAX:
        converted = macro("left", converted, kind.length)
    if kind.name in ("char", "nchar"):
        converted = macro("rpad", converted, kind.length, " ")
    return converted
