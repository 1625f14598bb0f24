"""Blocked syncs and their approval live in the warehouse (R31), and so does the log of syncs (R30's day)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.state.managed import Managed, ending

from tailrace.errors import StateError
from tailrace.state import commit, upkeep
from tailrace.state.approval import approve, record_block
from tailrace.state.counts import Counts
from tailrace.state.guards import Approval, GuardResult
from tailrace.state.lease import release
from tailrace.state.synclog import LogEntry, largest_of_the_day, log_sync

STOPPED = [GuardResult("max_delete_percent", "25 %", "50 %", False, 40)]


def block(managed: Managed, sync_id: str = "blocked-1") -> None:
    fence = managed.fence()
    with managed.source.session() as session:
        record_block(session, fence, sync_id, STOPPED)
        release(session, fence)


def test_r31_an_approval_needs_no_lease_and_is_found_by_the_sync(managed: Managed) -> None:
    block(managed)
    pending = managed.checkpoint().approval
    assert pending is not None
    assert not pending.permits("max_delete_percent", 40)
    with managed.source.session() as session:
        given = approve(session, managed.dialect, managed.names, "blocked-1")
        assert approve(session, managed.dialect, managed.names, "blocked-1") == given
    assert managed.checkpoint().approval == given == Approval("blocked-1", {"max_delete_percent": 40})
    assert managed.checkpoint().owner is None


def test_r31_only_the_sync_that_is_blocked_can_be_approved(managed: Managed) -> None:
    with managed.source.session() as session, pytest.raises(StateError) as error:
        approve(session, managed.dialect, managed.names, "blocked-1")
    assert error.value.code == "not_blocked"
    block(managed)
    block(managed, "blocked-2")
    with managed.source.session() as session, pytest.raises(StateError, match="blocked-2"):
        approve(session, managed.dialect, managed.names, "blocked-1")


def test_r31_a_plan_that_passes_without_it_supersedes_an_approval(managed: Managed) -> None:
    block(managed)
    with managed.source.session() as session:
        approve(session, managed.dialect, managed.names, "blocked-1")
    managed.sync(("added", "k1", 1, "x"))
    assert managed.checkpoint().approval is None


def test_r31_a_discarded_plan_leaves_the_approval_to_the_next(managed: Managed) -> None:

    block(managed)
    with managed.source.session() as session:
        approve(session, managed.dialect, managed.names, "blocked-1")
    fence = managed.fence()
    plan = managed.plan(("added", "k1", 1, "x"))
    managed.seal(fence, plan, approved=True)
    with managed.source.session() as session:
        commit.discard(session, fence, plan, ending(plan))
    assert managed.checkpoint().approval is not None
    again = managed.plan(("added", "k1", 1, "x"))
    managed.seal(fence, again, approved=True)
    managed.finish(fence, again)
    assert managed.checkpoint().approval is None
    log = managed.table("sync_log")
    assert managed.rows(f"SELECT n, approved FROM {log} ORDER BY n") == [(plan.n, False), (again.n, True)]


def largest(managed: Managed) -> int:
    with managed.source.session() as session:
        return largest_of_the_day(session, managed.dialect, managed.names)


def log(
    managed: Managed,
    delivered_rows: int,
    *,
    hours_ago: float,
    status: str = "success",
    approved: bool = False,
) -> None:
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    entry = LogEntry("p", "map", "s", 1, status, at, at, Counts(), delivered_rows, approved)
    fence = managed.fence()
    with managed.source.session() as session:
        log_sync(session, fence, entry)


def test_r30_the_largest_count_is_of_the_last_day(managed: Managed) -> None:
    assert largest(managed) == 0
    log(managed, 900, hours_ago=25)
    log(managed, 500, hours_ago=23)
    log(managed, 400, hours_ago=1)
    assert largest(managed) == 500


def test_r30_what_was_before_an_approved_sync_or_a_reset_counts_no_more(managed: Managed) -> None:
    log(managed, 500, hours_ago=3)
    log(managed, 100, hours_ago=2, approved=True)
    assert largest(managed) == 100
    fence = managed.fence()
    with managed.source.session() as session:
        upkeep.reset(session, fence)
    assert largest(managed) == 0


def test_r32_the_log_holds_every_count_of_a_sync(managed: Managed) -> None:
    managed.sync(("added", "k1", 1, "x"), ("added", "k2", 1, "x"), status="success")
    row = managed.rows(
        "SELECT project, mapping, state_id, sync_id, status, planned, added, delivered_rows"
        f" FROM {managed.table('sync_log')}"
    )
    assert row == [("p", "map", managed.names.id, "sync-1", "success", 2, 2, 2)]
