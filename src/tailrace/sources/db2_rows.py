"""Rows of the driver as Arrow batches: exact decimals as text, times in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tailrace.columns import Kind
from tailrace.sources.db2_names import swapped
from tailrace.sources.db2_types import kind_of, native_of
from tailrace.sources.db2_wire import Field

_TYPES: dict[Kind, pa.DataType] = {
    Kind.BOOL: pa.bool_(),
    Kind.INT: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    """The Arrow schema of a result; every type without a fit Arrow type is text."""
    return pa.schema(
        [(swapped(field.name), _TYPES.get(kind_of(native_of(field)), pa.string())) for field in fields]
    )


def batch_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Some rows as one batch."""
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(kind):
        return pa.array([None if value is None else bool(value) for value in values], kind)
    if pa.types.is_string(kind):
        try:
            return pa.array(values, kind)
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            return pa.array([None if value is None else str(value) for value in values], kind)
    return pa.array(values, kind)
