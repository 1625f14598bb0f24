"""Sending is allowed only while the lease is held for certain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tailrace.clock import ManualClock
from tailrace.errors import Cancelled, FenceLost, SourceError
from tailrace.runtime.lease import LeaseKeeper, lease_seconds

NEVER = 3_600.0
SOON = 0.003
"""A lease so short that its thread renews at once; the tests' clock decides whether it holds."""


class Renewals:
    """What happens at each renewal, in order; the last goes on for ever."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.count = 0
        self.news = threading.Condition()

    def __call__(self) -> None:
        with self.news:
            outcome = self._outcomes[min(self.count, len(self._outcomes) - 1)]
            self.count += 1
            self.news.notify_all()
        if outcome is not None:
            raise outcome

    def wait_for(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.count >= count, 30)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def started(keeper: LeaseKeeper, clock: ManualClock) -> LeaseKeeper:
    keeper.start(clock.monotonic(), clock.now())
    return keeper


@pytest.mark.parametrize(("timeout", "seconds"), [(30.0, 90.0), (36.0, 90.0), (40.0, 100.0)])
def test_the_lease_is_two_and_a_half_times_the_http_timeout(timeout: float, seconds: float) -> None:
    assert lease_seconds(timeout) == seconds


def test_nothing_may_be_sent_from_the_moment_the_lease_can_have_ended(clock: ManualClock) -> None:
    keeper = started(LeaseKeeper(Renewals(None), NEVER, clock), clock)
    clock.advance(timedelta(seconds=NEVER - 1))
    keeper.may_send()
    clock.advance(timedelta(seconds=1))
    with pytest.raises(FenceLost, match="ran out"):
        keeper.may_send()
    keeper.stop()


def test_deadlines_count_from_before_the_lease_was_taken(clock: ManualClock) -> None:
    before = clock.monotonic(), clock.now()
    clock.advance(timedelta(seconds=60))
    keeper = LeaseKeeper(Renewals(None), NEVER, clock)
    keeper.start(*before)
    clock.advance(timedelta(seconds=NEVER - 60))
    with pytest.raises(FenceLost):
        keeper.may_send()
    keeper.stop()


def test_a_clock_that_was_set_forward_ends_the_lease_too(clock: ManualClock) -> None:
    keeper = LeaseKeeper(Renewals(None), NEVER, clock)
    keeper.start(clock.monotonic(), clock.now() - timedelta(seconds=NEVER))
    with pytest.raises(FenceLost):
        keeper.may_send()
    keeper.stop()


def test_a_renewal_extends_the_lease_from_when_it_was_asked_for(clock: ManualClock) -> None:
    renewals = Renewals(None)
    keeper = LeaseKeeper(renewals, SOON, clock)
    keeper.start(clock.monotonic() - SOON, clock.now() - timedelta(seconds=SOON))
    renewals.wait_for(2)
    keeper.may_send()
    keeper.stop()


def test_a_fence_that_was_lost_stays_lost_and_is_not_asked_for_again(clock: ManualClock) -> None:
    renewals = Renewals(FenceLost("taken over"), None)
    keeper = started(LeaseKeeper(renewals, SOON, clock), clock)
    renewals.wait_for(1)
    keeper.stop()
    with pytest.raises(FenceLost, match="taken over"):
        keeper.may_send()
    assert renewals.count == 1


def test_a_renewal_that_fails_is_tried_again_and_extends_nothing(clock: ManualClock) -> None:
    renewals = Renewals(SourceError("gone"))
    keeper = started(LeaseKeeper(renewals, SOON, clock), clock)
    renewals.wait_for(3)
    keeper.may_send()
    clock.advance(timedelta(seconds=1))
    with pytest.raises(FenceLost, match="ran out"):
        keeper.may_send()
    keeper.stop()


class Statement:
    """What runs in the warehouse until it is cancelled."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def run(self, keeper: LeaseKeeper, meanwhile: Callable[[], object] = lambda: None) -> None:
        with keeper.cancelling(self.cancel):
            meanwhile()
            assert self._cancelled.wait(30)
            raise Cancelled("the statement was cancelled")


def test_a_statement_that_runs_when_the_fence_is_lost_is_cancelled_and_says_why(clock: ManualClock) -> None:
    keeper = LeaseKeeper(Renewals(None, FenceLost("taken over")), SOON, clock)
    statement, ended = Statement(), Statement()
    with keeper.cancelling(ended.cancel):
        pass
    with pytest.raises(FenceLost, match="taken over"):
        statement.run(keeper, lambda: started(keeper, clock))
    with pytest.raises(FenceLost, match="taken over"), keeper.cancelling(statement.cancel):
        pytest.fail("nothing begins any more")
    keeper.stop()
    assert not ended.cancelled


def test_a_statement_that_begins_as_the_fence_is_lost_is_cancelled_too(clock: ManualClock) -> None:
    keeper = LeaseKeeper(Renewals(FenceLost("taken over")), SOON, clock)
    cancels = threading.Semaphore(0)
    with keeper.cancelling(cancels.release):
        started(keeper, clock)
        assert all(cancels.acquire(timeout=30) for _ in range(2))
    keeper.stop()


def test_what_was_not_cancelled_keeps_its_error(clock: ManualClock) -> None:
    keeper = started(LeaseKeeper(Renewals(None), NEVER, clock), clock)
    with pytest.raises(SourceError, match="broken"), keeper.cancelling(Statement().cancel):
        raise SourceError("broken")
    keeper.stop()


def test_renewals_that_fail_cancel_nothing_before_the_lease_ends(clock: ManualClock) -> None:
    renewals, statement = Renewals(SourceError("away")), Statement()
    keeper = started(LeaseKeeper(renewals, SOON, clock), clock)

    def lease_ends() -> None:
        renewals.wait_for(5)
        assert not statement.cancelled
        clock.advance(timedelta(seconds=1))

    with pytest.raises(FenceLost, match="ran out"):
        statement.run(keeper, lease_ends)
    keeper.stop()


def test_a_commit_in_the_way_of_renewals_is_no_loss(clock: ManualClock) -> None:
    """Its transaction has the row, and the fence was looked at: DuckDB's renewals conflict with it."""
    renewals, statement = Renewals(SourceError("in the way", code="source_conflict")), Statement()
    keeper = started(LeaseKeeper(renewals, SOON, clock), clock)
    clock.advance(timedelta(seconds=1))
    with keeper.cancelling(statement.cancel):
        renewals.wait_for(renewals.count + 3)
        assert not statement.cancelled
    keeper.stop()
