"""Load jobs: Parquet, NDJSON or CSV into a table, all of it or nothing.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tests.servers.bigquery.standin.access import require_dataset, require_table
from tests.servers.bigquery.standin.errors import Refusal, invalid_query, not_found
from tests.servers.bigquery.standin.execution import Execution, Run
from tests.servers.bigquery.standin.statement import TableName

_NATIVE = {
    "STRING": "VARCHAR", "BYTES": "BLOB", "INTEGER": "BIGINT", "INT64": "BIGINT", "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE", "BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMPTZ", "DATE": "DATE",
    "TIME": "TIME", "DATETIME": "TIMESTAMP", "NUMERIC": "DECIMAL(38,9)", "BIGNUMERIC": "DECIMAL(38,18)",
    "JSON": "JSON",
}  # fmt: skip


def load(execution: Execution, run: Run, configuration: dict[str, Any], media: bytes) -> int:
    """Append the rows of a file; gives how many. Raises Refusal."""
    place = configuration["destinationTable"]
    project = place.get("projectId") or run.project
    temporary = place["datasetId"] == "_SESSION"
    table = TableName(project, "" if temporary else place["datasetId"], place["tableId"])
    if temporary and run.session is None:
        raise invalid_query("A load into _SESSION needs the connection property session_id")
    disposition = configuration.get("writeDisposition", "WRITE_APPEND")
    catalog = execution.catalog
    if not temporary:
        catalog.require((project, table.dataset), run.location)
        require_table(run.account, "tables.updateData", table)
        require_table(run.account, "tables.update", table)
        execution.updates.admit(table)
    exists = (
        table.table in run.session.temporary
        if temporary and run.session
        else catalog.table(table) is not None
    )
    if not exists:
        if configuration.get("createDisposition", "CREATE_IF_NEEDED") == "CREATE_NEVER":
            raise not_found(f"Not found: Table {table}")
        if not temporary:
            require_dataset(run.account, "tables.create", project, table.dataset)
    connection = run.connection
    alone = run.session is None or run.session.transaction is None
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = _rows(connection, table, configuration, media, folder=Path(folder), exists=exists)
            if alone:
                connection.execute("BEGIN TRANSACTION")
            try:
                count = _write(connection, table, configuration, rows, exists=exists, disposition=disposition)
            except BaseException:
                if alone:
                    connection.execute("ROLLBACK")
                raise
            if alone:
                connection.execute("COMMIT")
    except (duckdb.Error, pa.ArrowException) as error:
        message = f"Error while reading data, error message: {error}"
        raise Refusal("invalid", message.splitlines()[0]) from error
    if temporary:
        assert run.session is not None
        run.session.temporary.add(table.table)
    elif exists:
        catalog.touch(table)
    else:
        catalog.created(connection, table)
    return count


def _write(
    connection: duckdb.DuckDBPyConnection,
    table: TableName,
    configuration: dict[str, Any],
    rows: pa.Table | str,
    *,
    exists: bool,
    disposition: str,
) -> int:
    source = rows if isinstance(rows, str) else "uploaded"
    if not isinstance(rows, str):
        connection.register("uploaded", rows)
    try:
        if not exists:
            fields = (configuration.get("schema") or {}).get("fields")
            select = (
                ", ".join(
                    f'CAST("{each["name"]}" AS {native_type(each)}) AS "{each["name"]}"' for each in fields
                )
                if fields
                else "*"
            )
            made = "TEMP TABLE" if table.temporary else "TABLE"
            name = f'"{table.table}"' if table.temporary else table.quoted
            connection.execute(f"CREATE {made} {name} AS SELECT {select} FROM {source} LIMIT 0")
        if disposition == "WRITE_TRUNCATE":
            connection.execute(f"DELETE FROM {table.quoted}")
        elif disposition == "WRITE_EMPTY" and exists:
            row = connection.execute(f"SELECT count(*) FROM {table.quoted}").fetchone()
            if row and row[0]:
                raise Refusal("duplicate", f"Already Exists: Table {table}")
        row = connection.execute(f"INSERT INTO {table.quoted} BY NAME SELECT * FROM {source}").fetchone()
        return int(row[0]) if row else 0
    finally:
        if not isinstance(rows, str):
            connection.unregister("uploaded")


def native_type(field: dict[str, Any]) -> str:
    if field["type"] in ("RECORD", "STRUCT"):
        nested = ", ".join(f'"{each["name"]}" {native_type(each)}' for each in field["fields"])
        native = f"STRUCT({nested})"
    else:
        native = _NATIVE[field["type"]]
    return f"{native}[]" if field.get("mode") == "REPEATED" else native


def _rows(
    connection: duckdb.DuckDBPyConnection,
    table: TableName,
    configuration: dict[str, Any],
    media: bytes,
    *,
    folder: Path,
    exists: bool,
) -> pa.Table | str:
    """What was uploaded, as something to select from."""
    kind = configuration.get("sourceFormat", "CSV")
    if kind == "PARQUET":
        return pq.read_table(io.BytesIO(media))
    fields = (configuration.get("schema") or {}).get("fields")
    columns = (
        {each["name"]: native_type(each) for each in fields}
        if fields
        else {
            str(name): str(native)
            for name, native, *_ in connection.execute(f"SELECT * FROM {table.quoted} LIMIT 0").description
            or []
        }
        if exists
        else None
    )
    folder.joinpath("rows").write_bytes(media)
    path = folder / "rows"
    if kind == "NEWLINE_DELIMITED_JSON":
        given = "" if columns is None else f", columns = {json.dumps(columns).replace(chr(34), chr(39))}"
        return f"read_json('{path}', format = 'newline_delimited'{given})"
    if kind == "CSV":
        skipped = int(configuration.get("skipLeadingRows") or 0)
        given = "" if columns is None else f", columns = {json.dumps(columns).replace(chr(34), chr(39))}"
        header = "false" if columns is not None else "true"
        return f"read_csv('{path}', header = {header}, skip = {skipped}{given})"
    raise Refusal("invalid", f"Unsupported source format: {kind}")
