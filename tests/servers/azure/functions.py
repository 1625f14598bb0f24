"""T-SQL's functions in the engine's words."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from tests.servers.azure.casts import macro, plain, text_of
from tests.servers.azure.errors import SqlError
from tests.servers.azure.infer import Types, binary
from tests.servers.azure.lexer import word_set

SYSTEM = word_set(
    """COL_LENGTH OBJECT_ID OBJECT_NAME SCHEMA_ID SCHEMA_NAME DB_NAME DB_ID USER_NAME SUSER_SNAME SESSION_ID SERVERPROPERTY
    DATABASEPROPERTYEX XACT_STATE SYSTEM_USER SESSION_USER IS_MEMBER IS_ROLEMEMBER HAS_DBACCESS
    DATABASE_PRINCIPAL_ID ERROR_NUMBER ERROR_MESSAGE"""
)
"""Their values depend on the session; they are computed before the statement runs."""

VARIABLES = word_set("@@SPID @@VERSION @@TRANCOUNT @@ERROR @@SERVERNAME @@LANGUAGE")

_RENAMED = {
    "LEN": "_len",
    "LEFT": "_left",
    "RIGHT": "_right",
    "SUBSTRING": "_substring",
    "REPLICATE": "repeat",
    "SPACE": "_space",
    "STUFF": "_stuff",
    "REPLACE": "_replace",
    "CHARINDEX": "_charindex",
    "ISNULL": "coalesce",
    "CEILING": "ceil",
    "LOG": "ln",
    "POWER": "pow",
    "CHAR": "chr",
    "NCHAR": "chr",
    "NEWID": "uuid",
    "COUNT_BIG": "count",
    "STDEV": "stddev_samp",
    "STDEVP": "stddev_pop",
    "VAR": "var_samp",
    "VARP": "var_pop",
    "EOMONTH": "last_day",
    "DATEFROMPARTS": "make_date",
    "QUOTENAME": "_quotename",
    "STRING_ESCAPE": "_json_escape",
    "ISJSON": "_isjson",
    "JSON_VALUE": "_json_value",
    "JSON_QUERY": "_json_query",
    "CHECKSUM": "_checksum",
    "BINARY_CHECKSUM": "_checksum",
    "SWITCHOFFSET": "_switch",
    "TODATETIMEOFFSET": "_switch",
    "GETDATE": "_now",
    "GETUTCDATE": "_now",
    "SYSDATETIME": "_now",
    "SYSUTCDATETIME": "_now",
    "SYSDATETIMEOFFSET": "now",
    "APPROX_COUNT_DISTINCT": "approx_count_distinct",
    "SQUARE": "_square",
}
_PARTS = {
    "yy": "year", "yyyy": "year", "qq": "quarter", "q": "quarter", "mm": "month", "m": "month", "dy": "dayofyear",
    "y": "dayofyear", "dd": "day", "d": "day", "wk": "week", "ww": "week", "dw": "weekday", "hh": "hour",
    "mi": "minute", "n": "minute", "ss": "second", "s": "second", "ms": "millisecond", "mcs": "microsecond",
    "ns": "nanosecond",
}  # fmt: skip
_MICROSECONDS = {
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1000,
    "microsecond": 1,
}


def name_of(node: exp.Anonymous) -> str:
    return node.name.upper()


def call(name: str, node: exp.Anonymous, types: Types) -> exp.Expression:
    """A function of T-SQL in the engine's words. Raises SqlError for a wrong use of it."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(node.expressions, types)
    return exp.Anonymous(this=_RENAMED.get(name, name.lower()), expressions=node.expressions, placed=True)


def _hash(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    if len(arguments) != 2:
        raise SqlError(174, "The hashbytes function requires 2 argument(s).", 15)
    words = {"SHA2_256": "_sha2_256", "SHA1": "_sha1", "SHA": "_sha1", "MD5": "_md5"}
    algorithm = words.get(arguments[0].name.upper())
    if algorithm is None:
        return plain(exp.Null(), "BLOB")
    kind = types.of(arguments[1])
    if algorithm == "_sha2_256" and kind is not None and kind.name in ("nvarchar", "nchar"):
        return macro("_py_sha2_256_wide", arguments[1])
    if kind is not None and kind.name in ("varbinary", "binary"):
        return macro(algorithm, arguments[1])
    form = "_ansi_bytes" if kind is not None and kind.name in ("varchar", "char") else "_wide_bytes"
    return macro(algorithm, macro(form, arguments[1]))


def _datalength(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    kind = types.of(arguments[0])
    if kind is not None and kind.name in ("varchar", "char"):
        return macro("length", arguments[0])
    return macro("_datalength", arguments[0])


def _iif(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=arguments[0], true=arguments[1])], default=arguments[2])


