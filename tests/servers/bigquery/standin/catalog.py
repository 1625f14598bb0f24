"""Datasets and tables as bqemulator's catalog holds them, with what it does not keep: expiry, clustering, sizes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from bqemulator.api.dependencies import AppContext
from bqemulator.catalog.models import Clustering, DatasetMeta, TableFieldSchema, TableMeta, TableSchema
from tests.servers.bigquery.standin.errors import not_found
from tests.servers.bigquery.standin.statement import TableName
from tests.servers.bigquery.standin.types import WIDTHS, field, fields, widened

Dataset = tuple[str, str]


class Catalog:
    """What there is, and how large."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._repository = context.catalog
        self._guard = threading.RLock()
        self._versions: dict[TableName, int] = {}
        self._sizes: dict[TableName, tuple[int, int, dict[str, int]]] = {}
        self._expiring: dict[TableName, float] = {}
        self.dropped_columns: dict[TableName, set[str]] = {}
        """Of each table: their names are not free again for days."""

    # -- datasets

    def dataset(self, name: Dataset) -> DatasetMeta | None:
        return self._repository.get_dataset(*name)

    def require(self, name: Dataset, location: str) -> DatasetMeta:
        """A dataset that must be in the job's location. Raises Refusal."""
        found = self.dataset(name)
        if found is None or found.location.lower() != location.lower():
            raise not_found(f"Not found: Dataset {name[0]}:{name[1]} was not found in location {location}")
        return found

    def create_dataset(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: Dataset,
        location: str,
        expiry: float | None = None,
        **more: Any,
    ) -> None:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{name[0]}__{name[1]}"')
        now = datetime.now(UTC)
        self._repository.create_dataset(
            DatasetMeta(
                project_id=name[0],
                dataset_id=name[1],
                location=location,
                default_table_expiration_ms=None if expiry is None else round(expiry * 1000),
                creation_time=now,
                last_modified_time=now,
                etag=f"{time.time_ns()}",
                **more,
            )
        )

    def drop_dataset(self, connection: duckdb.DuckDBPyConnection, name: Dataset) -> None:
        connection.execute(f'DROP SCHEMA IF EXISTS "{name[0]}__{name[1]}" CASCADE')
        self._repository.delete_dataset(*name, delete_contents=True, not_found_ok=True)

    def datasets(self, project: str) -> Iterable[DatasetMeta]:
        return self._repository.list_datasets(project)

    # -- tables

    def table(self, name: TableName) -> TableMeta | None:
        return self._repository.get_table(*name)

    def columns(self, connection: duckdb.DuckDBPyConnection, name: TableName) -> list[dict[str, Any]]:
        """Name, type and mode of a table's columns; the engine knows those of a temporary table."""
        meta = None if name.temporary else self.table(name)
        if meta is None:
            connection.execute(f"SELECT * FROM {name.quoted} LIMIT 0")
            return fields(connection)
        return [{"name": each.name, "type": each.type, "mode": each.mode} for each in meta.schema_.fields]

    def tables(self, name: Dataset) -> list[TableMeta]:
        return list(self._repository.list_tables(*name))

    def created(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: TableName,
        *,
        expires: float | None = None,
        cluster: tuple[str, ...] = (),
        view_query: str | None = None,
        **more: Any,
    ) -> TableMeta:
        """Take up a table or view that the engine has just made."""
        dataset = self.dataset((name.project, name.dataset))
        if expires is None and view_query is None and dataset and dataset.default_table_expiration_ms:
            expires = time.time() + dataset.default_table_expiration_ms / 1000
        now = datetime.now(UTC)
        meta = TableMeta(
            project_id=name.project,
            dataset_id=name.dataset,
            table_id=name.table,
            table_type="TABLE" if view_query is None else "VIEW",
            schema=self._schema(connection, name, mend=view_query is None),
            clustering=Clustering(fields=cluster) if cluster else None,
            expiration_time=None if expires is None else datetime.fromtimestamp(expires, UTC),
            view_query=view_query,
            creation_time=now,
            last_modified_time=now,
            etag=f"{time.time_ns()}",
            **more,
        )
        self._put(name, meta)
        return meta

    def changed(self, connection: duckdb.DuckDBPyConnection, name: TableName, **changes: Any) -> None:
        """Take up a changed schema, or changed options, of a table."""
        meta = self.table(name)
        assert meta is not None
        changes.setdefault("schema_", self._schema(connection, name, mend=False))
        changes["last_modified_time"] = datetime.now(UTC)
        self._put(name, meta.model_copy(update=changes))

    def renamed(self, name: TableName, new: TableName) -> None:
        meta = self.table(name)
        assert meta is not None
        self.dropped(name)
        self._put(new, meta.model_copy(update={"table_id": new.table}))

    def dropped(self, name: TableName) -> None:
        with self._guard:
            self._repository.delete_table(*name, not_found_ok=True)
            self._expiring.pop(name, None)
            self.dropped_columns.pop(name, None)
            self.touch(name)

    def _put(self, name: TableName, meta: TableMeta) -> None:
        with self._guard:
            if self.table(name) is None:
                self._repository.create_table(meta)
            else:
                self._repository.update_table(meta)
            self._expiring.pop(name, None)
            if meta.expiration_time is not None:
                self._expiring[name] = meta.expiration_time.timestamp()
            self.touch(name)

    def _schema(self, connection: duckdb.DuckDBPyConnection, name: TableName, *, mend: bool) -> TableSchema:
        description = connection.execute(f"SELECT * FROM {name.quoted} LIMIT 0").description or []
        wrong = [(column[0], widened(column[1])) for column in description] if mend else []
        for column, native in wrong:
            if native is not None:
                connection.execute(f'ALTER TABLE {name.quoted} ALTER COLUMN "{column}" TYPE {native}')
        if any(native for _, native in wrong):
            description = connection.execute(f"SELECT * FROM {name.quoted} LIMIT 0").description or []
        required = {
            row[1] for row in connection.execute(f"PRAGMA table_info('{name.quoted}')").fetchall() if row[3]
        }
        return TableSchema(
            fields=tuple(
                _model(field(column[0], column[1], required=column[0] in required)) for column in description
            )
        )

    def drop_expired(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Remove the tables whose time is over; BigQuery deletes them, here the next job does."""
        now = time.time()
        for name in [name for name, at in list(self._expiring.items()) if at <= now]:
            connection.execute(f"DROP TABLE IF EXISTS {name.quoted}")
            self.dropped(name)

    # -- sizes

    def touch(self, name: TableName) -> None:
        """Note that a table's rows have changed."""
        self._versions[name] = self._versions.get(name, 0) + 1

    def size(self, connection: duckdb.DuckDBPyConnection, name: TableName) -> tuple[int, dict[str, int]]:
        """Rows, and logical bytes by lower-case column."""
        version = self._versions.get(name, 0)
        held = self._sizes.get(name)
        if held is not None and held[0] == version and not name.temporary:
            return held[1:]
        connection.execute(f"SELECT * FROM {name.quoted} LIMIT {_SMALL + 1}")
        schema = [field(column[0], column[1]) for column in connection.description or []]
        rows = connection.to_arrow_table()
        count, sizes = rows.num_rows, [_taken(*each) for each in zip(rows.columns, schema, strict=True)]
        if count > _SMALL:
            measured = ", ".join(_measure(each) for each in schema)
            row = connection.execute(f"SELECT count(*), {measured} FROM {name.quoted}").fetchone()
            assert row is not None
            count, sizes = int(row[0]), [int(size or 0) for size in row[1:]]
        columns = {each["name"].lower(): size for each, size in zip(schema, sizes, strict=True)}
        self._sizes[name] = (version, count, columns)
        return count, columns

    def refresh(self, connection: duckdb.DuckDBPyConnection, name: TableName) -> None:
        """Bring a table's counts up to date, as `tables.get` shows them."""
        meta = self.table(name)
        if meta is not None and meta.table_type == "TABLE":
            rows, columns = self.size(connection, name)
            counts = {"num_rows": rows, "num_bytes": sum(columns.values())}
            self._repository.update_table(meta.model_copy(update=counts))


def _taken(column: pa.ChunkedArray, schema: dict[str, Any]) -> int:
    """The logical bytes of a column of few rows."""
    if schema["mode"] != "REPEATED" and schema["type"] in WIDTHS:
        return (len(column) - column.null_count) * WIDTHS[schema["type"]]
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        return (pc.sum(pc.binary_length(column)).as_py() or 0) + 2 * (len(column) - column.null_count)
    return column.nbytes


def _measure(schema: dict[str, Any]) -> str:
    """The logical bytes of a column, as SQL."""
    column = f'"{schema["name"]}"'
    if schema["mode"] != "REPEATED" and schema["type"] in WIDTHS:
        return f"count({column}) * {WIDTHS[schema['type']]}"
    if schema["mode"] != "REPEATED" and schema["type"] == "BYTES":
        return f"sum(octet_length({column}) + 2)"
    return f"sum(strlen(CAST({column} AS VARCHAR)) + 2)"


_SMALL = 5_000
"""Tables of so many rows are measured row by row, which costs less than planning a query."""


def _model(schema: dict[str, Any]) -> TableFieldSchema:
    nested = tuple(_model(each) for each in schema.get("fields", ()))
    return TableFieldSchema(name=schema["name"], type=schema["type"], mode=schema["mode"], fields=nested)
