"""Rows of Arrow as INSERT statements.

A pool takes an INSERT … VALUES of one row only, and each statement costs it a round through its queue; its bulk
protocol cannot be had (Microsoft's driver asks for metadata in a way that pools refuse: Msg 104473, as in
dotnet/SqlClient#4149). So many rows go as one INSERT … SELECT of constants, within the size of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.sources.azure.syntax import bracketed

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 200
CHARACTERS = 256 * 1024


def inserts(table: str, natives: Mapping[str, str], data: pa.Table) -> Iterator[str]:
    """Statements that append the rows, columns by name; `natives` are the table's types."""
    names = data.column_names
    head = f"INSERT INTO {table} ({', '.join(map(bracketed, names))})\n"
    for batch in data.to_batches(max_chunksize=10_000):
        columns = [[_constant(value) for value in column.to_pylist()] for column in batch.columns]
        block: list[str] = []
        size = 0
        for row in zip(*columns, strict=True):
            text = ", ".join(row)
            if block and (len(block) == ROWS or size + len(text) > CHARACTERS):
                yield head + "\nUNION ALL ".join(block)
                block, size = [], 0
            if not block:  # the first row's types are those of all
                text = ", ".join(
                    f"CAST({value} AS {natives[name]}) AS {bracketed(name)}"
                    for name, value in zip(names, row, strict=True)
                )
            block.append(f"SELECT {text}")
            size += len(text)
        if block:
            yield head + "\nUNION ALL ".join(block)


def _constant(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(int(value))
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")  # with an exponent it would be a float, and with it the whole column
        case float():
            if not math.isfinite(value):
                raise SourceError(f"a SQL pool has no number {value}", hint="Replace it in the model.")
            return repr(value)
        case str():
            return _text(value)
        case bytes():
            return "0x" + value.hex()
        case datetime():
            moment = value.astimezone(UTC) if value.tzinfo else value
            return f"'{moment.isoformat(sep=' ', timespec='microseconds')}'"
        case date():
            return f"'{value.isoformat()}'"
        case _:
            raise TypeError(f"a value of type {type(value).__name__}")


def _text(value: str) -> str:
    """A text; NUL, at which the driver would take the statement to end, is computed."""
    pieces = ["N'" + piece.replace("'", "''") + "'" for piece in value.split("\0")]
    if len(pieces) == 1:
        return pieces[0]
    return (
        f"(CAST({pieces[0]} AS NVARCHAR(MAX)) + "
        + " + ".join(f"NCHAR(0) + {each}" for each in pieces[1:])
        + ")"
    )


def check_names(table: str, natives: Mapping[str, str], data: pa.Table) -> None:
    """Hold that the table is there, with these columns. Raises SourceError."""
    if not natives:
        raise SourceError(
            f"there is no table {table}",
            hint="Run the sync again: it is made anew then.",
            code="source_missing",
        )
    unknown = [name for name in data.column_names if name not in natives]
    if unknown:
        raise SourceError(
            f"the table {table} has no column {unknown[0]!r}",
            hint="Run the sync again.",
            code="source_missing",
        )


__all__ = ["CHARACTERS", "ROWS", "check_names", "inserts"]
