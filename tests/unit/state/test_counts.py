"""Counts add up, or the engine says so (R32)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.outcomes import Outcome
from tailrace.state.counts import (
    OPERATIONS,
    Counts,
    CountsError,
    OperationCounts,
    assert_outcomes,
    assert_plan,
)

PLAN = Counts(
    model_rows=22, added=3, updated=2, deleted=4, unchanged=10, set_aside=5, quarantined=1, not_sent=1,
    planned=9,
    by_operation={"added": OperationCounts(planned=3), "updated": OperationCounts(planned=2),
                  "deleted": OperationCounts(planned=4, not_sent=7)},
)  # fmt: skip

numbers = st.integers(0, 1000)


def test_r32_a_plan_adds_up_and_deletions_held_back_stand_by_operation_alone() -> None:
    assert_plan(PLAN)


@pytest.mark.parametrize(
    "name", ["model_rows", "added", "unchanged", "set_aside", "quarantined", "not_sent", "planned", "deleted"]
)
def test_r32_one_row_missing_anywhere_is_noticed(name: str) -> None:
    broken = Counts(
        **{field: getattr(PLAN, field) for field in Counts.__slots__} | {name: getattr(PLAN, name) - 1}
    )
    with pytest.raises(CountsError, match="do not add up"):
        assert_plan(broken)


@given(st.fixed_dictionaries({(o, r): numbers for o in OPERATIONS for r in Outcome}))
def test_r32_one_outcome_per_planned_record(outcomes: dict[tuple[str, Outcome], int]) -> None:
    planned = {o: sum(outcomes[o, r] for r in Outcome) for o in OPERATIONS}
    plan = Counts(
        **planned,
        planned=sum(planned.values()),
        by_operation={operation: OperationCounts(planned=planned[operation]) for operation in OPERATIONS},
    )
    whole = plan.with_outcomes(outcomes)
    assert_outcomes(whole)
    short = plan.with_outcomes(
        outcomes | {("added", Outcome.ABORTED): outcomes["added", Outcome.ABORTED] + 1}
    )
    with pytest.raises(CountsError):
        assert_outcomes(short)


def test_counts_survive_the_checkpoint() -> None:
    whole = PLAN.with_outcomes({("added", Outcome.DELIVERED): 3})
    assert Counts.from_json(whole.to_json()) == whole
