"""Whether a model's columns and values are within what can be synced; errors name the column or record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tailrace.errors import ModelError
from tailrace.sources.base import Column, Limits
from tailrace.sources.dialect import Dialect, check_key
from tailrace.spec.suggest import closest

if TYPE_CHECKING:
    import pyarrow as pa

_UNNAMED = "?column?"
_FIXED_BYTES = 8


def check_model(columns: Sequence[Column], key: Sequence[str], limits: Limits) -> tuple[Column, ...]:
    """The columns of the unique identifier, in the order of `key`. Raises ModelError with a remedy."""
    _check_columns(columns, limits)
    found = tuple(_key_column(columns, name) for name in key)
    if len(set(found)) < len(found):
        raise ModelError(
            f"the unique identifier names a column twice: {', '.join(key)}",
            hint="Name each column once.",
            code="model_key",
        )
    check_key(found)
    return found


def _check_columns(columns: Sequence[Column], limits: Limits) -> None:
    if not columns:
        raise ModelError("the model has no columns", hint="Select the columns to send.", code="model_columns")
    if len(columns) > limits.columns:
        raise ModelError(
            f"the model has {len(columns)} columns; at most {limits.columns} are allowed",
            hint="Select only the columns that your mappings use.",
            code="model_columns",
        )
    names = [column.name for column in columns]
    for position, name in enumerate(names, 1):
        if name == _UNNAMED or not name.strip():
            raise ModelError(
                f"column {position} of the model has no name",
                hint="Give every expression a name: SELECT count(*) AS orders.",
                code="model_columns",
            )
        if len(name) > limits.column_name_characters:
            raise ModelError(
                f"the name of column {position}, {name[:40]!r}…, has {len(name)} characters; "
                f"at most {limits.column_name_characters} are allowed",
                hint="Give it a shorter name with AS.",
                code="model_columns",
            )
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ModelError(
            f"the model has more than one column named {repeated[0]!r}",
            hint="Give each column a name of its own with AS, or select only one of them.",
            code="model_columns",
        )


def _key_column(columns: Sequence[Column], name: str) -> Column:
    exact = [column for column in columns if column.name == name]
    if exact:
        return exact[0]
    folded = [column for column in columns if column.name.casefold() == name.casefold()]
    if len(folded) == 1:
        return folded[0]
    if folded:
        raise ModelError(
            f"the unique identifier {name!r} fits several columns: "
            f"{', '.join(column.name for column in folded)}",
            hint="Write it exactly as the column is named.",
            code="model_key",
        )
    names = [column.name for column in columns]
    near = closest(name, names)
    raise ModelError(
        f"the model has no column {name!r} for its unique identifier",
        hint=f"Did you mean {near!r}?" if near else f"Its columns are: {', '.join(names[:20])}.",
        code="model_key",
    )


def preview_query(dialect: Dialect, statement: str, columns: Sequence[Column], limit: int) -> str:
    """A query for a model's first records, each value as a sync would store and read it."""
    shown = ", ".join(
        dialect.read_expr(
            dialect.store_expr(f"model.{dialect.quote(column.name)}", column), dialect.storage(column)
        )
        + f" AS {dialect.quote(column.name)}"
        for column in columns
    )
    query = f"SELECT {shown} FROM {dialect.subquery(statement, 'model')}"
    return dialect.leading(statement) + dialect.limited(query, limit)


class Oversized(NamedTuple):
    """A value that is too large, or with `column` None a record that is."""

    row: int
    column: str | None
    size: int


def oversized(batch: pa.RecordBatch, limits: Limits) -> list[Oversized]:
    """Every value and record of the batch above the limits, in the order of rows; sizes are in bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    variable = [
        name
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if _is_variable(column.type)
    ]
    lengths = {name: pc.call_function("binary_length", [batch.column(name)]) for name in variable}
    fixed = _FIXED_BYTES * (batch.num_columns - len(variable))
    longest = [pc.call_function("max", [each]).as_py() or 0 for each in lengths.values()]
    if max(longest, default=0) <= limits.value_bytes and sum(longest) + fixed <= limits.record_bytes:
        return []
    found: list[Oversized] = []
    records = pa.array([fixed] * batch.num_rows, pa.int64())
    for name, length in lengths.items():
        sizes = pc.fill_null(pc.cast(length, pa.int64()), 0)
        found += [Oversized(row, name, size) for row, size in _above(sizes, limits.value_bytes)]
        records = pc.call_function("add", [records, sizes])
    found += [Oversized(row, None, size) for row, size in _above(records, limits.record_bytes)]
    return sorted(found, key=lambda one: (one.row, one.column is None))


def _is_variable(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _above(sizes: pa.Array, limit: int) -> list[tuple[int, int]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pc.call_function("indices_nonzero", [pc.call_function("greater", [sizes, pa.scalar(limit)])])
    return list(zip(rows.to_pylist(), sizes.take(rows).to_pylist(), strict=True))
