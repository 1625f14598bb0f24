"""One T-SQL statement as the engine's SQL: names resolved, comparisons by collation, functions by macros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from tests.servers.azure.casts import cast, plain
from tests.servers.azure.catalog import Table
from tests.servers.azure.checks import check
from tests.servers.azure.dialect import generate, parse
from tests.servers.azure.errors import SqlError, invalid_object, parse_error
from tests.servers.azure.functions import SYSTEM, VARIABLES, call, name_of
from tests.servers.azure.infer import Types, binary, function_name, is_text
from tests.servers.azure.lexer import word_set
from tests.servers.azure.names import Names, table_name
from tests.servers.azure.types import SqlType, duckdb_type
from tests.servers.azure.updates import Changes

_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


@dataclass
class Translation:
    """A statement, ready to run."""

    verb: str
    sql: str
    reads: list[Table] = field(default_factory=list)
    target: Table | None = None
    columns: list[tuple[str, SqlType | None]] = field(default_factory=list)
    system: list[tuple[str, list[str]]] = field(default_factory=list)
    """Functions of the session whose values are parameters: their names and arguments."""
    views: set[str] = field(default_factory=set)
    """System views that it reads."""
    assigns: list[str] = field(default_factory=list)
    """Variables that it sets, in the order of its columns."""


def parsed(text: str) -> exp.Expression:
    """The tree of one statement. Raises SqlError."""
    try:
        trees = [each for each in parse(text) if each is not None]
    except (ParseError, TokenError) as error:
        found = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
        raise parse_error(
            str(found.get("highlight") or ""), int(found.get("line") or 1), int(found.get("col") or 1)
        ) from error
    if len(trees) != 1:
        raise parse_error(";")
    return trees[0]


class Translator:
    """Translates one statement."""

    def __init__(self, names: Names, parameters: Mapping[str, SqlType]) -> None:
        self._names, self._parameters = names, parameters
        self.types = Types(lambda table: self._lookup(table), parameters)
        self._reads: dict[int, Table] = {}
        self._result = Translation("", "")

    def translate(self, text: str, verb: str) -> Translation:
        """The translation of a query or a change of rows. Raises SqlError."""
        tree = parsed(text)
        result = self._result
        result.verb = verb
        check(tree, self.types)
        if isinstance(tree, exp.Query):
            result.columns = self.types.output(tree)
            self._assignments(tree)
        if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            changes = Changes(self._names, self._resolve)
            tree = changes.rewritten(tree)
            result.target = changes.target
        tree = self._rewrite(tree)
        result.sql = generate(tree)
        result.reads = list(self._reads.values())
        return result

    def _assignments(self, tree: exp.Query) -> None:
        """SELECT @x = … sets variables."""
        for item in tree.expressions if isinstance(tree, exp.Select) else []:
            if isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter):
                self._result.assigns.append(item.this.name.lower())
                item.replace(item.expression)

    # -- names

    def _resolve(self, node: exp.Table) -> Table | None:
        found = self._names.table(node.db, table_name(node))
        if found is None and node.db.lower() not in ("sys", "information_schema"):
            raise invalid_object(f"{node.db}.{node.name}" if node.db else table_name(node))
        return found

    def _lookup(self, node: exp.Table):  # type: ignore[no-untyped-def]
        found = self._names.table(node.db, table_name(node))
        return found.columns if found else None

    def _table(self, node: exp.Table) -> exp.Expression:
        if isinstance(node.this, exp.OpenJSON):
            return self._open_json(node)
        if not isinstance(node.this, exp.Identifier):
            return node
        if node.args.get("placed") or (not node.db and self.types.common(node) is not None):
            node.set("hints", None)
            return node
        if node.catalog and node.catalog.lower() not in ("tempdb", self._names.pool.lower()):
            raise SqlError(
                40515,
                f"Reference to database and/or server name in '{node.sql()}' is not supported in this version of SQL"
                " Server.",
                15,
            )
        found = self._resolve(node)
        alias = node.alias or table_name(node)
        if found is None:
            view = f"{node.db}.{node.name}".lower()
            if node.catalog.lower() == "tempdb":
                view = f"tempdb.{view}"
            self._result.views.add(view)
            place = exp.Table(this=exp.to_identifier(view, quoted=True))
        else:
            self._reads[found.number] = found
            place = exp.Table(this=exp.Var(this=found.stored))
        columns = node.args["alias"].columns if node.args.get("alias") else []
        place.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=columns))
        if node.args.get("joins"):
            place.set("joins", node.args["joins"])
        place.set("placed", True)
        return place

    def _open_json(self, node: exp.Table) -> exp.Expression:
        """OPENJSON over an array of objects, as a query over its elements."""
        source = node.this
        items = []
        for each in source.expressions:
            path = each.args["path"].name if each.args.get("path") else f"$.{each.name}"
            raw = exp.Anonymous(
                this="json_extract_string",
                expressions=[exp.column("value", quoted=True), exp.Literal.string(path)],
            )
            whole = exp.Anonymous(
                this="json_extract", expressions=[exp.column("value", quoted=True), exp.Literal.string(path)]
            )
            value = (
                exp.Cast(this=whole, to=exp.DataType.build("VARCHAR")) if each.args.get("as_json") else raw
            )
            typed = cast(value, each.args["kind"], None, self.types, text=True)
            items.append(exp.alias_(typed, each.name, quoted=True))
        if not items:
            items = [
                exp.alias_(
                    exp.Anonymous(this="_json_key", expressions=[exp.column("key")]), "key", quoted=True
                ),
                exp.column("value", quoted=True),
            ]
        arguments = [
            source.this,
            *([source.args["path"]] if isinstance(source.args.get("path"), exp.Literal) else []),
        ]
        each = exp.Anonymous(this="json_each", expressions=arguments)
        inner = exp.select(*items).from_(exp.Table(this=each, placed=True))
        return exp.Subquery(this=inner, alias=node.args.get("alias"))

    # -- expressions

    def _rewrite(self, tree: exp.Expression) -> exp.Expression:
        new = self._node(tree)
        for child in list(new.iter_expressions()):
            replaced = self._rewrite(child)
            if replaced is not child:
                child.replace(replaced)
        return new

    def _text(self, node: exp.Expression) -> exp.Expression:
        """A value as it is compared: trailing blanks count for nothing."""
        if isinstance(node, (exp.Star, exp.Null, exp.Subquery)) or not is_text(self.types.of(node)):
            return node
        if isinstance(node, exp.Anonymous) and node.name == "_t":
            return node
        return exp.Anonymous(this="_t", expressions=[node])

    def _bytes(self, node: exp.Expression) -> exp.Expression:
        """A value as it is compared: zero bytes at its end count for nothing."""
        kind = self.types.of(node) if isinstance(node, (exp.Column, exp.Cast, exp.HexString)) else None
        if kind is None or kind.name not in ("binary", "varbinary"):
            return node
        return exp.Anonymous(this="_b", expressions=[node])

    def _node(self, node: exp.Expression) -> exp.Expression:
        match node:
            case exp.Table():
                return self._table(node)
            case exp.Select():
                self._select(node)
            case exp.EQ() if isinstance(node.parent, (exp.Update, exp.When)):
                return node  # an assignment
            case exp.EQ() | exp.NEQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
                both = [self._bytes(self._text(each)) for each in (node.left, node.right)]
                node.set("this", both[0])
                node.set("expression", both[1])
            case exp.In():
                self._in(node)
            case exp.Between():
                for part in ("this", "low", "high"):
                    node.set(part, self._text(node.args[part]))
            case exp.Like():
                return self._like(node)
            case exp.Ordered():
                if not isinstance(node.this, exp.Literal) and not _of_set(node):
                    node.set("this", self._text(node.this))
            case exp.Window():
                node.set("partition_by", [self._text(each) for each in node.args.get("partition_by") or []])
            case exp.Distinct() if node.expressions:
                node.set("expressions", [self._text(each) for each in node.expressions])
            case exp.Intersect() | exp.Except():
                for side in (node.left, node.right):
                    self._set_operand(side)
            case exp.National():
                return exp.Literal.string(node.name)
            case exp.Literal() if node.is_string:
                return _ansi(node)
            case exp.Add():
                return self._add(node)
            case exp.Div():
                return exp.Anonymous(this="_div", expressions=[node.left, node.right])
            case exp.Cast() if not node.args.get("placed"):
                return cast(node.this, node.to, node, self.types)
            case exp.Convert():
                return cast(node.expression, node.this, node, self.types)
            case exp.Collate():
                word = "C" if binary(node) or "_CS_" in node.expression.name.upper() else "NOCASE"
                return exp.Collate(this=plain(node.this, "VARCHAR"), expression=exp.Var(this=word))
            case exp.AtTimeZone():
                return exp.Anonymous(this="_utc", expressions=[node.this])
            case exp.Parameter():
                return self._parameter(node)
            case exp.Anonymous():
                return self._function(node)
            case exp.Column():
                if node.name.upper() == "CURRENT_TIMESTAMP" and not node.table:
                    return exp.Anonymous(this="_now", expressions=[])
                node.set("db", None)
                node.set("catalog", None)
        return node

    def _select(self, node: exp.Select) -> None:
        node.set("options", None)
        node.set("hint", None)
        distinct = node.args.get("distinct")
        if distinct and not distinct.args.get("on"):
            items = [each.unalias() for each in node.expressions]
            texts = [
                item for item in items if not isinstance(item, exp.Star) and is_text(self.types.of(item))
            ]
            if texts and not any(isinstance(each, exp.Star) for each in items):
                on = [self._text(item.copy()) if item in texts else item.copy() for item in items]
                distinct.set("on", exp.Tuple(expressions=on))
        group = node.args.get("group")
        if group is None or not group.expressions:
            return
        keys = [each for each in group.expressions if is_text(self.types.of(each))]
        group.set(
            "expressions",
            [self._text(each.copy()) if each in keys else each for each in group.expressions],
        )
        if not keys:
            return
        parts = [*node.expressions, node.args.get("having"), *_ordering(node)]
        for part in parts:
            if part is not None:
                _any_of(part, keys)

    def _set_operand(self, side: exp.Expression) -> None:
        if isinstance(side, exp.Select):
            items = []
            for each in side.expressions:
                kind = self.types.of(each.unalias())
                word = "_t" if kind is not None and kind.binary_collation else "_k"
                inner = each.unalias()
                wrapped = exp.Anonymous(this=word, expressions=[inner]) if is_text(kind) else inner
                items.append(exp.alias_(wrapped, each.alias, quoted=True) if each.alias else wrapped)
            side.set("expressions", items)

    def _in(self, node: exp.In) -> None:
        if node.args.get("placed"):
            return
        textual = is_text(self.types.of(node.this))
        query = node.args.get("query")
        inner = query.unnest() if query is not None else None
        if textual and isinstance(inner, exp.Select) and len(inner.expressions) == 1:
            item = inner.expressions[0]
            if not isinstance(item, exp.Star):
                inner.set("expressions", [exp.alias_(self._text(item.unalias()), "_in")])
        node.set("this", self._text(node.this))
        node.set("expressions", [self._text(each) for each in node.expressions])

    def _like(self, node: exp.Like) -> exp.Expression:
        kind = self.types.of(node.this)
        exact = any(isinstance(each, exp.Collate) and binary(each) for each in (node.this, node.expression))
        exact = exact or bool(kind and kind.binary_collation)
        pattern = node.expression
        if isinstance(pattern, (exp.Literal, exp.National)) and "[" in pattern.name:
            options = "s" if exact else "is"
            found = exp.Anonymous(
                this="regexp_full_match",
                expressions=[
                    node.this,
                    exp.Literal.string(_regex(pattern.name)),
                    exp.Literal.string(options),
                ],
            )
            return exp.Not(this=found) if node.args.get("negate") else found
        return node if exact else exp.ILike(**node.args)

    def _add(self, node: exp.Add) -> exp.Expression:
        left, right = self.types.of(node.left), self.types.of(node.right)
        if (
            left
            and right
            and not left.is_text
            and not right.is_text
            and left.name not in ("varbinary", "binary")
        ):
            return node
        return exp.Anonymous(this="_add", expressions=[node.left, node.right])

    def _parameter(self, node: exp.Parameter) -> exp.Expression:
        if isinstance(node.this, exp.Parameter):
            name = f"@@{node.this.name}".upper()
            if name not in VARIABLES:
                raise SqlError(137, f'Must declare the scalar variable "{name}".', 15)
            return self._system(name, [])
        kind = self._parameters.get(node.name.lower())
        if kind is None:
            raise SqlError(137, f'Must declare the scalar variable "@{node.name}".', 15)
        to = exp.DataType.build(duckdb_type(kind), dialect="duckdb")
        return exp.Cast(this=exp.Var(this=f"$p_{node.name.lower()}"), to=to, placed=True)

    def _system(self, name: str, arguments: list[str]) -> exp.Expression:
        self._result.system.append((name, arguments))
        return exp.Var(this=f"$f_{len(self._result.system) - 1}")

    def _function(self, node: exp.Anonymous) -> exp.Expression:
        name = function_name(node)
        if name.startswith("_") or node.args.get("placed"):
            return node
        if name in SYSTEM:
            return self._system(name, [_argument(each) for each in node.expressions])
        return call(name_of(node), node, self.types)


def _argument(node: exp.Expression) -> str:
    return node.name if isinstance(node, (exp.Literal, exp.National)) else ""


def _ansi(node: exp.Literal) -> exp.Expression:
    """A literal without N keeps only what the database's code page has."""
    if node.name.isascii():
        return node
    encoded = node.name.encode("utf-16-le", "surrogatepass")
    units = [encoded[at : at + 2].decode("utf-16-le", "replace") for at in range(0, len(encoded), 2)]
    text = "".join(each.encode("cp1252", "replace").decode("cp1252") for each in units)
    return exp.Literal.string(text) if text != node.name else node


