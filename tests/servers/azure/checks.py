"""What a dedicated pool refuses though its words are T-SQL's, seen from a statement's tree."""

from __future__ import annotations

import math

from sqlglot import exp
from tests.servers.azure.errors import SqlError, engine_error, invalid_column, parse_error, unsupported
from tests.servers.azure.infer import Types
from tests.servers.azure.lexer import word_set

_MOST_SELECTED, _MOST_JOINED = 4096, 254
_ARGUMENTS = {
    "ISNULL": 2, "SUBSTRING": 3, "REPLACE": 3, "STUFF": 4, "LEFT": 2, "RIGHT": 2, "LEN": 1, "DATALENGTH": 1, "REPLICATE": 2,
    "UPPER": 1, "LOWER": 1, "NULLIF": 2, "HASHBYTES": 2,
}  # fmt: skip
_ORDERED = word_set("ROW_NUMBER RANK DENSE_RANK NTILE LAG LEAD FIRST_VALUE LAST_VALUE CUME_DIST PERCENT_RANK")
_ROWS = word_set("OPENJSON OPENROWSET STRING_SPLIT")
"""Functions that give rows."""
_CONDITIONS = (exp.Predicate, exp.And, exp.Or, exp.Not)


def check(tree: exp.Expression, types: Types) -> None:
    """Refuse what a pool refuses. Raises SqlError."""
    clause = tree.args.get("with_")
    if clause is not None and not isinstance(tree, exp.Query):
        raise parse_error({exp.Insert: "INSERT", exp.Update: "UPDATE"}.get(type(tree), "DELETE"))
    for node in tree.walk():
        match node:
            case exp.With() if node.parent is not tree:
                raise parse_error("WITH")
            case exp.CTE() if any(
                each.name.lower() == node.alias.lower() and not each.db
                for each in node.this.find_all(exp.Table)
            ):
                raise unsupported(f"Recursive common table expressions are not supported ('{node.alias}').")
            case exp.Select():
                _select(node, tree, types)
            case exp.Values() if isinstance(node.parent, exp.Insert) and len(node.expressions) > 1:
                raise parse_error(",")
            case exp.Values() if not isinstance(node.parent, exp.Insert):
                raise parse_error("VALUES")
            case exp.Boolean():
                raise SqlError(207, f"Invalid column name '{node}'.")
            case exp.Where() | exp.Having():
                _condition(node.this)
            case exp.Join() if node.args.get("on") is not None:
                _condition(node.args["on"])
            case exp.Join() if (
                not node.args.get("on")
                and (node.side or node.kind == "INNER")
                and not isinstance(node.this, exp.Lateral)
            ):
                raise parse_error("JOIN")
            case exp.If() if isinstance(node.parent, exp.Case) and node.parent.this is None:
                _condition(node.this)
            case exp.And() | exp.Or():
                _condition(node.left)
                _condition(node.right)
            case exp.Not():
                _condition(node.this)
            case exp.Delete() if not node.args.get("tables") and node.this.alias:
                raise parse_error("AS")
            case exp.Merge():
                _merge(node)
            case exp.Collate() if node.expression.name.upper().endswith("_UTF8"):
                raise engine_error(104409, f"Collation '{node.expression.name}' is not supported.")
            case exp.Anonymous():
                _arguments(node)
            case exp.Window():
                _window(node)
            case exp.Star() if node.args.get("except_") or node.args.get("replace"):
                raise parse_error("(")
            case exp.Tuple() if isinstance(
                node.parent, (exp.EQ, exp.NEQ, exp.GT, exp.LT, exp.GTE, exp.LTE, exp.In)
            ):
                raise parse_error(",")
            case exp.Distinct() if len(node.expressions) > 1:
                raise parse_error(",")
            case exp.Insert() if isinstance(node.this, exp.Table) and node.this.alias:
                raise parse_error("AS")
            case exp.Table() if isinstance(node.this, exp.Anonymous) and node.name.upper() not in _ROWS:
                raise SqlError(208, f"Invalid object name '{node.name}'.")
            case exp.Update() if node.this is not None and node.this.args.get("alias"):
                raise parse_error("AS")
            case exp.Literal() if not node.is_string and math.isinf(float(node.name)):
                raise SqlError(
                    168,
                    f"The floating point value '{node.name}' is out of the range of computer representation (8 bytes).",
                    15,
                )


def _condition(node: exp.Expression) -> None:
    inner = node.unnest()
    if not isinstance(inner, _CONDITIONS) or isinstance(inner, (exp.Parameter, exp.Column)):
        near = inner.sql("tsql").split()[-1]
        raise SqlError(
            4145,
            "An expression of non-boolean type specified in a context where a condition is expected, near"
            f" '{near}'.",
            15,
        )


def _select(node: exp.Select, tree: exp.Expression, types: Types) -> None:
    if len(node.expressions) > _MOST_SELECTED:
        words = f"The number of elements in the select list exceeds the maximum allowed number of {_MOST_SELECTED}"
        raise SqlError(1056, f"{words} elements.", 15)
    assigning = False
    for item in node.expressions:
        value = item.unalias()
        if isinstance(value, exp.EQ) and isinstance(value.this, exp.Parameter):
            assigning = True
            _accumulating(value)
        elif isinstance(value.unnest(), _CONDITIONS):
            raise parse_error(_sign(value.unnest()))
    if assigning and node is not tree:
        raise parse_error("=")
    group = node.args.get("group")
    if group is not None and any(isinstance(each, exp.Literal) for each in group.expressions):
        raise SqlError(
            164,
            "Each GROUP BY expression must contain at least one column that is not an outer reference.",
            15,
        )
    if node.args.get("offset") or isinstance(node.args.get("limit"), exp.Fetch):
        raise parse_error("OFFSET")
    _order(node, tree)
    _distinct_order(node)
    _aliases(node, types)
    _derived(node, types)


