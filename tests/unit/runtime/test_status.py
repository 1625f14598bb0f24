"""How a sync that sent its whole plan ends."""

from __future__ import annotations

import pytest

from tailrace.runtime.finishing import status_of
from tailrace.state.counts import Counts


@pytest.mark.parametrize("outcome", ["rejected", "aborted", "unknown"])
def test_fail_on_alone_says_which_outcomes_make_a_sync_partial(outcome: str) -> None:
    counts = Counts(planned=3, delivered=2, **{outcome: 1})
    named = status_of(counts, [outcome], None, complete=True, cancelled=False)
    others = sorted({"rejected", "aborted", "unknown"} - {outcome})
    left_out = status_of(counts, others, None, complete=True, cancelled=False)
    assert (named, left_out) == (("partial", None), ("success", None))


def test_a_sync_of_which_no_record_could_be_sent_failed_whatever_fail_on_says() -> None:
    status, error = status_of(Counts(planned=3, aborted=3), [], None, complete=True, cancelled=False)
    assert status == "failed"
    assert error is not None
    assert error.code == "destination_unreachable"
