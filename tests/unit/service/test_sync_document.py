"""What a sync's document adds to its row: the end of a process that died, and what was left out."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tailrace.service.conversion import sync_document
from tailrace.state.holder import this_holder
from tailrace.store.rows import SyncRow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def running(lease_until: datetime) -> SyncRow:
    return SyncRow(
        sync="20260501-115500-abcdef",
        mapping="people",
        state_id="people_1",
        project="shop",
        environment=None,
        status="running",
        resumed=False,
        started_at=NOW - timedelta(minutes=5),
        finished_at=None,
        fence=1,
        owner="me",
        host="here",
        pid=1,
        lease_until=lease_until,
    )


def test_a_running_sync_whose_lease_ended_is_interrupted() -> None:
    assert sync_document(running(NOW - timedelta(seconds=1)), NOW).status == "interrupted"


def test_a_running_sync_that_holds_its_lease_is_running() -> None:
    assert sync_document(running(NOW + timedelta(seconds=1)), NOW).status == "running"


def test_a_running_sync_tells_how_long_ago_its_process_was_heard_of() -> None:
    row = replace(running(NOW + timedelta(seconds=1)), renewed_at=NOW - timedelta(seconds=29.5))
    assert sync_document(row, NOW).silent_seconds == 29
    assert sync_document(replace(row, renewed_at=NOW + timedelta(seconds=2)), NOW).silent_seconds == 0
    assert sync_document(replace(row, status="success"), NOW).silent_seconds is None


@pytest.mark.skipif(not os.path.exists("/proc/self/ns/pid"), reason="needs Linux's /proc")
def test_r01_a_running_sync_whose_process_on_this_host_is_gone_is_interrupted_at_once() -> None:
    me = this_holder("store")
    holders = {
        "running": [
            me,
            replace(me, boot_id="another host's", pid=2**22 + 1),
            replace(me, pid_namespace="another container's", pid=2**22 + 1),
        ],
        "interrupted": [replace(me, pid=2**22 + 1), replace(me, started="1")],
    }
    for status, each in holders.items():
        for holder in each:
            row = replace(running(NOW + timedelta(seconds=60)), holder=holder.to_json())
            assert sync_document(row, NOW).status == status, holder


def test_records_that_were_left_out_are_warnings() -> None:
    row = replace(running(NOW), warnings=["first"], counts={"set_aside": 1, "quarantined": 1_200})
    first, aside, waiting = sync_document(row).warnings
    assert first == "first"
    assert aside.startswith("1 row was set aside")
    assert "`tailrace plan people`" in aside
    assert waiting.startswith("1,200 records are quarantined")
    assert "`tailrace rejections people`" in waiting
