"""Proves that the SQL in a mapping is one harmless scalar expression over known columns.

DuckDB's own parser gives the tree, so that what is checked is what would run. Every node must be of an
allowed kind and every function on the list; what is not known is refused. The text that runs later is written
anew from the checked tree, with each column replaced by our own name for it, and must read back as that tree.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tailrace.columns import Column
from tailrace.mapping.allowed import (
    CONSTANT_LIMIT,
    FACTOR_LIMIT,
    FUNCTIONS,
    OPERATORS,
    TYPES,
    Refused,
    Size,
    as_first,
    largest,
    total,
)
from tailrace.mapping.columns import Columns
from tailrace.mapping.expression import FieldError, Path, Sql
from tailrace.spec.suggest import closest

if TYPE_CHECKING:
    import duckdb

TEXT_LIMIT = 10_000
DEPTH_LIMIT = 100
NODE_LIMIT = 2_000

_PLAIN = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "`*` or COLUMNS(…)",
    "PARAMETER": "a parameter",
    "LAMBDA": "a lambda",
    "LAMBDA_REF": "a lambda",
    "DEFAULT": "DEFAULT",
    "POSITIONAL_REFERENCE": "a positional reference",
    "COLLATE": "COLLATE",
}
_KEYWORDS = frozenset(
    {
        *(
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "today",
            "sysdate",
        ),
        *("current_user", "session_user", "user", "current_role", "current_catalog", "current_schema"),
        *("current_database", "rowid"),
    }
)
_HINT = (
    "SQL in a mapping is one scalar expression over the model's columns; see the list of functions in "
    "docs/reference/mapping.md. Anything more belongs into the model's SQL."
)
_VARIES = (
    "Give the model a column for it, and use that here. A column that has another value at each sync makes every record "
    "changed each time: take a time that the record keeps, such as when it was created."
)


def check_sql(connection: duckdb.DuckDBPyConnection, text: object, columns: Columns, path: Path) -> Sql:
    """The expression as it may run.

    Raises FieldError: `expression_not_allowed` naming what is refused, `expression_invalid` if it is no SQL.
    """
    if not isinstance(text, str) or not text.strip():
        raise FieldError("SQL must be a text with one expression", path, hint=_HINT)
    node = _parse(connection, text, path)
    checker = _Checker(connection, columns, path)
    try:
        size = checker.visit(node["statements"][0]["node"]["select_list"][0], 0)
    except Refused as refused:
        raise _not_allowed(str(refused), path, refused.hint) from None
    except RecursionError:
        raise _not_allowed("the expression is nested too deeply", path) from None
    if size.factor > FACTOR_LIMIT or size.constant > CONSTANT_LIMIT:
        raise _not_allowed("the result could become too large", path)
    canonical = _written(connection, node, path)
    for reference, column in checker.references:
        reference["column_names"] = [f"k{columns.index(column)}"]
    return Sql(canonical, tuple(checker.used), _written(connection, node, path))


def _written(connection: duckdb.DuckDBPyConnection, tree: dict[str, Any], path: Path) -> str:
    rows = connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchall()
    text = str(rows[0][0])
    again = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    if not text.startswith("SELECT ") or _bare(json.loads(again[0][0])) != _bare(tree):
        raise _not_allowed("an expression that does not read back as it was written", path)
    return text.removeprefix("SELECT ")


def _bare(tree: Any) -> Any:
    """The tree without where each node stood in the text, and whether a call was written as an operator."""
    if isinstance(tree, dict):
        spelling = ("query_location", "query_location_length", "is_operator")
        return {name: _bare(value) for name, value in tree.items() if name not in spelling}
    return [_bare(item) for item in tree] if isinstance(tree, list) else tree


def _parse(connection: duckdb.DuckDBPyConnection, text: str, path: Path) -> dict[str, Any]:
    if len(text) > TEXT_LIMIT:
        raise _not_allowed(f"the expression is longer than {TEXT_LIMIT:,} characters", path)
    if "\0" in text:
        raise _not_allowed("the expression contains a NUL character", path)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _not_allowed("the expression is not valid Unicode text", path) from None
    rows = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT {text}\n"]).fetchall()
    try:
        tree: dict[str, Any] = json.loads(rows[0][0])
    except RecursionError:
        raise _not_allowed("the expression is nested too deeply", path) from None
    if tree.get("error"):
        reason = str(tree.get("error_message", "")).split("\n")[0] or "it is not SQL"
        raise FieldError(
            f"the expression cannot be read: {reason}", path, hint=_HINT, code="expression_invalid"
        )
    _require_bare(tree, path)
    return tree


def _require_bare(tree: dict[str, Any], path: Path) -> None:
    """Refuse everything around the one expression: FROM, WHERE, LIMIT, a second statement."""
    statements = tree["statements"]
    if len(statements) != 1:
        raise _not_allowed("more than one statement", path)
    statement = statements[0]
    node = statement["node"]
    if node.get("type") != "SELECT_NODE":
        raise _not_allowed("UNION or another compound query", path)
    extras = {
        "FROM": node["from_table"]["type"] != "EMPTY",
        "WHERE": node.get("where_clause"),
        "GROUP BY": node.get("group_expressions") or node.get("group_sets"),
        "HAVING": node.get("having"),
        "QUALIFY": node.get("qualify"),
        "SAMPLE": node.get("sample"),
        "LIMIT, ORDER BY or DISTINCT": node.get("modifiers"),
        "WITH": node["cte_map"]["map"],
        "a parameter": statement.get("named_param_map"),
        "GROUP BY ALL": node.get("aggregate_handling") != "STANDARD_HANDLING",
    }
    for name, present in extras.items():
        if present:
            raise _not_allowed(name, path)
    if len(node["select_list"]) != 1:
        raise _not_allowed("more than one expression", path)
    if node["select_list"][0].get("alias"):
        raise _not_allowed("an alias (AS …)", path)


def _not_allowed(what: str, path: Path, hint: str = "") -> FieldError:
    return FieldError(
        f"not allowed in SQL of a mapping: {what}", path, hint=hint or _HINT, code="expression_not_allowed"
    )


def _varies(name: str) -> Refused:
    return Refused(f"`{name}`: the same record must always render the same", _VARIES)


def _function_refused(connection: duckdb.DuckDBPyConnection, name: str) -> Refused:
    """Why a function is not on the list, as far as DuckDB tells: it varies, it is an aggregate, or there is none."""
    kinds = connection.execute(
        "SELECT function_type, stability FROM duckdb_functions() WHERE function_name = ?", [name]
    ).fetchall()
    if any(stability in ("VOLATILE", "CONSISTENT_WITHIN_QUERY") for _, stability in kinds):
        return _varies(f"{name}()")
    if any(kind == "aggregate" for kind, _ in kinds):
        return Refused(f"the aggregate `{name}`")
    meant = None if kinds else closest(name, filter(str.isidentifier, FUNCTIONS))
    return Refused(f"the function `{name}`{f' (did you mean `{meant}`?)' if meant else ''}")


class _Checker:
    """Walks one parsed expression, renames its columns, and bounds its result."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: Columns, path: Path) -> None:
        self.connection = connection
        self.columns = columns
        self.path = path
        self.used: list[Column] = []
        self.references: list[tuple[dict[str, Any], Column]] = []
        self.nodes = 0

    def visit(self, node: dict[str, Any], depth: int) -> Size:
        self.nodes += 1
        if depth > DEPTH_LIMIT:
            raise Refused("the expression is nested too deeply")
        if self.nodes > NODE_LIMIT:
            raise Refused("the expression has too many parts")
        kind = node["class"]
        visit = getattr(self, f"_visit_{kind.lower()}", None)
        if visit is None:
            raise Refused(_PLAIN.get(kind, f"`{kind.lower()}`"))
        size: Size = visit(node, depth + 1)
        if size.factor > FACTOR_LIMIT * 8 or size.constant > CONSTANT_LIMIT * 8:
            raise Refused("the result could become too large")
        return size

    def _all(self, nodes: list[dict[str, Any]], depth: int) -> list[Size]:
        return [self.visit(node, depth) for node in nodes]

    def _visit_constant(self, node: dict[str, Any], _: int) -> Size:
        literal = str(node["literal"].get("text", ""))
        return Size(0, len(literal.encode()) + 16, literal)

    def _visit_column_ref(self, node: dict[str, Any], _: int) -> Size:
        names = node["column_names"]
        if len(names) != 1:
            column = self.columns.find(names[0]) if self.columns.known else None
            if column is not None:
                raise Refused(f"`{'.'.join(names)}`; write {column.name} ->> '$.{'.'.join(names[1:])}'")
            raise Refused(f"the qualified name `{'.'.join(names)}`")
        if names[0].lower() in _KEYWORDS and not (self.columns.known and self.columns.find(names[0])):
            raise _varies(names[0])
        column = self.columns.get(names[0], self.path, " A text stands in single quotes.")
        if column not in self.used:
            self.used.append(column)
        node["column_names"] = [f"k{self.used.index(column)}"]
        self.references.append((node, column))
        return Size(1, 16)

    def _visit_function(self, node: dict[str, Any], depth: int) -> Size:
        name = node["function_name"].lower()
        path = node.get("qualified_name", {}).get("path", [name])
        if node.get("schema") or node.get("catalog") or len(path) != 1:
            raise Refused(f"the qualified function `{'.'.join(path)}`")
        if node.get("filter") or node.get("distinct") or node.get("order_bys", {}).get("orders"):
            raise Refused(f"an aggregate ({name})")
        growth = FUNCTIONS.get(name)
        if growth is None:
            raise _function_refused(self.connection, name)
        arguments = node["arguments"]
        if name != "struct_pack" and any(argument.get("name") for argument in arguments):
            raise Refused(f"a named argument of `{name}`")
        sizes = self._all([argument["expression"] for argument in arguments], depth)
        return growth(sizes)

    def _visit_lambda(self, node: dict[str, Any], depth: int) -> Size:
        # `json -> 'path'` is parsed as a lambda; no allowed function takes a real one
        if node["syntax_type"] != "SINGLE_ARROW" or node["expr"]["class"] != "CONSTANT":
            raise Refused("a lambda")
        return as_first(self._all([node["lhs"], node["expr"]], depth))

    def _visit_case(self, node: dict[str, Any], depth: int) -> Size:
        results: list[Size] = []
        for branch in node["case_checks"]:
            self.visit(branch["when_expr"], depth)
            results.append(self.visit(branch["then_expr"], depth))
        results.append(self.visit(node["else_expr"], depth))
        return largest(results)

    def _visit_cast(self, node: dict[str, Any], depth: int) -> Size:
        kind = node["type_expr"]
        name = str(kind.get("type_name", "")).lower()
        path = kind.get("qualified_name", {}).get("path", [name])
        if kind.get("class") != "TYPE" or name not in TYPES or len(path) != 1 or kind.get("schema"):
            raise Refused(f"the type `{name or '?'}`")
        for parameter in kind.get("children", []):
            if parameter["class"] != "CONSTANT" or parameter["literal"].get("kind") != "INTEGER":
                raise Refused(f"a parameter of the type `{name}`")
        size = self.visit(node["child"], depth)
        return size.times(6) if name == "json" else Size(size.factor, size.constant + 64)

    def _visit_comparison(self, node: dict[str, Any], depth: int) -> Size:
        self._all([node["left"], node["right"]], depth)
        return Size()

    def _visit_conjunction(self, node: dict[str, Any], depth: int) -> Size:
        self._all(node["children"], depth)
        return Size()

    def _visit_between(self, node: dict[str, Any], depth: int) -> Size:
        self._all([node["input"], node["lower"], node["upper"]], depth)
        return Size()

    def _visit_operator(self, node: dict[str, Any], depth: int) -> Size:
        kind = node["type"]
        if kind not in OPERATORS:
            raise Refused(_PLAIN.get(kind, f"`{kind.lower()}`"))
        sizes = self._all(node["children"], depth)
        if kind == "OPERATOR_COALESCE":
            return largest(sizes)
        return total(sizes)
