"""Arrow tables as the text that COPY … WITH (FORMAT csv) takes.

Text, because the server turns it into the columns' own types: an upload needs no exact match of types, as
COPY's binary format does, and Arrow writes CSV as fast as the server reads it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

ROWS = 20_000


def table_columns(
    connection: psycopg.Connection[Any], schema: str, table: str, names: Sequence[str]
) -> list[str]:
    """The table's own spelling of these columns. Raises SourceError for a column it does not have."""
    found = connection.execute(
        "SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        (schema, table),
    ).fetchall()
    existing = [str(row[0]) for row in found]
    if not existing:
        raise SourceError(f"the table {schema}.{table} does not exist", code="source_missing")
    folded = {name.lower(): name for name in existing}
    missing = [name for name in names if name not in existing and name.lower() not in folded]
    if missing:
        raise SourceError(f"the table {schema}.{table} has no column {missing[0]!r}", code="source_missing")
    return [name if name in existing else folded[name.lower()] for name in names]


def csv_blocks(data: pa.Table, encoding: str = "UTF8") -> Iterator[bytes]:
    """The rows as CSV: every text quoted, so that an empty text is told from NULL; bytes in hex.

    A character that the database's encoding has not, as in a destination's message, becomes a question mark.
    """
    import pyarrow as pa
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in data.to_batches(max_chunksize=ROWS):
        columns = [_as_text(column) for column in batch.columns]
        sink = pa.BufferOutputStream()
        csv.write_csv(pa.Table.from_arrays(columns, [str(i) for i in range(len(columns))]), sink, options)
        yield _fit(sink.getvalue().to_pybytes(), encoding)


def _fit(block: bytes, encoding: str) -> bytes:
    if encoding in ("UTF8", "SQL_ASCII") or block.isascii():
        return block
    try:
        codec = codecs.lookup(encoding.replace("WIN", "cp")).name
    except LookupError:
        codec = "ascii"
    return block.decode().encode(codec, "replace").decode(codec).encode()


def _as_text(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array(
            [None if value is None else "\\x" + value.hex() for value in column.to_pylist()], pa.string()
        )
    if pa.types.is_decimal(kind) or pa.types.is_time(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_floating(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_nested(kind):
        raise SourceError(f"a column of type {kind} cannot be uploaded", hint="Upload its JSON text.")
    return column
