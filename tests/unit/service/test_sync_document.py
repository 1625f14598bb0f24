"""What a sync's document adds to its row: the end of a process that died, and what was left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tailrace.service.conversion import sync_document
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


def test_records_that_were_left_out_are_warnings() -> None:
    row = replace(running(NOW), warnings=["first"], counts={"set_aside": 1, "quarantined": 1_200})
    first, aside, waiting = sync_document(row).warnings
    assert first == "first"
    assert aside.startswith("1 row was set aside")
    assert "`tailrace plan people`" in aside
    assert waiting.startswith("1,200 records are quarantined")
    assert "`tailrace rejections people`" in waiting
