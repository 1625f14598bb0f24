"""Arrow tables as parameters of an INSERT that the driver runs for many rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1_000
BYTES = 4 * 1024 * 1024
"""How much one array insert takes at most; a row that is larger goes alone."""


def own_spelling(table: str, names: Sequence[str], existing: set[str]) -> list[str]:
    """The table's own spelling of these columns. Raises SourceError for one that it does not have."""
    if not existing:
        raise SourceError(f"the table {table} does not exist", code="source_missing")
    folded = {name.lower(): name for name in existing}
    missing = [name for name in names if name not in existing and name.lower() not in folded]
    if missing:
        raise SourceError(f"the table {table} has no column {missing[0]!r}", code="source_missing")
    return [name if name in existing else folded[name.lower()] for name in names]


def row_pieces(data: pa.Table) -> Iterator[list[tuple[Any, ...]]]:
    """The rows as parameters, some at a time: times and decimals as text, so that no digit is lost."""
    for batch in data.to_batches(max_chunksize=ROWS):
        columns = [_parameters(column) for column in batch.columns]
        piece: list[tuple[Any, ...]] = []
        size = 0
        for row in zip(*columns, strict=True):
            width = sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
            if piece and size + width > BYTES:
                yield piece
                piece, size = [], 0
            piece.append(row)
            size += width
        if piece:
            yield piece


def _parameters(column: pa.Array) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _parameters(column.dictionary_decode())
    if pa.types.is_nested(kind):
        raise SourceError(f"a column of type {kind} cannot be uploaded", hint="Upload its JSON text.")
    if pa.types.is_timestamp(kind):
        exact = pc.cast(column, pa.timestamp("us", kind.tz))
        return pc.call_function("strftime", [exact], pc.StrftimeOptions("%Y-%m-%d %H:%M:%S")).to_pylist()
    if pa.types.is_decimal(kind):
        return pc.cast(column, pa.string()).to_pylist()
    return column.to_pylist()
