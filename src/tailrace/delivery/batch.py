"""Cuts rendered pieces into batches: contiguous, in order, and on resume exactly as they were cut before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tailrace.delivery.outcomes import Refusal, Rendered
from tailrace.outcomes import Span, UnitProgress

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Size:
    """How large a request may be; the bytes shrink for the rest of the sync after a 413."""

    records: int
    bytes: int
    """Of the records' texts, without what the action puts around them."""
    one_operation: bool = False


class Piece:
    """A rendered piece with what cutting needs at hand: views on Arrow's buffers, nothing per record."""

    __slots__ = ("_codes", "_names", "_refused", "data", "offsets", "rendered", "rows", "seqs")

    def __init__(self, rendered: Rendered) -> None:
        self.rendered = rendered
        self.rows = len(rendered.items)
        self.seqs = _numbers(rendered.seqs.buffers()[1], "q", rendered.seqs.offset, self.rows)
        _, offsets, data = rendered.items.buffers()
        self.offsets = _numbers(offsets, "q", rendered.items.offset, self.rows + 1)
        self.data = memoryview(data).cast("B") if data is not None else memoryview(b"")
        encoded = rendered.operations.dictionary_encode()
        self._names: list[str] = encoded.dictionary.to_pylist()
        codes = encoded.indices
        self._codes = _numbers(codes.buffers()[1], "i", codes.offset, self.rows)
        self._refused = sorted(rendered.refusals)

    def sendable(self, start: int, stop: int) -> int:
        """How many of the rows go into a request."""
        refused = bisect_left(self._refused, stop) - bisect_left(self._refused, start)
        return stop - start - refused

    def operation_counts(self, start: int, stop: int) -> dict[str, int]:
        """Rows by operation."""
        if len(self._names) == 1 or stop - start == 1:
            return {self._names[self._codes[start]]: stop - start}
        codes = self._codes[start:stop].tolist()
        return {name: count for code, name in enumerate(self._names) if (count := codes.count(code))}

    def position(self, seq: int) -> int:
        """The first row at this position or after it."""
        return bisect_left(self.seqs, seq)

    def end(self, start: int, stop: int, size: Size) -> int:
        """Where the batch that begins at `start` ends; at least one row."""
        end = min(stop, start + size.records)
        while end < stop and (lacking := size.records - self.sendable(start, end)):
            end = min(stop, end + lacking)
        room = self.offsets[start] + size.bytes
        if self.offsets[end] > room:
            end = bisect_right(self.offsets, room, start, end) - 1
        if size.one_operation and len(self._names) > 1:
            codes = self._codes[start:end].tolist()
            end = start + next((at for at, code in enumerate(codes) if code != codes[0]), len(codes))
        return max(end, start + 1)


def _numbers(buffer: pa.Buffer, kind: Literal["q", "i"], offset: int, count: int) -> memoryview[int]:
    width = 8 if kind == "q" else 4
    return memoryview(buffer).cast("B")[offset * width : (offset + count) * width].cast(kind)


@dataclass(slots=True)
class Part:
    """Some rows of a piece, as they stand in one request."""

    piece: Piece
    rows: Sequence[int]
    """The rows with a text, ascending: a range, or a list where some between them are left out."""
    dense: bool = True
    """Their texts stand side by side in the piece's buffer."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> list[str]:
        return self._take(self.piece.rendered.keys)

    @property
    def operations(self) -> list[str]:
        return self._take(self.piece.rendered.operations)

    @property
    def record_ids(self) -> list[str]:
        return self._take(self.piece.rendered.record_ids)

    @property
    def span(self) -> Span:
        return Span(self.piece.seqs[self.rows[0]], self.piece.seqs[self.rows[-1]])

    def items(self, separator: int) -> memoryview:
        """The texts joined, without the last separator, which is `separator` bytes long."""
        offsets, data = self.piece.offsets, self.piece.data
        if self.dense:
            return data[offsets[self.rows[0]] : offsets[self.rows[-1] + 1] - separator]
        joined = b"".join(data[offsets[row] : offsets[row + 1]] for row in self.rows)
        return memoryview(joined)[: len(joined) - separator]

    def item(self, row: int, separator: int) -> str:
        """One record's text, for people to read."""
        offsets = self.piece.offsets
        text = self.piece.data[offsets[row] : offsets[row + 1] - separator]
        return bytes(text).decode()

    def of(self, rows: Sequence[int]) -> Part:
        """Only these rows (of the piece)."""
        contiguous = len(rows) == rows[-1] - rows[0] + 1
        return Part(self.piece, rows, contiguous)

    def halves(self) -> tuple[Part, Part]:
        """The first and the second half; there are at least two rows."""
        middle = len(self.rows) // 2
        return (
            Part(self.piece, self.rows[:middle], self.dense),
            Part(self.piece, self.rows[middle:], self.dense),
        )

    def deletes_alone(self) -> bool:
        """Whether nothing but deletes is in here."""
        if self.dense and len(self.rows) > 1:
            counts = self.piece.operation_counts(self.rows[0], self.rows[-1] + 1)
            return set(counts) == {"deleted"}
        return set(self.operations) == {"deleted"}

    def _take(self, column: Any) -> list[str]:
        if isinstance(self.rows, range):
            return column.slice(self.rows.start, len(self.rows)).to_pylist()
        return column.take(list(self.rows)).to_pylist()