def _accumulating(value: exp.EQ) -> None:
    own = value.this.name.lower()
    if any(each.name.lower() == own for each in value.expression.find_all(exp.Parameter)):
        raise unsupported(
            "Queries that accumulate a variable's value over rows, such as SELECT @x = @x + column, are not supported."
        )


def _order(node: exp.Select, tree: exp.Expression) -> None:
    if node is tree or not node.args.get("order") or node.args.get("limit") or node.args.get("offset"):
        return
    if node.find_ancestor(exp.Subquery, exp.CTE, exp.Insert, exp.Create, exp.Exists, exp.In) is not None:
        raise SqlError(
            1033,
            "The ORDER BY clause is invalid in views, CREATE TABLE AS SELECT, INSERT SELECT, SELECT INTO, inline"
            " functions, derived tables, subqueries, and common table expressions, unless TOP or FOR XML is also"
            " specified.",
            15,
        )


def _distinct_order(node: exp.Select) -> None:
    order = node.args.get("order")
    if order is None or not node.args.get("distinct") or any(each.is_star for each in node.expressions):
        return
    listed = {each.alias_or_name.lower() for each in node.expressions}
    listed |= {each.unalias().sql("tsql").lower() for each in node.expressions}
    for each in order.expressions:
        item = each.this
        if not item.is_number and item.sql("tsql").lower() not in listed and item.name.lower() not in listed:
            raise SqlError(
                145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.", 15
            )


def _aliases(node: exp.Select, types: Types) -> None:
    """An alias of the select list names nothing but an item of ORDER BY. Raises SqlError 207."""
    given = {each.alias.lower() for each in node.expressions if isinstance(each, exp.Alias)}
    if not given:
        return
    read = [columns for scope in _scopes(node) for columns in types.sources(scope).values()]
    if not all(read):
        return  # not all that it reads is known
    names = {name.lower() for columns in read for name in columns}
    for column in _within(node):
        name = column.name.lower()
        if column.table or name not in given or name in names:
            continue
        if not (isinstance(column.parent, exp.Ordered) and column.parent.parent is node.args.get("order")):
            raise invalid_column(column.name)


def _scopes(node: exp.Select) -> list[exp.Expression]:
    """What a SELECT sees: itself, and what it stands in an expression of; a table of FROM sees nothing around it."""
    found: list[exp.Expression] = [node]
    inner, outer = node, node.parent
    while outer is not None and not isinstance(inner.parent, (exp.From, exp.Join, exp.CTE)):
        if isinstance(outer, (exp.Select, exp.Update, exp.Delete, exp.Merge)):
            found.append(outer)
        inner, outer = outer, outer.parent
    return found


def _within(node: exp.Select) -> list[exp.Column]:
    """The columns that a SELECT names itself, not in a query within it."""
    walked = node.walk(prune=lambda each: isinstance(each, exp.Query) and each is not node)
    return [each for each in walked if isinstance(each, exp.Column)]


def _arguments(node: exp.Anonymous) -> None:
    name, count = node.name.upper(), len(node.expressions)
    if name == "CONCAT" and not 2 <= count <= _MOST_JOINED:
        raise SqlError(189, f"The concat function requires 2 to {_MOST_JOINED} arguments.", 15)
    if name == "COALESCE" and count < 2:
        raise parse_error(")")
    wanted = _ARGUMENTS.get(name, count)
    if count != wanted:
        raise SqlError(174, f"The {name.lower()} function requires {wanted} argument(s).", 15)


def _window(node: exp.Window) -> None:
    function = node.this.find(exp.Anonymous)
    if function is not None and function.name.upper() in _ORDERED and not node.args.get("order"):
        raise SqlError(4112, f"The function '{function.name}' must have an OVER clause with ORDER BY.", 15)
    if node.this.find(exp.Distinct) is not None:
        raise SqlError(10759, "Use of DISTINCT is not allowed with the OVER clause.", 15)


def _derived(node: exp.Select, types: Types) -> None:
    read = [node.args.get("from_"), *(node.args.get("joins") or [])]
    for each in read:
        source = each.this if each is not None else None
        if not isinstance(source, exp.Subquery):
            continue
        if not source.alias:
            raise parse_error(")")
        _named_columns(source, source.alias, types)
    clause = node.args.get("with_")
    for common in clause.expressions if clause else []:
        _named_columns(common, common.alias, types)


def _named_columns(source: exp.Expression, alias: str, types: Types) -> None:
    given = source.args.get("alias")
    if isinstance(given, exp.TableAlias) and given.columns:
        return
    seen: set[str] = set()
    for number, (name, _) in enumerate(types.output(source.this), 1):
        if not name:
            raise SqlError(8155, f"No column name was specified for column {number} of '{alias}'.")
        if name.lower() in seen:
            raise SqlError(8156, f"The column '{name}' was specified multiple times for '{alias}'.")
        seen.add(name.lower())


def _merge(node: exp.Merge) -> None:
    for when in node.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Insert) and when.args.get("source"):
            raise engine_error(104469, "An INSERT is not allowed in WHEN NOT MATCHED BY SOURCE of a MERGE.")


def _sign(node: exp.Expression) -> str:
    return {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.LT: "<", exp.GTE: ">=", exp.LTE: "<=", exp.Is: "IS",
            exp.And: "AND", exp.Or: "OR", exp.Not: "NOT", exp.Exists: "EXISTS", exp.In: "IN", exp.Like: "LIKE"}.get(
        type(node), node.key.upper()
    )  # fmt: skip
