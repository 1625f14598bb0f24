"""Rows of the driver as Arrow batches: exact decimals as text, times in microseconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tailrace.columns import Kind
from tailrace.sources.db2.names import swapped
from tailrace.sources.db2.types import kind_of, native_of
from tailrace.sources.db2.wire import Field

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
        [_array(_listed(values, field), field.type) for values, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _listed(values: tuple[Any, ...], field: pa.Field) -> Sequence[Any]:
    """Text in a column whose name ends in `_ARRAY` as JSON: a list with commas is one of texts."""
    if not pa.types.is_string(field.type) or not field.name.lower().endswith("_array"):
        return values
    return [
        value if value is None or value.lstrip().startswith("[") else _json_list(value) for value in values
    ]


def _json_list(text: str) -> str:
    return json.dumps([part.strip() for part in text.split(",")] if text.strip() else [], ensure_ascii=False)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(kind):
        return pa.array([None if value is None else bool(value) for value in values], kind)
    if pa.types.is_string(kind):
        try:
            return pa.array(values, kind)
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            return pa.array([None if value is None else str(value) for value in values], kind)
    return pa.array(values, kind)
