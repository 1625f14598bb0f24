"""The T-SQL types of expressions, as far as they follow from declarations: what results and CTAS are described by."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp
from tests.servers.azure.catalog import Column
from tests.servers.azure.lexer import word_set
from tests.servers.azure.types import MAX, SqlType, UnknownType, as_nullable, parse_type

INT, BIGINT, BIT, FLOAT = SqlType("int"), SqlType("bigint"), SqlType("bit"), SqlType("float")
_NUMBERS = ("bit", "tinyint", "smallint", "int", "bigint", "smallmoney", "money", "decimal", "real", "float")
_FIRST = word_set(
    """MIN MAX LAG LEAD FIRST_VALUE LAST_VALUE ABS CEILING FLOOR ROUND SIGN NULLIF ISNULL SUBSTRING UPPER LOWER
    LTRIM RTRIM TRIM REVERSE LEFT RIGHT REPLACE STUFF REPLICATE TRANSLATE PERCENTILE_DISC"""
)
_FIXED = {
    "COUNT": INT,
    "COUNT_BIG": BIGINT,
    "ROW_NUMBER": BIGINT,
    "RANK": BIGINT,
    "DENSE_RANK": BIGINT,
    "NTILE": BIGINT,
    "DATEDIFF": INT,
    "DATEDIFF_BIG": BIGINT,
    "DATEPART": INT,
    "YEAR": INT,
    "MONTH": INT,
    "DAY": INT,
    "LEN": INT,
    "DATALENGTH": INT,
    "CHARINDEX": INT,
    "PATINDEX": INT,
    "UNICODE": INT,
    "ASCII": INT,
    "CHECKSUM": INT,
    "ISJSON": INT,
    "ISNUMERIC": INT,
    "OBJECT_ID": INT,
    "SCHEMA_ID": INT,
    "XACT_STATE": SqlType("smallint"),
    "GETDATE": SqlType("datetime"),
    "GETUTCDATE": SqlType("datetime"),
    "CURRENT_TIMESTAMP": SqlType("datetime"),
    "SYSDATETIME": SqlType("datetime2", scale=7),
    "SYSUTCDATETIME": SqlType("datetime2", scale=7),
    "SYSDATETIMEOFFSET": SqlType("datetimeoffset", scale=7),
    "SWITCHOFFSET": SqlType("datetimeoffset", scale=7),
    "TODATETIMEOFFSET": SqlType("datetimeoffset", scale=7),
    "EOMONTH": SqlType("date"),
    "DATEFROMPARTS": SqlType("date"),
    "NEWID": SqlType("uniqueidentifier"),
    "HASHBYTES": SqlType("varbinary", 8000),
    "CHAR": SqlType("varchar", 1),
    "NCHAR": SqlType("nvarchar", 1),
    "SPACE": SqlType("varchar", 8000),
    "STRING_AGG": SqlType("nvarchar", 4000),
    "STRING_ESCAPE": SqlType("nvarchar", 4000),
    "JSON_VALUE": SqlType("nvarchar", 4000),
    "JSON_QUERY": SqlType("nvarchar", MAX),
    "SQRT": FLOAT,
    "EXP": FLOAT,
    "LOG": FLOAT,
    "STDEV": FLOAT,
    "STDEVP": FLOAT,
    "VAR": FLOAT,
    "VARP": FLOAT,
}
Lookup = Callable[[exp.Table], list[Column] | None]
Sources = dict[str, dict[str, SqlType | None]]


def is_text(kind: SqlType | None) -> bool:
    """Whether a type is text, or might be."""
    return kind is None or kind.is_text


def function_name(node: exp.Expression) -> str:
    return node.name.upper() if isinstance(node, exp.Anonymous) else ""


class Types:
    """Types within one statement; `lookup` gives the columns of a stored table."""

    def __init__(self, lookup: Lookup, parameters: Mapping[str, SqlType]) -> None:
        self._lookup, self._parameters = lookup, parameters
        self._sources: dict[int, Sources] = {}
        self._outputs: dict[int, list[tuple[str, SqlType | None]]] = {}
        self._kept: list[exp.Expression] = []

    # -- queries

    def output(self, query: exp.Expression) -> list[tuple[str, SqlType | None]]:
        """The columns of a query: their names and types."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if id(query) not in self._outputs:
            self._kept.append(query)
            self._outputs[id(query)] = self._columns(query)
        return self._outputs[id(query)]

    def _columns(self, query: exp.Expression) -> list[tuple[str, SqlType | None]]:
        if isinstance(query, exp.SetOperation):
            left, right = self.output(query.left), self.output(query.right)
            return [
                (name, merged([kind, other])) for (name, kind), (_, other) in zip(left, right, strict=False)
            ]
        if not isinstance(query, exp.Select):
            return []
        found: list[tuple[str, SqlType | None]] = []
        sources = self.sources(query)
        for item in query.expressions:
            if isinstance(item, exp.Star):
                found += [pair for columns in sources.values() for pair in columns.items()]
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                found += list(sources.get(item.table.lower(), {}).items())
            else:
                found.append((item.alias_or_name if not _nameless(item) else "", self.of(item)))
        return found

    def sources(self, select: exp.Expression) -> Sources:
        """What a SELECT, UPDATE, DELETE or MERGE reads, by alias: the types of its columns by name."""
        if id(select) in self._sources:
            return self._sources[id(select)]
        found: Sources = {}
        self._kept.append(select)
        self._sources[id(select)] = found
        outer = False
        read = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or [])]
        if not isinstance(select, exp.Select):
            read += [select.args.get("this"), select.args.get("using")]
        for each in read:
            if not isinstance(each, exp.Expression):
                continue
            outer = outer or (isinstance(each, exp.Join) and each.side in ("LEFT", "RIGHT", "FULL"))
            source = each.this if isinstance(each, (exp.From, exp.Join)) else each
            found[source.alias_or_name.lower()] = self._source(source)
            for join in source.args.get("joins") or []:
                found[join.this.alias_or_name.lower()] = self._source(join.this)
        if outer:
            for columns in found.values():
                columns.update({name: kind and as_nullable(kind, True) for name, kind in columns.items()})
        return found

    def _source(self, source: exp.Expression) -> dict[str, SqlType | None]:
        if isinstance(source, exp.Table) and not isinstance(source.this, exp.Identifier):
            source = source.this
        if isinstance(source, exp.OpenJSON):
            return {each.name: parse_type(each.args["kind"].sql("tsql")) for each in source.expressions}
        if isinstance(source, exp.Table):
            common = None if source.db else self.common(source)
            if common is not None:
                return dict(self._renamed(common, self.output(common.this)))
            columns = self._lookup(source)
            return {each.name: each.type for each in columns or []}
        if isinstance(source, exp.Subquery):
            return dict(self._renamed(source, self.output(source.this)))
        return {}

    @staticmethod
    def _renamed(
        source: exp.Expression, columns: list[tuple[str, SqlType | None]]
    ) -> list[tuple[str, SqlType | None]]:
        alias = source.args.get("alias")
        names = [each.name for each in alias.columns] if isinstance(alias, exp.TableAlias) else []
        return [(names[at] if at < len(names) else name, kind) for at, (name, kind) in enumerate(columns)]

    @staticmethod
    def common(table: exp.Table) -> exp.CTE | None:
        scope: exp.Expression | None = table
        while scope is not None:
            clause = scope.args.get("with_") or scope.args.get("with")
            for each in clause.expressions if clause else []:
                if each.alias.lower() == table.name.lower() and table.find_ancestor(exp.CTE) is not each:
                    return each
            scope = scope.parent
        return None

    # -- expressions

    def of(self, node: exp.Expression | None) -> SqlType | None:
        """The type of an expression; None where it does not follow from what is declared."""
        match node:
            case None:
                return None
            case exp.Alias() | exp.Paren() | exp.Neg() | exp.Window() | exp.WithinGroup() | exp.BitwiseNot():
                return self.of(node.this)
            case exp.Distinct():
                return self.of(node.expressions[0])
            case exp.Column():
                return self._column(node)
            case exp.National():
                return SqlType("nvarchar", _characters(node.name, 4000), nullable=False)
            case exp.Literal():
                return _literal(node)
            case exp.Cast() | exp.TryCast():
                kind = declared(node.to)
                return kind and as_nullable(kind, self._nullable(node.this))
            case exp.Convert():
                kind = declared(node.this)
                return kind and as_nullable(kind, self._nullable(node.expression))
            case exp.Collate():
                return self._collated(node)
            case exp.Case():
                branches = [each.args["true"] for each in node.args["ifs"]]
                return nullable(self._merged([*branches, node.args.get("default")]))
            case exp.Subquery():
                columns = self.output(node)
                return nullable(columns[0][1]) if columns else None
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() | exp.Mod():
                return self._arithmetic(node)
            case exp.BitwiseAnd() | exp.BitwiseOr() | exp.BitwiseXor():
                return merged([self.of(node.left), self.of(node.right)])
            case exp.HexString():
                return SqlType("varbinary", max(len(node.name) // 2, 1), nullable=False)
            case exp.AtTimeZone():
                return SqlType("datetimeoffset", scale=7)
            case exp.Parameter():
                return self._parameters.get(node.name.lower())
            case exp.Trim():
                return self.of(node.this)
            case exp.Anonymous():
                return self._function(node)
        return None

    def _merged(self, nodes: Sequence[exp.Expression | None]) -> SqlType | None:
        return merged(
            [self.of(each) for each in nodes if each is not None and not isinstance(each, exp.Null)]
        )

    def _nullable(self, node: exp.Expression) -> bool:
        kind = self.of(node)
        return kind is None or kind.nullable

    def _column(self, node: exp.Column) -> SqlType | None:
        name, table = node.name.lower(), node.table.lower()
        scope: exp.Expression | None = node
        while scope is not None:
            if isinstance(scope, (exp.Select, exp.Update, exp.Delete, exp.Merge)):
                for alias, columns in self.sources(scope).items():
                    if table in ("", alias):
                        for each, kind in columns.items():
                            if each.lower() == name:
                                return kind
            scope = scope.parent
        return None

    def _collated(self, node: exp.Collate) -> SqlType | None:
        kind = self.of(node.this)
        if kind is None or not kind.is_text:
            return kind
        return SqlType(kind.name, kind.length, binary_collation=binary(node), nullable=kind.nullable)

    def _arithmetic(self, node: exp.Binary) -> SqlType | None:
        left, right = self.of(node.left), self.of(node.right)
        if left and right and left.is_text and right.is_text:
            return _joined([left, right])
        kind = merged([left, right])
        return (
            kind if kind and kind.name in ("tinyint", "smallint", "int", "bigint", "float", "real") else None
        )

    def _function(self, node: exp.Anonymous) -> SqlType | None:
        name, arguments = function_name(node), node.expressions
        if name in _FIXED:
            kind = _FIXED[name]
            return as_nullable(kind, name not in ("COUNT", "COUNT_BIG", "ROW_NUMBER", "NEWID"))
        if name in _FIRST and arguments:
            kind = self.of(arguments[0])
            if name == "ISNULL":
                return kind and as_nullable(kind, kind.nullable and self._nullable(arguments[1]))
            if name in ("REPLACE", "STUFF", "REPLICATE") and kind and kind.is_text and kind.length != MAX:
                return SqlType(kind.name, 4000 if kind.name == "nvarchar" else 8000)
            return nullable(kind)
        if name in ("COALESCE", "CHOOSE"):
            return nullable(self._merged(arguments))
        if name == "IIF":
            return nullable(self._merged(arguments[1:]))
        if name in ("CONCAT", "CONCAT_WS"):
            return _joined([self.of(each) for each in arguments])
        if name == "DATEADD":
            return self.of(arguments[2])
        if name in ("SUM", "AVG") and arguments:
            kind = self.of(arguments[0])
            if kind and kind.name in ("tinyint", "smallint", "int"):
                return INT
            if kind and kind.name == "decimal":
                scale = max(kind.scale, 6) if name == "AVG" else kind.scale
                return SqlType("decimal", precision=38, scale=scale)
            return nullable(FLOAT if kind and kind.name == "real" else kind)
        return None


def declared(node: exp.Expression) -> SqlType | None:
    """The type that a CAST names; a length that is left out is 30."""
    if isinstance(node, exp.DataType) and isinstance(node.this, exp.DataType.Type):
        sizes = tuple(each.name for each in node.expressions)
        return _known(node.this, sizes, "" if node.this in _PLAIN else node.sql("tsql"))
    return _declared(node.sql("tsql"))


_PLAIN = {
    getattr(exp.DataType.Type, name)
    for name in ("NVARCHAR", "VARCHAR", "DECIMAL", "BIGINT", "INT", "VARBINARY", "NCHAR", "CHAR", "BINARY")
}
"""Types that the parser calls by their T-SQL name."""


@functools.lru_cache(2000)
def _known(kind: exp.DataType.Type, sizes: tuple[str, ...], text: str) -> SqlType | None:
    return _declared(text or f"{kind.value}({','.join(sizes)})" if sizes or text else kind.value)


def _declared(text: str) -> SqlType | None:
    try:
        return parse_type(text, 30)
    except UnknownType:
        return None


def binary(node: exp.Collate) -> bool:
    """Whether a COLLATE clause compares byte by byte."""
    return "_BIN" in node.expression.name.upper()


def nullable(kind: SqlType | None) -> SqlType | None:
    return kind and as_nullable(kind, True)


def _nameless(item: exp.Expression) -> bool:
    return not isinstance(item, (exp.Alias, exp.Column))


def _characters(text: str, most: int) -> int:
    """The length of a literal; of one whose place alone is known, the greatest."""
    return (
        most
        if text[:1] == text[-1:] == "~" and text[1:-1].isdigit()
        else max(len(text.encode("utf-16-le", "surrogatepass")) // 2, 1)
    )


def _literal(node: exp.Literal) -> SqlType:
    if node.is_string:
        return SqlType("varchar", _characters(node.name, 8000), nullable=False)
    text = node.name
    if "e" in text.lower():
        return as_nullable(FLOAT, False)
    if "." in text:
        whole, _, part = text.partition(".")
        return SqlType(
            "decimal", precision=max(len(whole.lstrip("0")) + len(part), 1), scale=len(part), nullable=False
        )
    if int(text) < 2**31:
        return as_nullable(INT, False)
    return SqlType("decimal", precision=len(text), nullable=False)


def _joined(kinds: list[SqlType | None]) -> SqlType | None:
    """The type of texts one after the other."""
    texts = [each for each in kinds if each is not None and each.is_text]
    if not texts:
        return SqlType("varchar", 8000)
    wide = any(each.name in ("nvarchar", "nchar") for each in texts)
    if any(each.length == MAX for each in texts):
        return SqlType("nvarchar" if wide else "varchar", MAX)
    length = sum(each.length for each in texts) if len(texts) == len(kinds) else 8000
    return SqlType("nvarchar" if wide else "varchar", min(length, 4000 if wide else 8000))


def merged(kinds: list[SqlType | None]) -> SqlType | None:
    """The type of a CASE, COALESCE or UNION over values of these types."""
    known = [each for each in kinds if each is not None]
    if not known or len(known) != len(kinds):
        texts = [each for each in known if each.is_text]
        return SqlType("nvarchar", MAX) if texts and any(each.length == MAX for each in texts) else None
    first = known[0]
    free = any(each.nullable for each in known)
    if all(each.is_text for each in known):
        wide = any(each.name in ("nvarchar", "nchar") for each in known)
        lengths = [each.length for each in known]
        return SqlType(
            "nvarchar" if wide else "varchar",
            MAX if MAX in lengths else max(lengths),
            binary_collation=any(each.binary_collation for each in known),
            nullable=free,
        )
    if all(each.name == first.name for each in known):
        if first.name == "decimal":
            scale = max(each.scale for each in known)
            whole = max(each.precision - each.scale for each in known)
            return SqlType("decimal", precision=min(whole + scale, 38), scale=scale, nullable=free)
        best = max(known, key=lambda each: (each.length == MAX, each.length, each.scale))
        return as_nullable(best, free)
    if all(each.name in _NUMBERS[:5] or each.name in ("float", "real") for each in known):
        return as_nullable(max(known, key=lambda each: _NUMBERS.index(each.name)), free)
    return None
