"""Datasets and tables as resources of the REST API."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import duckdb
from bqemulator.api.routes.datasets import _dataset_to_rest
from bqemulator.api.routes.tables import _table_to_rest
from bqemulator.catalog.models import TableMeta
from bqemulator.storage.arrow_bridge import arrow_table_to_bq_rows
from tests.servers.bigquery.standin.access import require_dataset, require_project, require_table
from tests.servers.bigquery.standin.accounts import Account, Accounts
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.errors import Refusal, not_found
from tests.servers.bigquery.standin.loads import native_type
from tests.servers.bigquery.standin.statement import TableName
from tests.servers.bigquery.standin.types import fields

Body = dict[str, Any]


class Resources:
    """Each method answers one method of the API. All raise Refusal."""

    def __init__(self, catalog: Catalog, accounts: Accounts) -> None:
        self._catalog = catalog
        self._accounts = accounts

    # -- datasets

    def datasets_list(self, account: Account, project: str) -> Body:
        """https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list: those the caller may see."""
        seen = [
            each
            for each in self._catalog.datasets(project)
            if account.may("bigquery.datasets.get", project, each.dataset_id)
        ]
        return {"kind": "bigquery#datasetList", "datasets": [_dataset_to_rest(each) for each in seen]}

    def datasets_get(self, account: Account, project: str, dataset: str) -> Body:
        require_dataset(account, "datasets.get", project, dataset)
        found = self._catalog.dataset((project, dataset))
        if found is None:
            raise not_found(f"Not found: Dataset {project}:{dataset}")
        return _dataset_to_rest(found)

    def datasets_insert(
        self, account: Account, connection: duckdb.DuckDBPyConnection, project: str, body: Body
    ) -> Body:
        require_project(account, "datasets.create", project)
        dataset = body["datasetReference"]["datasetId"]
        if self._catalog.dataset((project, dataset)) is not None:
            raise Refusal("duplicate", f"Already Exists: Dataset {project}:{dataset}")
        expiry = body.get("defaultTableExpirationMs")
        more = {name: body[key] for name, key in _KEPT.items() if body.get(key)}
        self._catalog.create_dataset(
            connection,
            (project, dataset),
            body.get("location") or "US",
            int(expiry) / 1000 if expiry else None,
            **more,
        )
        self._accounts.own(account, project, dataset)
        return self.datasets_get(account, project, dataset)

    def datasets_delete(
        self,
        account: Account,
        connection: duckdb.DuckDBPyConnection,
        project: str,
        dataset: str,
        contents: bool,
    ) -> Body:
        require_dataset(account, "datasets.delete", project, dataset)
        if self._catalog.dataset((project, dataset)) is None:
            raise not_found(f"Not found: Dataset {project}:{dataset}")
        if self._catalog.tables((project, dataset)) and not contents:
            raise Refusal("resourceInUse", f"Dataset {project}:{dataset} is still in use")
        self._catalog.drop_dataset(connection, (project, dataset))
        return {}

    # -- tables

    def tables_list(self, account: Account, project: str, dataset: str) -> Body:
        require_dataset(account, "tables.list", project, dataset)
        if self._catalog.dataset((project, dataset)) is None:
            raise not_found(f"Not found: Dataset {project}:{dataset}")
        tables = self._catalog.tables((project, dataset))
        shown = (
            "kind",
            "id",
            "tableReference",
            "type",
            "creationTime",
            "labels",
            "clustering",
            "expirationTime",
        )
        listed = [{key: value for key, value in _rest(each).items() if key in shown} for each in tables]
        return {"kind": "bigquery#tableList", "tables": listed, "totalItems": len(listed)}

    def tables_get(self, account: Account, connection: duckdb.DuckDBPyConnection, name: TableName) -> Body:
        require_table(account, "tables.get", name)
        self._catalog.drop_expired(connection)
        self._found(name)
        self._catalog.refresh(connection, name)
        dataset = self._catalog.dataset(name[:2])
        return {**_rest(self._found(name)), "location": dataset.location if dataset else "US"}

    def tables_insert(
        self, account: Account, connection: duckdb.DuckDBPyConnection, name: TableName, body: Body
    ) -> Body:
        require_dataset(account, "tables.create", name.project, name.dataset)
        if self._catalog.dataset(name[:2]) is None:
            raise not_found(f"Not found: Dataset {name.project}:{name.dataset}")
        if self._catalog.table(name) is not None:
            raise Refusal("duplicate", f"Already Exists: Table {name}")
        columns = body.get("schema", {}).get("fields", [])
        if body.get("view") or not columns:
            raise Refusal("invalid", "This stand-in creates tables with a schema; views by CREATE VIEW")
        required = {True: " NOT NULL", False: ""}
        described = ", ".join(
            f'"{each["name"]}" {native_type(each)}{required[each.get("mode") == "REQUIRED"]}'
            for each in columns
        )
        connection.execute(f"CREATE TABLE {name.quoted} ({described})")
        expires = body.get("expirationTime")
        self._catalog.created(
            connection,
            name,
            expires=int(expires) / 1000 if expires else None,
            cluster=tuple(body.get("clustering", {}).get("fields", ())),
            **{field: body[key] for field, key in _KEPT.items() if body.get(key)},
        )
        return _rest(self._found(name))

    def tables_patch(
        self, account: Account, connection: duckdb.DuckDBPyConnection, name: TableName, body: Body
    ) -> Body:
        require_table(account, "tables.update", name)
        self._found(name)
        changes: dict[str, Any] = {field: body[key] for field, key in _KEPT.items() if key in body}
        if "expirationTime" in body:
            expires = body["expirationTime"]
            changes["expiration_time"] = datetime.fromtimestamp(int(expires) / 1000, UTC) if expires else None
        self._catalog.changed(connection, name, **changes)
        return _rest(self._found(name))

    def tables_delete(self, account: Account, connection: duckdb.DuckDBPyConnection, name: TableName) -> Body:
        require_table(account, "tables.delete", name)
        kind = "VIEW" if self._found(name).table_type == "VIEW" else "TABLE"
        connection.execute(f"DROP {kind} {name.quoted}")
        self._catalog.dropped(name)
        return {}

    def tables_permissions(self, account: Account, name: TableName, body: Body) -> Body:
        self._found(name)
        held = [each for each in body.get("permissions", ()) if account.may(each, name.project, name.dataset)]
        return {"permissions": held} if held else {}

    def rows(
        self,
        account: Account,
        connection: duckdb.DuckDBPyConnection,
        name: TableName,
        parameters: dict[str, str],
    ) -> Body:
        """tabledata.list."""
        require_table(account, "tables.getData", name)
        self._found(name)
        start = int(parameters.get("pageToken") or parameters.get("startIndex") or 0)
        wanted = parameters.get("selectedFields")
        columns = ", ".join(f'"{each}"' for each in wanted.split(",")) if wanted else "*"
        connection.execute(f"SELECT {columns} FROM {name.quoted}")
        fields(connection)
        return page(connection.to_arrow_table(), start, parameters.get("maxResults"), name.table)

    def _found(self, name: TableName) -> TableMeta:
        found = self._catalog.table(name)
        if found is None:
            raise not_found(f"Not found: Table {name}")
        return found


_KEPT = {"description": "description", "friendly_name": "friendlyName", "labels": "labels"}
LONGEST_PAGE = 100_000


def page(table: Any, start: int, most: str | None, tag: str) -> Body:
    """Some rows, and where the next begin."""
    count = min(int(most), LONGEST_PAGE) if most is not None else LONGEST_PAGE
    body: Body = {"kind": "bigquery#tableDataList", "etag": tag, "totalRows": str(table.num_rows)}
    if count:
        body["rows"] = arrow_table_to_bq_rows(table, offset=start, limit=count)
    if start + count < table.num_rows:
        body["pageToken"] = str(start + count)
    return body


def _rest(meta: TableMeta) -> Body:
    body = _table_to_rest(meta)
    if meta.expiration_time is not None:
        body["expirationTime"] = str(int(meta.expiration_time.timestamp() * 1000))
    if meta.view_query is not None:
        body["view"] = {"query": meta.view_query, "useLegacySql": False}
    body["etag"] = f"{time.time_ns()}"
    return body
