"""Refused records wait longer and longer, and go at once when anything about them changes (R23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.integration.state.managed import Managed, refusal

from tailrace.outcomes import Outcome
from tailrace.state import quarantine
from tailrace.state.quarantine import LADDER, Rejected, wait_after

KNOWN = (("added", "k1", 1, "x"), ("added", "k2", 2, "y"))


def rejected(managed: Managed) -> dict[str, Rejected]:
    with managed.source.session() as session:
        found = quarantine.rejections(session, managed.dialect, managed.names)
    return {each.record_id: each for each in found}


def waiting(managed: Managed) -> list[str]:
    with managed.source.session() as session:
        found = quarantine.quarantined(session, managed.dialect, managed.names)
    return [each.record_id for each in found]


def refuse(managed: Managed, *changes: tuple[object, ...], **more: object) -> Rejected:
    managed.sync(*changes or (("added", "k1", 1, "x"),), refusals=[refusal(1)], **more)
    return rejected(managed)["k1"]


def test_r23_the_ladder() -> None:
    assert [wait_after(attempts) for attempts in range(1, 9)] == [
        None, None, *LADDER, LADDER[-1], LADDER[-1],
    ]  # fmt: skip
    assert list(LADDER) == [timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=7)]


def test_r23_after_three_refused_syncs_a_record_waits_longer_each_time(managed: Managed) -> None:
    for attempt in range(1, 8):
        found = refuse(managed)
        assert found.attempts == attempt
        expected = wait_after(attempt)
        if expected is None:
            assert found.next_try_at is None
            assert waiting(managed) == []
        else:
            assert found.next_try_at == found.last_at + expected
            assert waiting(managed) == ["k1"]
        assert found.first_at <= found.last_at
    assert (found.reason, found.code, found.message) == ("http_400", "invalid", "no")


def test_r23_a_rejected_record_is_no_state(managed: Managed) -> None:
    refuse(managed, *KNOWN)
    assert set(managed.records()) == {"k2"}


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (("added", "k1", 2, "x"), {}),
        (("added", "k1", 1, None), {}),
        (("updated", "k1", 1, "x"), {}),
        (("added", "k1", 1, "x"), {"settings": "settings-2"}),
    ],
    ids=["value", "null", "operation", "settings"],
)
def test_r23_any_change_begins_anew(
    managed: Managed, change: tuple[object, ...], more: dict[str, object]
) -> None:
    for _ in range(3):
        refuse(managed)
    assert refuse(managed, change, **more).attempts == 1
    assert waiting(managed) == []


def test_r23_an_equal_value_in_another_place_of_the_plan_counts_on(managed: Managed) -> None:
    refuse(managed)
    managed.sync(("added", "k0", 0, "x"), ("added", "k1", 1, "x"), refusals=[refusal(2)])
    assert rejected(managed)["k1"].attempts == 2


def test_r23_delivery_clears_it(managed: Managed) -> None:
    refuse(managed, *KNOWN)
    managed.sync(("added", "k1", 5, "x"))
    assert rejected(managed) == {}


def test_r23_a_record_that_the_plan_no_longer_names_is_purged(managed: Managed) -> None:
    refuse(managed)
    managed.sync(("added", "k2", 2, "y"))
    assert rejected(managed) == {}


def test_r23_a_waiting_record_stays_known(managed: Managed) -> None:
    for _ in range(3):
        refuse(managed)
    managed.sync(("quarantined", "k1", 1, "x"), ("added", "k2", 2, "y"))
    assert rejected(managed)["k1"].attempts == 3


def test_r23_an_aborted_or_unknown_record_keeps_its_attempts(managed: Managed) -> None:
    refuse(managed)
    managed.sync(("added", "k1", 1, "x"), refusals=[refusal(1, Outcome.ABORTED)])
    managed.sync(("added", "k1", 1, "x"), refusals=[refusal(1, Outcome.UNKNOWN)])
    assert rejected(managed)["k1"].attempts == 1


def test_r23_r30_a_sync_stopped_by_its_rejections_counts_no_attempt(managed: Managed) -> None:
    assert refuse(managed, count_rejections=False).attempts == 0
    refuse(managed)
    assert refuse(managed, count_rejections=False).attempts == 1


def test_r23_release_lets_one_or_all_go(managed: Managed) -> None:
    changes = (("added", "k1", 1, "x"), ("added", "k2", 2, "y"))
    for _ in range(3):
        managed.sync(*changes, refusals=[refusal(1), refusal(2)])
    assert sorted(waiting(managed)) == ["k1", "k2"]
    fence = managed.fence()
    with managed.source.session() as session:
        assert quarantine.release_quarantine(session, fence, "k1") == 1
        assert waiting(managed) == ["k2"]
        assert quarantine.release_quarantine(session, fence, None) == 2
        found = quarantine.rejection_of(session, managed.dialect, managed.names, "k2")
    assert waiting(managed) == []
    assert found is not None
    assert (found.attempts, found.message) == (0, "no")
