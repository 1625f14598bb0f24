"""Spans of plan positions as sets: merged and taken apart without losing or inventing one (R25)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tailrace.outcomes import Outcome, Refusal, Span
from tailrace.state.progress import MESSAGE_CHARACTERS, Unit, covered, merged, progress_rows, without

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))
)


def positions(found: Iterable[Span]) -> set[int]:
    return {seq for span in found for seq in range(span.first, span.last + 1)}


def is_plain(found: tuple[Span, ...]) -> bool:
    """Ordered, disjoint and not adjacent."""
    return all(left.last + 1 < right.first for left, right in pairwise(found))


@given(spans)
def test_r25_merged_spans_hold_the_same_positions_once(found: list[Span]) -> None:
    assert positions(merged(found)) == positions(found)
    assert is_plain(merged(found))


@given(spans, spans)
def test_r25_taking_spans_away_leaves_exactly_the_others(found: list[Span], taken: list[Span]) -> None:
    left = without(found, taken)
    assert positions(left) == positions(found) - positions(taken)
    assert is_plain(left)


@given(spans)
def test_r25_gaps_between_units_hold_no_record_and_are_closed(found: list[Span]) -> None:
    units = [Unit(number, span, 1) for number, span in enumerate(merged(found))]
    whole = covered(units, (unit.span for unit in units))
    assert len(whole) <= 1
    assert positions(whole) >= positions(found)


def test_r27_exceptions_become_rows_for_the_bulk_path_with_text_that_every_warehouse_takes() -> None:
    refusal = Refusal(7, "k", "added", Outcome.REJECTED, "http_400", "bad\0code", "m" * 5000, record_id="id")
    rows = progress_rows("plan", resolved=[(1, Span(5, 9))], exceptions=[refusal], ceiling=20).to_pylist()
    assert [(row["kind"], row["unit"], row["from_seq"], row["to_seq"]) for row in rows] == [
        ("resolved", 1, 5, 9), ("ceiling", None, 20, 20), ("exception", None, 7, 7),
    ]  # fmt: skip
    assert {row["plan_table"] for row in rows} == {"plan"}
    assert rows[2]["code"] == "bad\ufffdcode"
    assert rows[2]["message"] == "m" * MESSAGE_CHARACTERS
    assert (rows[2]["outcome"], rows[2]["record_level_id"]) == ("rejected", "id")
