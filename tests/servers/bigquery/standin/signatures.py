"""Types that do not go together: DuckDB converts them, BigQuery refuses the statement.

https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules and .../operators#comparison_operators.
Only what is certain is refused: where a type cannot be told, the engine decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.errors import invalid_query
from tests.servers.bigquery.standin.statement import Statement, TableName
from tests.servers.bigquery.standin.types import COERCED, SQL_NAMES

_NAMES = {
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR"), "STRING"),
    **dict.fromkeys(("BIGINT", "INT", "SMALLINT", "TINYINT"), "INT64"),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "FLOAT64"),
    **dict.fromkeys(("VARBINARY", "BINARY"), "BYTES"),
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "DATETIME": "DATETIME",
    "TIMESTAMPTZ": "TIMESTAMP",
    "TIME": "TIME",
    "JSON": "JSON",
    "ARRAY": "ARRAY",
}
_NUMBERS = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
_OF_TEXT = {"DATE", "DATETIME", "TIMESTAMP", "TIME"}
"""What a literal text becomes by itself."""
_OF_NUMBER = {"FLOAT64": {"NUMERIC", "BIGNUMERIC"}}
_UNEQUAL = {"JSON", "ARRAY"}
_OPERATORS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
}


def check_types(
    catalog: Catalog, connection: duckdb.DuckDBPyConnection, statement: Statement, project: str
) -> None:
    """Refuse what compares, combines or inserts values of types that do not go together. Raises Refusal."""
    known: dict[str, dict[str, str]] = {}
    try:
        query = _query(catalog, connection, statement.tree.copy(), project, known)
        if query is None:
            return
        schema = MappingSchema(known, dialect="bigquery")
        query = qualify(
            query, schema=schema, dialect="bigquery", validate_qualify_columns=False, quote_identifiers=False
        )
        query = annotate_types(query, schema=schema, dialect="bigquery")
    except (SqlglotError, duckdb.Error):
        return
    for node in query.walk():
        _check(node)
    if statement.kind == "INSERT" and statement.target is not None:
        _check_inserted(catalog, connection, statement, query)


def _query(
    catalog: Catalog,
    connection: duckdb.DuckDBPyConnection,
    tree: exp.Expression,
    project: str,
    known: dict[str, Any],
) -> Any:
    """The query inside a statement, its tables under plain names, whose columns `known` gets."""
    if isinstance(tree, exp.Update | exp.Delete):
        return None
    query = tree if isinstance(tree, exp.Query) else tree.args.get("expression")
    if not isinstance(query, exp.Query):
        return None
    inner = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for table in list(query.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier) or (not table.db and table.name.lower() in inner):
            continue
        name = TableName(table.catalog or project, table.db, table.name)
        place = f"t{len(known)}"
        known[place] = {
            str(each["name"]): SQL_NAMES.get(each["type"], each["type"])
            if each["mode"] != "REPEATED"
            else f"ARRAY<{SQL_NAMES.get(each['type'], each['type'])}>"
            for each in catalog.columns(connection, name)
            if each["type"] != "RECORD"
        }
        table.replace(exp.table_(place, alias=table.alias or table.name))
    return query


def _check(node: exp.Expression) -> None:
    if operator := _OPERATORS.get(type(node)):
        left, right = node.this, node.expression
        for side in (left, right):
            if (kind := type_of(side)) in _UNEQUAL:
                raise invalid_query(f"Equality is not defined for arguments of type {kind}")
        if not _go_together((left, right)):
            raise invalid_query(
                f"No matching signature for operator {operator} for argument types:"
                f" {type_of(left)}, {type_of(right)}"
            )
    elif isinstance(node, exp.Coalesce):
        _require_one_type("COALESCE", [node.this, *node.expressions])
    elif isinstance(node, exp.Case):
        arms = [arm.args["true"] for arm in node.args["ifs"]]
        _require_one_type("CASE", [*arms, *filter(None, [node.args.get("default")])])
    elif isinstance(node, exp.SetOperation):
        sides = zip(node.left.expressions, node.right.expressions, strict=False)
        for number, (left, right) in enumerate(sides, 1):
            if not _go_together((left.unalias(), right.unalias())):
                raise invalid_query(
                    f"Column {number} in {node.key.upper()} ALL has incompatible types:"
                    f" {type_of(left)}, {type_of(right)}"
                )
    for grouped in _grouped(node):
        if (kind := type_of(grouped)) in _UNEQUAL or (kind == "FLOAT64" and isinstance(node, exp.Window)):
            what = "Partitioning" if isinstance(node, exp.Window) else "Grouping"
            raise invalid_query(f"{what} by expressions of type {kind} is not allowed")


def _grouped(node: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(node, exp.Group):
        yield from node.expressions
    elif isinstance(node, exp.Window):
        yield from node.args.get("partition_by") or ()
    elif isinstance(node, exp.Select) and node.args.get("distinct"):
        yield from (each.unalias() for each in node.expressions)


def _require_one_type(function: str, values: list[exp.Expression]) -> None:
    if not all(_go_together(pair) for pair in pairwise(each for each in values if type_of(each))):
        kinds = ", ".join(type_of(each) or "NULL" for each in values)
        raise invalid_query(f"No matching signature for function {function} for argument types: {kinds}")


def _check_inserted(
    catalog: Catalog, connection: duckdb.DuckDBPyConnection, statement: Statement, query: exp.Expression
) -> None:
    into = statement.tree.this
    assert statement.target is not None
    kinds = {
        str(each["name"]).lower(): SQL_NAMES.get(each["type"], each["type"])
        for each in catalog.columns(connection, statement.target)
    }
    names = [each.name for each in into.expressions] if isinstance(into, exp.Schema) else list(kinds)
    values = query.expressions if isinstance(query, exp.Select) else []
    for number, (name, value) in enumerate(zip(names, values, strict=False), 1):
        wanted, given = kinds.get(name.lower()), type_of(value)
        if wanted in _NAMES.values() and given and not _becomes(value.unalias(), given, str(wanted)):
            raise invalid_query(
                f"Query column {number} has type {given} which cannot be inserted into column {name},"
                f" which has type {wanted}"
            )


def _becomes(value: exp.Expression, given: str, wanted: str) -> bool:
    if given == wanted or wanted in COERCED.get(given, ()):
        return True
    if isinstance(value, exp.Literal):
        return wanted in (_OF_TEXT if value.is_string else _OF_NUMBER.get(given, set()))
    return False


def _go_together(values: Iterable[exp.Expression]) -> bool:
    left, right = values
    one, other = type_of(left), type_of(right)
    if not one or not other or (one in _NUMBERS and other in _NUMBERS):
        return True
    return _becomes(left, one, other) or _becomes(right, other, one)


def type_of(value: exp.Expression) -> str | None:
    """GoogleSQL's name of an expression's type; None where it is not certain, or NULL's."""
    kind = None if isinstance(value.unalias(), exp.Null) else value.type
    return _NAMES.get(kind.this.value) if isinstance(kind, exp.DataType) else None
