"""A query's result as Arrow batches of bounded size, fetched as columns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_ROWS = 1_000
MOST_ROWS = 50_000
BATCH_BYTES = 4 * 1024 * 1024


def batches(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The result's rows; how many are fetched at once follows from how wide they turn out to be."""
    rows = FIRST_ROWS
    while True:
        batch = cursor.arrow_batch(rows)
        if batch.num_rows == 0:
            return
        yield batch.cast(schema) if batch.schema != schema else batch
        width = max(1, batch.nbytes // batch.num_rows)
        rows = max(1, min(MOST_ROWS, 4 * rows, BATCH_BYTES // width))


def schema_of(cursor: Any) -> pa.Schema:
    """The result's columns, with times in microseconds as everywhere."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_timestamp(kind):
            return pa.timestamp("us", "UTC" if kind.tz else None)
        if pa.types.is_unsigned_integer(kind):
            return pa.int32()
        if pa.types.is_large_binary(kind):
            return pa.binary()
        return pa.string() if pa.types.is_large_string(kind) else kind

    found = cursor.arrow_batch(0).schema
    return pa.schema([pa.field(field.name, plain(field.type)) for field in found])


def stop(cursor: Any) -> None:
    """Ask the server to stop what a cursor runs; may be called from any thread, and does not wait.

    The driver has no public call for this yet (microsoft/mssql-python#424), so the one that its own Arrow reader
    uses when it is closed is taken, until `Cursor.cancel` comes.
    """
    cancel: Callable[[], None] | None = getattr(cursor, "cancel", None) or getattr(
        getattr(cursor, "hstmt", None), "_cancel", None
    )
    if cancel is not None:
        with contextlib.suppress(Exception):
            cancel()
