"""Rows of a server-side cursor as Arrow, with the types that ADBC gives for the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

_NAMES = {
    16: "bool_",
    17: "binary",
    20: "int64",
    21: "int16",
    23: "int32",
    26: "int64",
    700: "float32",
    701: "float64",
    1082: "date32",
}
_TIMESTAMP, _TIMESTAMPTZ = 1114, 1184


def cursor_schema(cursor: psycopg.ServerCursor[Any]) -> pa.Schema:
    """The Arrow schema of a cursor's result; every type without a fit Arrow type is text."""
    import pyarrow as pa

    fields = []
    for column in cursor.description or ():
        if column.type_code in (_TIMESTAMP, _TIMESTAMPTZ):
            kind = pa.timestamp("us", "UTC" if column.type_code == _TIMESTAMPTZ else None)
        else:
            kind = getattr(pa, _NAMES.get(column.type_code, "string"))()
        fields.append(pa.field(column.name, kind))
    return pa.schema(fields)


def cursor_batches(
    cursor: psycopg.ServerCursor[Any], schema: pa.Schema, rows: int
) -> Iterator[pa.RecordBatch]:
    """The cursor's rows, so many at a time."""
    import pyarrow as pa

    text = [pa.types.is_string(field.type) for field in schema]
    with cursor:
        while found := cursor.fetchmany(rows):
            columns = []
            for field, is_text, values in zip(schema, text, zip(*found, strict=True), strict=True):
                shown = (
                    [v if v is None or isinstance(v, str) else str(v) for v in values] if is_text else values
                )
                columns.append(pa.array(shown, field.type))
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
