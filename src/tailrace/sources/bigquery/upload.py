"""Arrow rows into a managed table: few as constants of one INSERT, many by a load job.

A load job is free and fast, but never part of a transaction: it fills a table of its own, and an INSERT takes the
rows from there (https://cloud.google.com/bigquery/docs/transactions).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.sources.bigquery.dialect import BigQueryDialect, bare
from tailrace.sources.bigquery.types import native_type

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import LoadJob

    from tailrace.sources.bigquery.client import BigQueryClient
    from tailrace.sources.bigquery.jobs import Jobs

INSERTED_ROWS = 500
INSERTED_BYTES = 250_000
"""Below both, rows go as constants: a query may have 1 MB (https://cloud.google.com/bigquery/quotas#query_jobs)."""


def target_columns(client: BigQueryClient, schema: str, table: str, names: Sequence[str]) -> dict[str, str]:
    """The table's own spelling of these columns, and their types. Raises SourceError for one it does not have."""
    existing = {str(column["name"]): native_type(column) for column in client.columns(schema, table)}
    if not existing:
        raise SourceError(
            f"the table {schema}.{table} does not exist",
            hint="Run the sync again: it makes what is missing.",
            code="source_missing",
        )
    folded = {name.lower(): name for name in existing}
    missing = [name for name in names if name.lower() not in folded]
    if missing:
        raise SourceError(
            f"the table {schema}.{table} has no column {missing[0]!r}",
            hint="Somebody changed the table; `tailrace reset` makes it anew.",
            code="source_missing",
        )
    return {folded[name.lower()]: existing[folded[name.lower()]] for name in names}


def insert_statement(
    dialect: BigQueryDialect, target: str, columns: dict[str, str], data: pa.Table
) -> str | None:
    """One INSERT of all rows as constants; None where they are too many or too large."""
    if data.num_rows > INSERTED_ROWS or data.nbytes > INSERTED_BYTES:
        return None
    natives = list(columns.values())
    rows = (
        "(" + ", ".join(map(_constant, [dialect] * len(natives), row, natives)) + ")"
        for row in zip(*(column.to_pylist() for column in data.columns), strict=True)
    )
    names = ", ".join(map(dialect.quote, columns))
    statement = f"INSERT INTO {target} ({names}) VALUES {', '.join(rows)}"
    return statement if len(statement.encode()) <= 2 * INSERTED_BYTES else None


def _constant(dialect: BigQueryDialect, value: Any, native: str) -> str:
    if isinstance(value, bytes):
        return f"FROM_HEX('{value.hex()}')"
    if isinstance(value, float) and not math.isfinite(value):
        return f"CAST('{value}' AS FLOAT64)"
    if isinstance(value, str) and "\0" in value:
        pieces = ", CODE_POINTS_TO_STRING([0]), ".join(map(dialect.literal, value.split("\0")))
        return f"CONCAT({pieces})"
    if value is None or isinstance(value, bool | int | float | str):
        return dialect.literal(value)
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return f"CAST('{text}' AS {native})"


def load(
    client: BigQueryClient,
    jobs: Jobs,
    dialect: BigQueryDialect,
    place: tuple[str, str],
    columns: dict[str, str],
    data: pa.Table,
) -> None:
    """Fill the existing empty table `place` (dataset, name) by a load job of Parquet."""
    import pyarrow.parquet as pq
    from google.cloud.bigquery import LoadJobConfig, SchemaField, TableReference

    named = data.rename_columns(list(columns))
    sink = io.BytesIO()
    pq.write_table(as_loaded(named, list(columns.values())), sink)
    reference = TableReference.from_api_repr(
        {"projectId": client.project, "datasetId": place[0], "tableId": place[1]}
    )

    def start(job_id: str) -> LoadJob:
        config = LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_APPEND",
            create_disposition="CREATE_NEVER",
            schema=[SchemaField(name, bare(native)) for name, native in columns.items()],
        )
        config.labels = {"application": "tailrace"}
        sink.seek(0)
        return client.google.load_table_from_file(
            sink,
            reference,
            size=sink.getbuffer().nbytes,
            rewind=True,
            job_id=job_id,
            location=client.location,
            job_config=config,
            timeout=60.0,
            num_retries=6,
        )

    jobs.load(start)


def as_loaded(data: pa.Table, natives: Sequence[str]) -> pa.Table:
    """Columns in the one form of Parquet that BigQuery takes for each type."""
    import pyarrow as pa

    forms = {
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "BOOL": pa.bool_(),
        "STRING": pa.string(),
        "BYTES": pa.binary(),
        "DATE": pa.date32(),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.decimal256(76, 38),
    }
    columns = [column.cast(forms[bare(native)]) for column, native in zip(data.columns, natives, strict=True)]
    return pa.table(dict(zip(data.column_names, columns, strict=True)))