def _regex(pattern: str) -> str:
    """A LIKE pattern with character classes, as a regular expression."""
    parts, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        close = pattern.find("]", at + 1) if sign == "[" else -1
        if close > 0:
            parts.append("[" + pattern[at + 1 : close].replace("\\", "\\\\") + "]")
            at = close
        else:
            parts.append({"%": ".*", "_": "."}.get(sign, f"\\{sign}" if sign in r"\.^$*+?()[]{}|" else sign))
        at += 1
    return "".join(parts)


def _ordering(node: exp.Select) -> list[exp.Expression]:
    order = node.args.get("order")
    return list(order.expressions) if order else []


def _of_set(node: exp.Ordered) -> bool:
    """Whether it orders a UNION, whose columns cannot be computed with there."""
    return isinstance(node.parent, exp.Order) and isinstance(node.parent.parent, exp.SetOperation)


_AGGREGATES = word_set("COUNT COUNT_BIG SUM AVG MIN MAX STRING_AGG STDEV STDEVP VAR VARP")


def _same(node: exp.Expression, key: exp.Expression) -> bool:
    """Whether an expression is what a query is grouped by; `a` and `t.a` are."""
    if isinstance(node, exp.Column) and isinstance(key, exp.Column):
        tables = {node.table.lower(), key.table.lower()} - {""}
        return node.name.lower() == key.name.lower() and len(tables) < 2
    return node == key


def _any_of(part: exp.Expression, keys: list[exp.Expression]) -> None:
    """In a grouped query, take one value of each group for what it is grouped by."""
    stack = [part]
    while stack:
        node = stack.pop()
        if any(_same(node, key) for key in keys):
            taken = exp.Anonymous(this="any_value", expressions=[node.copy()], placed=True)
            shown = isinstance(node, exp.Column) and isinstance(node.parent, exp.Select)
            node.replace(exp.alias_(taken, node.name, quoted=True) if shown else taken)
            continue
        if function_name(node) in _AGGREGATES and not isinstance(node.parent, exp.Window):
            continue
        stack += [child for child in node.iter_expressions() if not isinstance(child, exp.Query)]
