"""CAST and CONVERT: T-SQL's conversions, which truncate, pad, round and spell values in ways of their own."""

from __future__ import annotations

from sqlglot import exp
from tests.servers.azure.errors import SqlError
from tests.servers.azure.infer import Types, declared
from tests.servers.azure.types import MAX, SqlType, duckdb_type

_STYLES = {
    8: "%H:%M:%S", 108: "%H:%M:%S", 11: "%Y/%m/%d", 111: "%Y/%m/%d", 14: "%H:%M:%S:%g", 114: "%H:%M:%S:%g",
    20: "%Y-%m-%d %H:%M:%S", 120: "%Y-%m-%d %H:%M:%S", 23: "%Y-%m-%d", 101: "%m/%d/%Y", 102: "%Y.%m.%d",
    103: "%d/%m/%Y", 104: "%d.%m.%Y", 112: "%Y%m%d", 126: "%Y-%m-%dT%H:%M:%S.%f", 127: "%Y-%m-%dT%H:%M:%S.%f",
}  # fmt: skip
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
        data = _bytes(value, source, style)
        return data if kind.length == MAX else macro("_blob_part", data, 1, kind.length)
    native = duckdb_type(kind)
    known = source is not None and not source.is_text
    if kind.name in _WIDTHS:
        return plain(_whole(value, source, _WIDTHS[kind.name]), native)
    if kind.name in ("decimal", "money", "smallmoney", "float", "real"):
        return plain(value if known else macro("_number", value), native)
    if kind.name in ("datetime2", "datetime", "smalldatetime"):
        moment = plain(value if known else macro("_moment", value), native)
        digits = {"datetime": 3, "smalldatetime": 0}.get(kind.name, kind.scale)
        return moment if digits >= 6 else macro("_cut", moment, digits)
    if kind.name in ("datetimeoffset", "date", "time"):
        return plain(value if known else macro("_moment", value), native)
    return plain(value, native)


def _whole(value: exp.Expression, source: SqlType | None, width: int) -> exp.Expression:
    """Whole numbers: fractions are cut off, bytes are read from the right."""
    if source is None or source.is_text:
        return macro("_whole", value)
    if source.name in ("varbinary", "binary"):
        if width == 1:
            return plain(macro("concat", "0x0", macro("right", macro("hex", value), 2)), "UBIGINT")
        return macro("_signed", value, width)
    return macro("trunc", value) if source.name in ("decimal", "float", "real", "money") else value


def _bytes(value: exp.Expression, source: SqlType | None, style: int) -> exp.Expression:
    if source is None or not source.is_text:
        return macro("_wide_bytes" if source is None else "_bytes_of", value)
    if style == 1:
        return macro("unhex", macro("substr", value, 3))
    if style == 2:
        return macro("unhex", value)
    return macro("_ansi_bytes" if source.name in ("varchar", "char") else "_wide_bytes", value)


def _text(value: exp.Expression, kind: SqlType, source: SqlType | None, style: int) -> exp.Expression:
    converted = text_of(value, source, style)
    if kind.name in ("varchar", "char") and (source is None or source.name in ("nvarchar", "nchar")):
        converted = macro("_ansi", converted)
    if kind.length != MAX:
        converted = macro("left", converted, kind.length)
    if kind.name in ("char", "nchar"):
        converted = macro("rpad", converted, kind.length, " ")
    return exp.Paren(this=value) if converted is value else converted


def text_of(value: exp.Expression, source: SqlType | None, style: int) -> exp.Expression:
    """A value as CONVERT spells it in a style."""
    name = source.name if source is not None else ""
    if source is None or name in ("varbinary", "binary"):
        return macro("_text_of", value, style)
    if source.is_text:
        return value
    if name == "bit":
        return plain(plain(value, "INTEGER"), "VARCHAR")
    if name in ("float", "real"):
        return macro("_py_float", plain(value, "DOUBLE"), style if style in (1, 2, 3) else 0)
    if name == "uniqueidentifier":
        return macro("upper", plain(value, "VARCHAR"))
    if name in ("money", "smallmoney") and style == 0:
        return plain(plain(value, "DECIMAL(19,2)"), "VARCHAR")
    if name in ("date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"):
        return _moment_text(value, source, style)
    return plain(value, "VARCHAR")


def _moment_text(value: exp.Expression, source: SqlType, style: int) -> exp.Expression:
    digits = {"datetime": 3, "smalldatetime": 0, "date": 0}.get(source.name, source.scale)
    if source.name == "time":
        value = macro("_plus", plain(exp.Literal.string("2000-01-01"), "DATE"), value)
    moment = plain(value, "TIMESTAMP")
    if source.name == "date" and style in (0, 121, 126, 127, 120, 20):
        style = 23
    form = _STYLES.get(style, "%H:%M:%S.%f" if source.name == "time" else "%Y-%m-%d %H:%M:%S.%f")
    text = macro("strftime", moment, form)
    if form.endswith(".%f"):
        length = len("HH:MM:SS" if source.name == "time" else "YYYY-MM-DD HH:MM:SS")
        text = macro("left", macro("concat", text, "0"), length + digits + (1 if digits else 0))
    if source.name == "datetimeoffset" and style not in (23, 112):
        text = macro("concat", text, "Z" if style == 127 else "+00:00" if style == 126 else " +00:00")
        text = exp.Case(
            ifs=[exp.If(this=exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null())), true=text)]
        )
    return text