def _nullif(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    left, right = arguments
    same = exp.EQ(this=left.copy(), expression=right)
    return exp.Case(ifs=[exp.If(this=same, true=exp.Null())], default=left)


def _part(node: exp.Expression) -> str:
    word = node.name.lower()
    return _PARTS.get(word, word)


def _date_add(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    unit, count, value = _part(arguments[0]), arguments[1], arguments[2]
    kind = types.of(value)
    if kind is None or kind.is_text:
        value = plain(macro("_moment", value), "TIMESTAMP")
    if unit in _MICROSECONDS:
        step = macro(
            "to_microseconds",
            exp.Mul(
                this=plain(exp.Paren(this=count), "BIGINT"),
                expression=exp.Literal.number(_MICROSECONDS[unit]),
            ),
        )
    else:
        words = {"year": "to_years", "quarter": "to_quarters", "month": "to_months", "week": "to_weeks"}
        step = macro(words.get(unit, "to_days"), plain(count, "INTEGER"))
    added = exp.Paren(this=exp.Var(this="_")).this
    added = macro("_plus", value, step)
    return plain(added, "DATE") if kind is not None and kind.name == "date" else added


def _date_diff(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    unit = _part(arguments[0])
    sides = []
    for value in arguments[1:3]:
        kind = types.of(value)
        text = kind is None or kind.is_text
        sides.append(plain(macro("_moment", value) if text else value, "TIMESTAMP"))
    return macro("date_diff", unit, *sides)


def _date_part(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    unit, value = _part(arguments[0]), plain(macro("_moment", arguments[1]), "TIMESTAMP")
    if unit == "weekday":
        return exp.Add(this=macro("date_part", "dow", value), expression=exp.Literal.number(1), placed=True)
    if unit in ("microsecond", "millisecond"):
        divisor = 1_000_000 if unit == "microsecond" else 1000
        return exp.Mod(this=macro("date_part", unit, value), expression=exp.Literal.number(divisor))
    if unit == "nanosecond":
        return exp.Mul(
            this=exp.Paren(
                this=exp.Mod(
                    this=macro("date_part", "microsecond", value), expression=exp.Literal.number(1_000_000)
                )
            ),
            expression=exp.Literal.number(1000),
        )
    return macro("date_part", unit, value)


def _charindex(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    exact = any(isinstance(each, exp.Collate) and binary(each) for each in arguments[:2])
    kind = types.of(arguments[1])
    exact = exact or bool(kind and kind.binary_collation)
    return macro("_charindex_binary" if exact else "_charindex", *arguments)


def _replace(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    exact = any(isinstance(each, exp.Collate) and binary(each) for each in arguments)
    kind = types.of(arguments[0])
    exact = exact or bool(kind and kind.binary_collation)
    search = arguments[1]
    if isinstance(search, (exp.Literal, exp.National)) and search.name.lower() == search.name.upper():
        exact = exact or (bool(search.name) and "~" not in search.name)
    return macro("replace" if exact else "_replace", *arguments)


def _substring(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    value, start, length = arguments
    kind = types.of(value)
    if kind is not None and kind.name in ("varbinary", "binary"):
        return macro("_blob_part", value, start, length)
    if isinstance(start, exp.Literal) and isinstance(length, exp.Literal) and int(start.name) > 0:
        return macro("substr", value, start, length)
    return macro("_substring", value, start, length)


def _concat(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    return macro("concat", *_texts(arguments, types))


def _concat_ws(arguments: list[exp.Expression], types: Types) -> exp.Expression:
    return macro("concat_ws", *_texts(arguments, types))


def _texts(arguments: list[exp.Expression], types: Types) -> list[exp.Expression]:
    return [each if isinstance(each, exp.Null) else text_of(each, types.of(each), 0) for each in arguments]


def _minimum(word: str) -> Callable[[list[exp.Expression], Types], exp.Expression]:
    def made(arguments: list[exp.Expression], types: Types) -> exp.Expression:
        kind = types.of(arguments[0])
        if kind is not None and kind.name == "bit":
            raise SqlError(8117, f"Operand data type bit is invalid for {word} operator.")
        return macro(word, *arguments)

    return made


def _total(word: str) -> Callable[[list[exp.Expression], Types], exp.Expression]:
    def made(arguments: list[exp.Expression], types: Types) -> exp.Expression:
        kind = types.of(arguments[0])
        if kind is not None and (kind.name == "bit" or kind.is_text):
            raise SqlError(8117, f"Operand data type {kind.name} is invalid for {word} operator.")
        if word == "avg" and kind is not None and kind.name in ("tinyint", "smallint", "int", "bigint"):
            return macro("trunc", macro("avg", *arguments))
        return macro(word, *arguments)

    return made


_SPECIAL: dict[str, Callable[[list[exp.Expression], Types], exp.Expression]] = {
    "HASHBYTES": _hash,
    "DATALENGTH": _datalength,
    "IIF": _iif,
    "NULLIF": _nullif,
    "DATEADD": _date_add,
    "DATEDIFF": _date_diff,
    "DATEDIFF_BIG": _date_diff,
    "DATEPART": _date_part,
    "CHARINDEX": _charindex,
    "REPLACE": _replace,
    "SUBSTRING": _substring,
    "CONCAT": _concat,
    "CONCAT_WS": _concat_ws,
    "MIN": _minimum("min"),
    "MAX": _minimum("max"),
    "SUM": _total("sum"),
    "AVG": _total("avg"),
}
