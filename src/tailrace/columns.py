"""Columns of models and managed tables: a name, the logical kind, and the warehouse's own type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Kind(StrEnum):
    """The logical type of a column, the same for every warehouse."""

    BOOL = "bool"
    INT = "int"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    ARRAY = "array"
    STRUCT = "struct"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a model or of a managed table: its name, logical kind and the warehouse's own type."""

    name: str
    kind: Kind
    native: str


def rows_of(data: pa.Table | pa.RecordBatch) -> list[dict[str, Any]]:
    """A few rows as Python's values; a day or time outside of Python's years, 1 to 9999, as text, such as `infinity`."""
    try:
        return data.to_pylist()
    except OverflowError:
        columns = [[_value(each) for each in column] for column in data.columns]
        return [dict(zip(data.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _value(scalar: pa.Scalar[Any]) -> Any:
    try:
        return scalar.as_py()
    except OverflowError:
        import duckdb
        import pyarrow as pa

        with duckdb.connect() as connection:  # Arrow's own text of such a value is wrong, or none
            one = connection.from_arrow(pa.table({"v": pa.repeat(scalar, 1)}))
            return one.project("v::VARCHAR").fetchall()[0][0]
