"""Whatever the order in which batches are decided, the ledger says of every record what is true of it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.outcomes import Offer, Resolution, Span
from tailrace.store.progress import UnitLedger, complement, dump_spans, load_spans, started
from tailrace.store.rows import UnitPlan


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """Positions of records, with gaps between them, cut into batches in order."""
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 7, 1 << 40]), min_size=1, max_size=60))
    positions = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    cuts = sorted(draw(st.sets(st.integers(1, len(positions)), max_size=12)))
    edges = [0, *(cut for cut in cuts if cut < len(positions)), len(positions)]
    return positions, [positions[a:b] for a, b in pairwise(edges)]


def holds(spans: tuple[Span, ...], position: int) -> bool:
    return any(span.first <= position <= span.last for span in spans)


@settings(max_examples=300)
@given(batches(), st.data())
def test_r25_each_record_is_resolved_or_in_flight_or_unoffered_as_it_should_be(
    cut: tuple[list[int], list[list[int]]], data: st.DataObject
) -> None:
    positions, waiting = cut
    whole = Span(positions[0], positions[-1] + data.draw(st.integers(0, 5)))
    ledger = UnitLedger(started(UnitPlan(3, whole, len(positions))))
    flying: list[list[int]] = []
    resolved: set[int] = set()
    splits = 0
    while waiting or flying:
        if waiting and (not flying or data.draw(st.booleans())):
            batch = waiting.pop(0)
            ledger.offer(Offer(3, Span(batch[0], batch[-1])))
            flying.append(batch)
        else:
            batch = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
            if len(batch) > 1 and data.draw(st.booleans()):
                middle = data.draw(st.integers(1, len(batch) - 1))
                batch, rest = batch[:middle], batch[middle:]
                flying.append(rest)
                splits += 1
            ledger.resolve(Resolution(3, Span(batch[0], batch[-1]), len(batch), {"added": len(batch)}))
            resolved.update(batch)
        progress = ledger.progress()
        in_flight = {position for batch in flying for position in batch}
        for position in positions:
            assert holds(progress.resolved, position) == (position in resolved)
            assert holds(progress.in_flight, position) == (position in in_flight)
        assert progress.resolved_records == len(resolved) == progress.delivered.get("added", 0)
        assert len(progress.resolved) <= len(flying) + splits + 1
        if data.draw(st.booleans()):
            ledger = UnitLedger(progress)
    assert ledger.progress().complete
    assert ledger.progress().resolved == (whole,)


spans = st.builds(lambda first, length: Span(first, first + length), st.integers(-20, 60), st.integers(0, 15))


@given(st.integers(0, 40), st.integers(0, 20), st.lists(spans, max_size=6))
def test_the_complement_holds_exactly_what_the_spans_do_not(
    first: int, length: int, taken: list[Span]
) -> None:
    whole = Span(first, first + length)
    rest = complement(whole, taken)
    for position in range(first, whole.last + 1):
        assert holds(rest, position) != holds(tuple(taken), position)
    assert all(whole.first <= span.first <= span.last <= whole.last for span in rest)
    assert all(a.last + 1 < b.first for a, b in pairwise(rest))


@given(st.lists(spans))
def test_spans_survive_storage(some: list[Span]) -> None:
    assert load_spans(dump_spans(some)) == tuple(sorted(some))
