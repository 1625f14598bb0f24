"""Statements that define datasets and tables: their rules, and the options that are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from tests.servers.bigquery.standin.accounts import Account, Accounts
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.errors import Refusal, invalid_query, not_found
from tests.servers.bigquery.standin.statement import Statement, TableName
from tests.servers.bigquery.standin.types import CLUSTERABLE, COERCED, SQL_NAMES

WITHOUT_ENGINE = {"CREATE_SCHEMA", "DROP_SCHEMA", "ALTER_SCHEMA", "ALTER_TABLE_OPTIONS"}
_DAY = 24 * 60 * 60
_MOST_CLUSTERED = 4


def check(catalog: Catalog, statement: Statement) -> None:
    """What can be refused before the engine is asked. Raises Refusal."""
    target, tree = statement.target, statement.tree
    if target is None or target.temporary:
        return
    if statement.kind in ("CREATE_TABLE", "CREATE_TABLE_AS_SELECT", "CREATE_VIEW"):
        exists = catalog.table(target) is not None
        if exists and not tree.args.get("replace") and not tree.args.get("exists"):
            raise Refusal("duplicate", f"Already Exists: Table {target}")
        if len(clustering(statement)) > _MOST_CLUSTERED:
            raise invalid_query(f"At most {_MOST_CLUSTERED} columns can be specified for CLUSTER BY")
        if statement.kind == "CREATE_TABLE_AS_SELECT" and not isinstance(tree.this, exp.Schema):
            _check_names(tree.expression)
    elif statement.kind in ("DROP_TABLE", "DROP_VIEW"):
        if catalog.table(target) is None and not tree.args.get("exists"):
            raise not_found(f"Not found: Table {target}")
    elif statement.kind == "ALTER_TABLE" and _sets_options(tree):
        statement.kind = "ALTER_TABLE_OPTIONS"
    elif statement.kind == "ALTER_TABLE":
        _check_types(catalog, target, tree)
        _check_columns(catalog, target, tree)


def one_by_one(statement: Statement) -> list[str]:
    """An ALTER of several columns as the engine takes it: each by itself. Empty for any other statement."""
    actions = statement.tree.args.get("actions") or [] if statement.kind == "ALTER_TABLE" else []
    if len(actions) < 2:
        return []
    found = []
    for action in actions:
        tree = statement.tree.copy()
        tree.set("actions", [action.copy()])
        found.append(tree.sql(dialect="bigquery"))
    return found


def _check_columns(catalog: Catalog, target: TableName, tree: exp.Expression) -> None:
    """Columns are added under free names, and only those there are dropped."""
    meta = catalog.table(target)
    there = {each.name.lower() for each in meta.schema_.fields} if meta else set()
    for action in tree.args.get("actions") or []:
        if isinstance(action, exp.ColumnDef):
            name = action.name
            if name.lower() in there and not action.args.get("exists"):
                raise invalid_query(f"Column already exists: {name}")
            if name.lower() in catalog.dropped_columns.get(target, ()):
                raise invalid_query(
                    f"Column `{name}` was recently deleted in the table `{target.table}`. Deleted column name is"
                    " reserved for up to the time travel duration, use a different column name instead."
                )
            there.add(name.lower())
        elif isinstance(action, exp.Drop):
            name = action.this.name
            if name.lower() not in there and not action.args.get("exists"):
                raise invalid_query(f"Column not found: {name}")


def _check_names(query: exp.Expression) -> None:
    select = query
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    for number, projection in enumerate(select.expressions if isinstance(select, exp.Select) else [], 1):
        if not isinstance(projection, exp.Alias | exp.Column | exp.Dot) and not projection.is_star:
            raise invalid_query(f"CREATE TABLE columns must be named, but column {number} has no name")


def _check_types(catalog: Catalog, target: TableName, tree: exp.Expression) -> None:
    """A column takes a new type only if its values coerce to it.

    https://cloud.google.com/bigquery/docs/managing-table-schemas#change_a_columns_data_type
    """
    meta = catalog.table(target)
    kinds = {each.name.lower(): each.type for each in meta.schema_.fields} if meta else {}
    for action in tree.find_all(exp.AlterColumn):
        if action.args.get("dtype") is None:
            continue
        old = kinds.get(action.name.lower(), "")
        old, new = SQL_NAMES.get(old, old), action.args["dtype"].sql(dialect="bigquery").split("(")[0]
        if new != old and new not in COERCED.get(old, ()):
            raise invalid_query(
                f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({old}) is assignable"
                f" to the new type ({new})"
            )


def _sets_options(tree: exp.Expression) -> bool:
    return any(isinstance(action, exp.AlterSet) for action in tree.args.get("actions") or ())


def clustering(statement: Statement) -> tuple[str, ...]:
    found = statement.tree.args.get("properties")
    clauses = found.expressions if found is not None else []
    return tuple(
        each.name
        for clause in clauses
        if isinstance(clause, exp.ClusterProperty)
        for each in clause.expressions
    )


def options(connection: duckdb.DuckDBPyConnection, statement: Statement) -> dict[str, Any]:
    """The OPTIONS of a statement, as values."""
    return {name: _value(connection, value) for name, value in statement.clauses.items()}


def _value(connection: duckdb.DuckDBPyConnection, value: exp.Expression) -> Any:
    if isinstance(value, exp.Array):
        return {
            each.expressions[0].name: each.expressions[1].name
            for each in value.expressions
            if isinstance(each, exp.Tuple)
        }
    if isinstance(value, exp.Null):
        return None
    if isinstance(value, exp.Literal):
        return value.name if value.is_string else float(value.name)
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    sql = sqlglot.transpile(f"SELECT {value.sql('bigquery')}", read="bigquery", write="duckdb")[0]
    row = connection.cursor().execute(sql).fetchone()
    return row[0] if row else None


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in ("description", "friendly_name", "labels"):
        if name in given:
            kept[name] = given[name] if given[name] is not None else {} if name == "labels" else None
    return kept


def record(
    catalog: Catalog,
    accounts: Accounts,
    account: Account,
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
) -> None:
    """Let the catalog know what the engine has done."""
    target, tree = statement.target, statement.tree
    assert target is not None
    if statement.kind in ("CREATE_TABLE", "CREATE_TABLE_AS_SELECT"):
        if tree.args.get("exists") and catalog.table(target) is not None:
            return
        given = options(connection, statement)
        expires = given.get("expiration_timestamp")
        meta = catalog.created(
            connection,
            target,
            expires=expires.timestamp() if isinstance(expires, datetime) else None,
            cluster=clustering(statement),
            **_kept(given),
        )
        kinds = {each.name.lower(): each for each in meta.schema_.fields}
        for name in clustering(statement):
            field = kinds.get(name.lower())
            if field is None or field.type not in CLUSTERABLE or field.mode == "REPEATED":
                connection.execute(f"DROP TABLE {target.quoted}")
                catalog.dropped(target)
                raise invalid_query(
                    f"CLUSTER BY expression references unknown column {name}"
                    if field is None
                    else f"CLUSTER BY expression {name} has type {field.type}, which cannot be clustered by"
                )
    elif statement.kind == "CREATE_VIEW":
        body = tree.expression.sql(dialect="bigquery")
        catalog.created(connection, target, view_query=body, **_kept(options(connection, statement)))
    elif statement.kind in ("DROP_TABLE", "DROP_VIEW"):
        catalog.dropped(target)
    elif statement.kind == "ALTER_TABLE":
        rename = tree.find(exp.AlterRename)
        if rename is not None:
            catalog.renamed(target, TableName(target.project, target.dataset, rename.this.name))
        else:
            dropped = {each.this.name.lower() for each in tree.find_all(exp.Drop)}
            catalog.dropped_columns.setdefault(target, set()).update(dropped)
            catalog.changed(connection, target)


def perform(
    catalog: Catalog,
    accounts: Accounts,
    account: Account,
    connection: duckdb.DuckDBPyConnection,
    statement: Statement,
    location: str,
) -> None:
    """Do what needs no engine: datasets, and the options of tables."""
    target, tree = statement.target, statement.tree
    assert target is not None
    name = (target.project, target.dataset)
    there = catalog.dataset(name)
    given = options(connection, statement)
    if statement.kind == "CREATE_SCHEMA":
        if there is not None:
            if tree.args.get("exists"):
                return
            raise Refusal("duplicate", f"Already Exists: Dataset {target.project}:{target.dataset}")
        wanted = tree.find(exp.LocationProperty)
        place = wanted.this.name if wanted is not None else given.get("location") or location
        days = given.get("default_table_expiration_days")
        expiry = float(days) * _DAY if days is not None else None
        catalog.create_dataset(connection, name, str(place), expiry, **_kept(given))
        accounts.own(account, *name)
    elif statement.kind == "DROP_SCHEMA":
        if there is None:
            if tree.args.get("exists"):
                return
            raise not_found(f"Not found: Dataset {target.project}:{target.dataset}")
        if catalog.tables(name) and not tree.args.get("cascade"):
            raise Refusal("resourceInUse", f"Dataset {target.project}:{target.dataset} is still in use")
        catalog.drop_dataset(connection, name)
    elif statement.kind == "ALTER_TABLE_OPTIONS":
        changes = _kept(given)
        if "expiration_timestamp" in given:
            changes["expiration_time"] = given["expiration_timestamp"]
        catalog.changed(connection, target, **changes)
