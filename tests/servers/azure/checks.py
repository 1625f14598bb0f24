"""What a dedicated pool refuses though its words are T-SQL's, seen from a statement's tree."""

from __future__ import annotations

from sqlglot import exp
from tests.servers.azure.errors import SqlError, engine_error, parse_error, unsupported
from tests.servers.azure.infer import Types

_MOST_SELECTED, _MOST_JOINED = 4096, 254
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
            case exp.Anonymous() if node.name.upper() == "CONCAT" and len(node.expressions) > _MOST_JOINED:
                raise SqlError(189, f"The concat function requires 2 to {_MOST_JOINED} arguments.", 15)
            case exp.CurrentDate():
                raise SqlError(195, "'CURRENT_DATE' is not a recognized built-in function name.", 15, 10)


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
    _order(node, tree)
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