@dataclass(slots=True)
class Batch:
    """A contiguous run of a unit's records, the ones that the mapping refused included."""

    piece: Piece
    start: int
    stop: int
    resumed: bool = False
    """An earlier run may have sent it, or some of it."""

    @property
    def unit(self) -> int:
        return self.piece.rendered.unit

    @property
    def span(self) -> Span:
        return Span(self.piece.seqs[self.start], self.piece.seqs[self.stop - 1])

    @property
    def records(self) -> int:
        return self.stop - self.start

    @property
    def bytes(self) -> int:
        return self.piece.offsets[self.stop] - self.piece.offsets[self.start]

    def refusals(self) -> list[Refusal]:
        """What the mapping refused."""
        found = self.piece.rendered.refusals
        return [found[row] for row in range(self.start, self.stop) if row in found] if found else []

    def part(self) -> Part | None:
        """The records to send; None where the mapping refused them all."""
        found = self.piece.rendered.refusals
        if not found:
            return Part(self.piece, range(self.start, self.stop))
        rows = [row for row in range(self.start, self.stop) if row not in found]
        return Part(self.piece, rows) if rows else None


class Cutter:
    """Cuts one unit: leaves out what is resolved, cuts what was in flight as before, the rest by `size`."""

    def __init__(self, size: Size, progress: UnitProgress | None = None) -> None:
        self._size = size
        progress = progress or UnitProgress()
        spans = [(span, False) for span in progress.resolved] + [(span, True) for span in progress.in_flight]
        self._spans = sorted(spans, key=lambda pair: pair[0])
        self._doubtful = progress.doubtful
        self._rest: Rendered | None = None

    def push(self, rendered: Rendered) -> Iterator[Batch]:
        """The batches that are complete with this piece; an incomplete one waits for the next."""
        if self._rest is not None:
            rendered = _joined(self._rest, rendered)
            self._rest = None
        if len(rendered.items):
            yield from self._cut(rendered, rendered.last)

    def finish(self) -> Iterator[Batch]:
        """What is left when the unit has ended."""
        rest, self._rest = self._rest, None
        if rest is not None:
            yield from self._cut(rest, True)

    def _cut(self, rendered: Rendered, last: bool) -> Iterator[Batch]:
        piece = Piece(rendered)
        row = 0
        while row < piece.rows:
            span, in_flight = self._span_from(piece.seqs[row])
            if span is None or piece.seqs[row] < span.first:
                border = piece.position(span.first) if span else piece.rows
                end = piece.end(row, border, self._size)
                whole = end < piece.rows or piece.sendable(row, end) >= self._size.records
                if not whole and not last:
                    self._rest = _tail(rendered, row)
                    return
                yield Batch(piece, row, end, resumed=self._in_doubt(piece.seqs[row], piece.seqs[end - 1]))
            else:
                end = piece.position(span.last + 1)
                if in_flight:
                    if end == piece.rows and not last and piece.seqs[-1] < span.last:
                        self._rest = _tail(rendered, row)
                        return
                    yield Batch(piece, row, end, resumed=True)
            row = end

    def _in_doubt(self, first: int, last: int) -> bool:
        return any(span.first <= last and first <= span.last for span in self._doubtful)

    def _span_from(self, seq: int) -> tuple[Span | None, bool]:
        while self._spans and self._spans[0][0].last < seq:
            self._spans.pop(0)
        return self._spans[0] if self._spans else (None, False)


def _tail(rendered: Rendered, row: int) -> Rendered:
    return Rendered(
        rendered.unit,
        rendered.seqs.slice(row),
        rendered.keys.slice(row),
        rendered.operations.slice(row),
        rendered.record_ids.slice(row),
        rendered.items.slice(row),
        {at - row: refusal for at, refusal in rendered.refusals.items() if at >= row},
        rendered.last,
    )


def _joined(first: Rendered, second: Rendered) -> Rendered:
    import pyarrow as pa

    rows = len(first.items)
    return Rendered(
        second.unit,
        pa.concat_arrays([first.seqs, second.seqs]),
        pa.concat_arrays([first.keys, second.keys]),
        pa.concat_arrays([first.operations, second.operations]),
        pa.concat_arrays([first.record_ids, second.record_ids]),
        pa.concat_arrays([first.items, second.items]),
        first.refusals | {row + rows: refusal for row, refusal in second.refusals.items()},
        second.last,
    )
