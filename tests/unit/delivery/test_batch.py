"""Cutting: contiguous, in order, within the limits, and on resume exactly as before."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.delivery.batch import Batch, Cutter, Size
from tailrace.delivery.outcomes import Rendered
from tailrace.outcomes import Outcome, Refusal, Span, UnitProgress

OPERATIONS = ("added", "updated", "deleted")


def rendered(
    seqs: Sequence[int],
    items: Sequence[str],
    *,
    operations: Sequence[str] | None = None,
    refused: Sequence[int] = (),
    last: bool = False,
) -> Rendered:
    refusals = {
        row: Refusal(seqs[row], str(seqs[row]), "added", Outcome.REJECTED, "mapping", "field_invalid", "no")
        for row in refused
    }
    texts = ["" if row in refusals else text for row, text in enumerate(items)]
    return Rendered(
        1,
        pa.array(seqs, pa.int64()),
        pa.array([str(seq) for seq in seqs], pa.string()),
        pa.array(operations or ["added"] * len(seqs), pa.string()),
        pa.array([f"id{seq}" for seq in seqs], pa.string()),
        pa.array(texts, pa.large_string()),
        refusals,
        last,
    )


def cut(pieces: Sequence[Rendered], size: Size, progress: UnitProgress | None = None) -> list[Batch]:
    cutter = Cutter(size, progress)
    found = [batch for piece in pieces for batch in cutter.push(piece)]
    return found + list(cutter.finish())


@st.composite
def units(draw: st.DrawFn) -> tuple[list[int], list[str], list[str], set[int], list[int]]:
    """Positions with gaps, texts, operations, refused rows, and where the pieces end."""
    gaps = draw(st.lists(st.integers(1, 5), min_size=1, max_size=60))
    seqs = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    count = len(seqs)
    items = draw(
        st.lists(
            st.text("abé", min_size=1, max_size=9).map(lambda text: text + ","),
            min_size=count,
            max_size=count,
        )
    )
    operations = draw(st.lists(st.sampled_from(OPERATIONS), min_size=count, max_size=count))
    refused = draw(st.sets(st.integers(0, count - 1), max_size=5))
    borders = sorted(draw(st.sets(st.integers(0, count), max_size=4)) | {0, count})
    return seqs, items, operations, refused, borders


def pieces_of(unit: tuple[list[int], list[str], list[str], set[int], list[int]]) -> list[Rendered]:
    seqs, items, operations, refused, borders = unit
    return [
        rendered(
            seqs[start:stop],
            items[start:stop],
            operations=operations[start:stop],
            refused=[row - start for row in refused if start <= row < stop],
            last=stop == len(seqs),
        )
        for start, stop in pairwise(borders)
    ]


@settings(deadline=None)
@given(units(), st.integers(1, 20), st.integers(1, 60), st.booleans())
def test_batches_cover_the_unit_in_order_within_the_limits(unit, records: int, size: int, one: bool) -> None:
    seqs, items, operations, refused, _ = unit
    batches = cut(pieces_of(unit), Size(records, size, one))
    rows = [seq for batch in batches for seq in batch.piece.seqs[batch.start : batch.stop]]
    assert rows == seqs
    for batch in batches:
        assert batch.span == Span(batch.piece.seqs[batch.start], batch.piece.seqs[batch.stop - 1])
        part = batch.part()
        if part is None:
            continue
        assert len(part) <= records
        text = bytes(part.items(1)).decode()
        expected = [items[seqs.index(seq)] for seq in map(int, part.keys) if seqs.index(seq) not in refused]
        assert text + "," == "".join(expected)
        assert len(part) == 1 or len(text.encode()) + 1 <= size
        if one:
            assert len(set(part.operations)) == 1
        assert part.operations == [operations[seqs.index(int(key))] for key in part.keys]


@settings(deadline=None)
@given(units(), st.integers(1, 20))
def test_piece_borders_do_not_matter(unit, records: int) -> None:
    seqs, items, operations, refused, _ = unit
    whole = (seqs, items, operations, refused, [0, len(seqs)])
    size = Size(records, 1_000)
    assert [b.span for b in cut(pieces_of(unit), size)] == [b.span for b in cut(pieces_of(whole), size)]


@settings(deadline=None)
@given(units(), st.integers(1, 12), st.integers(1, 12), st.data())
def test_resume_cuts_what_was_in_flight_as_it_was(
    unit, records: int, other: int, data: st.DataObject
) -> None:
    before = cut(pieces_of(unit), Size(records, 1_000))
    offered = data.draw(st.integers(0, len(before)))
    resolved = data.draw(st.sets(st.integers(0, max(offered - 1, 0)), max_size=offered))
    progress = UnitProgress(
        tuple(before[at].span for at in sorted(resolved) if at < offered),
        tuple(before[at].span for at in range(offered) if at not in resolved),
    )
    again = cut(pieces_of(unit), Size(other, 1_000), progress)
    in_flight = {batch.span: batch for batch in again if batch.resumed}
    assert tuple(in_flight) == progress.in_flight
    for batch in before:
        if batch.span in in_flight and (part := batch.part()) is not None:
            twin = in_flight[batch.span].part()
            assert twin is not None
            assert bytes(twin.items(1)) == bytes(part.items(1))
    rows = {seq for batch in again for seq in batch.piece.seqs[batch.start : batch.stop]}
    done = {seq for seq in unit[0] for span in progress.resolved if span.first <= seq <= span.last}
    assert rows == set(unit[0]) - done
    assert all(len(part) <= other for batch in again if not batch.resumed and (part := batch.part()))


def test_a_batch_that_is_not_full_waits_for_the_next_piece() -> None:
    cutter = Cutter(Size(4, 1_000))
    assert [b.span for b in cutter.push(rendered(range(1, 7), ["x,"] * 6))] == [Span(1, 4)]
    assert [b.span for b in cutter.push(rendered(range(7, 10), ["x,"] * 3))] == [Span(5, 8)]
    assert [b.span for b in cutter.finish()] == [Span(9, 9)]


def test_counts_by_operation_come_without_the_refused_text() -> None:
    piece = rendered(
        range(4), ["a,", "b,", "c,", "d,"], operations=["added", "added", "deleted", "updated"], refused=[1]
    )
    (batch,) = cut([piece], Size(10, 1_000))
    assert batch.piece.operation_counts(batch.start, batch.stop) == {"added": 2, "deleted": 1, "updated": 1}
    assert [refusal.seq for refusal in batch.refusals()] == [1]
    part = batch.part()
    assert part is not None
    assert part.keys == ["0", "2", "3"]
    assert bytes(part.items(1)) == b"a,c,d"
    first, second = part.halves()
    assert (bytes(first.items(1)), bytes(second.items(1))) == (b"a", b"c,d")
    assert bytes(part.of([0, 3]).items(1)) == b"a,d"
    assert part.of([2]).deletes_alone()
    assert not part.deletes_alone()
