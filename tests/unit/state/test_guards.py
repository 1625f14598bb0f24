"""Guards are pure: counts in, verdicts out (R30), and what an approval permits (R31)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.state.counts import Counts
from tailrace.state.guards import Approval, evaluate, rejected_guard, stopped


@dataclass(frozen=True)
class Limits:
    max_deletes: int | None = None
    max_delete_percent: float = 25
    max_set_aside_percent: float = 10
    max_changes: int | None = None
    max_rejected_percent: float = 50
    allow_empty_model: bool = False


def blocking(counts: Counts, limits: Limits | None = None, *, rows: int = 1000, **more) -> list[str]:
    more = {"delivered_rows": rows, "largest_24h": 0} | more
    return [result.name for result in stopped(evaluate(counts, limits or Limits(), rows=rows, **more))]


def deletes(number: int, model_rows: int = 1000) -> Counts:
    return Counts(model_rows=model_rows, unchanged=model_rows, deleted=number, planned=number)


def test_r30_a_quarter_deleted_passes_and_one_more_blocks() -> None:
    assert blocking(deletes(250)) == []
    assert blocking(deletes(251)) == ["max_delete_percent"]


def test_r30_fewer_than_twenty_deletes_are_no_landslide() -> None:
    assert blocking(deletes(19), rows=20) == []
    assert blocking(deletes(20), rows=20) == ["max_delete_percent"]


def test_r30_many_small_syncs_count_against_the_largest_of_the_day() -> None:
    assert blocking(deletes(100), rows=800, largest_24h=1000) == ["max_delete_percent"]
    assert blocking(deletes(50), rows=800, largest_24h=1000) == []
    assert blocking(deletes(0), rows=500, largest_24h=1000) == []


def test_r30_a_number_of_deletes_can_be_limited() -> None:
    assert blocking(deletes(5), Limits(max_deletes=5)) == []
    assert blocking(deletes(6), Limits(max_deletes=5)) == ["max_deletes"]
    assert blocking(deletes(1), Limits(max_deletes=0)) == ["max_deletes"]


def test_r30_an_empty_model_blocks_while_the_state_holds_records() -> None:
    assert "empty_model" in blocking(deletes(3, model_rows=0), rows=3)
    assert "empty_model" in blocking(Counts(), rows=3, delivered_rows=0)
    assert blocking(Counts(), rows=0) == []


def test_r30_set_aside_rows_are_measured_by_the_delivered_rows() -> None:
    assert blocking(Counts(model_rows=1100, unchanged=1000, set_aside=100)) == []
    assert blocking(Counts(model_rows=1101, unchanged=1000, set_aside=101)) == ["max_set_aside_percent"]
    assert blocking(Counts(model_rows=30, unchanged=11, set_aside=19), rows=11) == []
    first = Counts(model_rows=1000, added=950, set_aside=50, planned=950)
    assert blocking(first, rows=0) == []


def test_r30_changes_can_be_limited() -> None:
    counts = Counts(model_rows=10, added=5, updated=5, planned=10)
    assert blocking(counts, Limits(max_changes=10)) == []
    assert blocking(counts, Limits(max_changes=9)) == ["max_changes"]


@pytest.mark.parametrize(
    ("rejected", "outcomes", "at_end", "passed"),
    [
        (999, 999, False, None),
        (501, 1000, False, False),
        (500, 1000, False, True),
        (19, 19, True, None),
        (11, 20, True, False),
        (10, 20, True, True),
    ],
)
def test_r30_rejected_records_are_judged_after_a_thousand_and_at_the_end(
    rejected: int, outcomes: int, at_end: bool, passed: bool | None
) -> None:
    result = rejected_guard(rejected, outcomes, Limits(), at_end=at_end)
    assert (result.passed if result else None) is passed


def test_r31_an_approval_permits_ten_percent_more_and_no_other_guard() -> None:
    approval = Approval("20260101-000000-abcdef", {"max_delete_percent": 300})
    assert blocking(deletes(330), approval=approval) == []
    assert blocking(deletes(331), approval=approval) == ["max_delete_percent"]
    assert blocking(deletes(300), Limits(max_deletes=10), approval=approval) == ["max_deletes"]


def test_r31_an_approved_verdict_says_so() -> None:
    approval = Approval("s", {"max_deletes": 10})
    found = evaluate(
        deletes(10),
        Limits(max_deletes=5),
        rows=1000,
        delivered_rows=1000,
        largest_24h=1000,
        approval=approval,
    )
    assert [result.name for result in found if result.approved] == ["max_deletes"]
    assert Approval.from_json(approval.to_json()) == approval


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_r31_an_approval_covers_what_was_approved_and_never_a_tenth_more(approved: int, count: int) -> None:
    permits = Approval("s", {"max_deletes": approved}).permits("max_deletes", count)
    assert permits is (10 * count <= 11 * approved)
