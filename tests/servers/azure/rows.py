"""A result on the wire: COLMETADATA, and ROW or NBCROW for each row, written column by column."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from tests.servers.azure.tokens import short_text
from tests.servers.azure.types import SqlType


def described(names: Sequence[str], types: Sequence[SqlType]) -> bytes:
    """COLMETADATA (MS-TDS 2.2.7.4)."""
    parts = [struct.pack("<BH", 0x81, len(names))]
    for name, kind in zip(names, types, strict=True):
        flags = 0x08 | (1 if kind.nullable else 0)
        parts.append(struct.pack("<IH", 0, flags) + kind.described() + short_text(name[:128]))
    return b"".join(parts)


class RowWriter:
    """Writes batches of rows of one result."""

    def __init__(self, types: Sequence[SqlType]) -> None:
        self._writers = [kind.writer() for kind in types]
        self._bitmap = (len(types) + 7) // 8

    def write(self, columns: Sequence[Sequence[Any]]) -> bytes:
        """Rows given by column: a ROW for each, or NBCROW where something is NULL."""
        pieces: list[list[bytes]] = []
        empty: list[int] = []
        for number, (values, writer) in enumerate(zip(columns, self._writers, strict=True)):
            if None in values:
                empty.append(number)
                pieces.append([b"" if value is None else writer(value) for value in values])
            else:
                pieces.append(list(map(writer, values)))
        if not pieces:
            return b""
        heads = self._heads(columns, empty) if empty else [b"\xd1"] * len(pieces[0])
        return b"".join(map(b"".join, zip(heads, *pieces, strict=True)))

    def _heads(self, columns: Sequence[Sequence[Any]], empty: list[int]) -> list[bytes]:
        masks = [0] * len(columns[0])
        for number in empty:
            bit = 1 << number
            for row, value in enumerate(columns[number]):
                if value is None:
                    masks[row] |= bit
        return [b"\xd2" + mask.to_bytes(self._bitmap, "little") for mask in masks]
