"""Who may run which statement.

Permissions from the "Required permissions" of https://cloud.google.com/bigquery/docs/reference/standard-sql, texts
from https://cloud.google.com/bigquery/docs/troubleshoot-queries.
"""

from __future__ import annotations

from tests.servers.bigquery.standin.accounts import Account
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.statement import Statement, TableName

_ON_TARGET = {
    "INSERT": ("tables.updateData",),
    "UPDATE": ("tables.updateData",),
    "DELETE": ("tables.updateData",),
    "MERGE": ("tables.updateData",),
    "TRUNCATE_TABLE": ("tables.updateData",),
    "DROP_TABLE": ("tables.delete", "tables.get"),
    "DROP_VIEW": ("tables.delete", "tables.get"),
    "ALTER_TABLE": ("tables.update", "tables.get"),
}
_ON_DATASET = {
    "CREATE_TABLE": ("tables.create",),
    "CREATE_TABLE_AS_SELECT": ("tables.create", "tables.updateData"),
    "CREATE_VIEW": ("tables.create",),
    "DROP_SCHEMA": ("datasets.delete",),
    "ALTER_SCHEMA": ("datasets.update",),
}
_VIEWS = {
    "SCHEMATA": ("datasets.get",),
    "COLUMNS": ("tables.get", "tables.list"),
    "TABLES": ("tables.get", "tables.list", "routines.get", "routines.list"),
    "TABLE_OPTIONS": ("tables.get", "tables.list", "routines.get", "routines.list"),
    "VIEWS": ("tables.get", "tables.list"),
    "PARTITIONS": ("tables.get", "tables.getData", "tables.list"),
}


def denied_project(permission: str, project: str) -> Refusal:
    return Refusal(
        "accessDenied",
        f"Access Denied: Project {project}: User does not have {permission} permission in project {project}.",
    )


def denied_dataset(permission: str, project: str, dataset: str) -> Refusal:
    name = f"{project}:{dataset}"
    return Refusal(
        "accessDenied",
        f"Access Denied: Dataset {name}: Permission {permission} denied on dataset {name} (or it may not exist).",
    )


def denied_table(permission: str, table: TableName) -> Refusal:
    return Refusal(
        "accessDenied",
        f"Access Denied: Table {table}: Permission {permission} denied on table {table} (or it may not exist).",
    )


def denied_query(table: TableName | str) -> Refusal:
    return Refusal(
        "accessDenied",
        f"Access Denied: Table {table}: User does not have permission to query table {table}, or perhaps it does"
        " not exist.",
    )


def require_project(account: Account, permission: str, project: str) -> None:
    if not account.may(f"bigquery.{permission}", project):
        raise denied_project(f"bigquery.{permission}", project)


def require_dataset(account: Account, permission: str, project: str, dataset: str) -> None:
    if not account.may(f"bigquery.{permission}", project, dataset):
        raise denied_dataset(f"bigquery.{permission}", project, dataset)


def require_table(account: Account, permission: str, table: TableName) -> None:
    if not account.may(f"bigquery.{permission}", table.project, table.dataset):
        raise denied_table(f"bigquery.{permission}", table)


def require_statement(account: Account, statement: Statement) -> None:
    """Refuse a statement for the first permission that the account lacks. Raises Refusal."""
    target = statement.target
    if statement.kind == "CREATE_SCHEMA":
        assert target is not None
        require_project(account, "datasets.create", target.project)
    elif target is not None and not target.temporary:
        for permission in _ON_DATASET.get(statement.kind, ()):
            require_dataset(account, permission, target.project, target.dataset)
        for permission in _ON_TARGET.get(statement.kind, ()):
            require_table(account, permission, target)
    for table in statement.reads:
        require_query(account, table)
    for view in statement.views:
        dataset = None if view.dataset.lower().startswith("region-") or not view.dataset else view.dataset
        for permission in _VIEWS.get(view.table, ()):
            if not account.may(f"bigquery.{permission}", view.project, dataset):
                raise denied_query(f"{view.project}:{view.dataset}.INFORMATION_SCHEMA.{view.table}")


def require_query(account: Account, table: TableName) -> None:
    if not table.temporary and not account.may("bigquery.tables.getData", table.project, table.dataset):
        raise denied_query(table)
