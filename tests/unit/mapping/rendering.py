"""What the tests of the mapping share: columns, batches, and rendering them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tailrace.columns import Column, Kind
from tailrace.mapping.compile import compile_mapping

ARROW = {
    Kind.BOOL: pa.bool_(),
    Kind.INT: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
}


def column(name: str, kind: Kind = Kind.TEXT, native: str = "") -> Column:
    return Column(name, kind, native or kind.value)


def batch(
    columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], **extra: Sequence[Any]
) -> pa.RecordBatch:
    arrays: list[pa.Array] = []
    for one in columns:
        values = [row.get(one.name) for row in rows]
        wide = any(isinstance(value, str) for value in values) or one.native == "hugeint"
        arrays.append(pa.array(values, pa.string() if wide else ARROW.get(one.kind, pa.string())))
    names = [one.name for one in columns]
    for name, values in extra.items():
        arrays.append(pa.array(values))
        names.append(name)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def render(
    fields: Mapping[str, Any] | None,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    *,
    action_fields: Sequence[Any] | None = None,
    outputs: dict[str, str] | None = None,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Compile and render, and give each record's result as a dict."""
    compiled = compile_mapping(fields, columns, action_fields=action_fields)
    used = [one for one in columns if one.name in compiled.used_columns]
    with compiled.renderer(outputs, threads=threads) as renderer:
        return renderer.render(batch(used, rows, _seq=list(range(len(rows))))).to_pylist()


def one(expression: Any, columns: Sequence[Column] = (), row: Mapping[str, Any] | None = None) -> str:
    """The JSON text that one expression renders for one record; fails where the record is refused."""
    result = render({"x": expression}, columns, [row or {}])[0]
    assert result["error_message"] is None, result
    text = result["payload"]
    assert text.startswith('{"x":')
    return text[5:-1]


def refused(expression: Any, columns: Sequence[Column] = (), row: Mapping[str, Any] | None = None) -> str:
    """The message with which one record is refused."""
    result = render({"x": expression}, columns, [row or {}])[0]
    assert result["payload"] is None, result
    assert result["error_field"] == "x"
    return result["error_message"]


def exact(text: str) -> Any:
    """JSON with every number exact."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)
