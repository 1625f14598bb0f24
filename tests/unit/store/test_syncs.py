"""Syncs: one live per mapping, written by their owner only, cancelled from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.store.running import LEASE_UNTIL, begin, later

from tailrace.clock import ManualClock
from tailrace.errors import FenceLost, LeaseHeld
from tailrace.store.store import Store, open_store
from tailrace.store.tables import syncs


def test_a_sync_is_kept_with_all_that_it_counted(store: Store, clock: ManualClock) -> None:
    started = clock.now()
    row = begin(store, environment="staging")
    assert (row.status, row.resumed, row.started_at, row.finished_at) == ("running", False, started, None)
    assert (row.environment, row.host, row.pid, row.lease_until) == ("staging", "here", 42, LEASE_UNTIL)

    store.syncs.update("sync-1", "me", counts={"added": 3}, warnings=["1 record was set aside"])
    store.syncs.update("sync-1", "me", phases={"plan": 0.25})
    clock.advance(timedelta(seconds=5))
    done = store.syncs.finish(
        "sync-1",
        "me",
        "partial",
        counts={"added": 3, "delivered": 2},
        by_operation={"added": {"planned": 3, "delivered": 2}},
        error={"code": "x", "message": "y", "hint": "", "where": None},
    )
    assert done == store.syncs.get("sync-1")
    assert done.status == "partial"
    assert done.finished_at == started + timedelta(seconds=5)
    assert done.counts == {"added": 3, "delivered": 2}
    assert done.by_operation == {"added": {"planned": 3, "delivered": 2}}
    assert done.warnings == ["1 record was set aside"]
    assert done.phases == {"plan": 0.25}
    assert done.error is not None
    assert done.error["code"] == "x"


def test_a_second_sync_of_a_mapping_is_refused_while_the_first_lives(store: Store) -> None:
    begin(store, fence=7)
    with pytest.raises(LeaseHeld, match=r"sync-1 .* on here \(process 42\)") as refused:
        begin(store, "sync-2", fence=7, owner="other")
    assert refused.value.hint.endswith("tailrace cancel sync-1")
    begin(store, "sync-3", state_id="orders_1", owner="other")
    live = store.syncs.live("customers_1")
    assert live is not None
    assert live.sync == "sync-1"


def test_the_database_itself_permits_one_live_sync_per_mapping(store: Store) -> None:
    begin(store)
    with store._database.read() as connection:
        found = dict(connection.execute(sa.select(syncs)).mappings().one())
    with pytest.raises(sa.exc.IntegrityError), store._database.write() as connection:
        connection.execute(sa.insert(syncs).values(found | {"sync": "sync-2"}))


@pytest.mark.parametrize("reason", ["newer fence", "lease ended"])
def test_a_sync_that_lost_the_warehouse_is_displaced(store: Store, clock: ManualClock, reason: str) -> None:
    begin(store, fence=7)
    if reason == "lease ended":
        clock.advance(timedelta(minutes=10))
    begin(store, "sync-2", fence=8 if reason == "newer fence" else 1, owner="other", lease_until=later(20))
    displaced = store.syncs.get("sync-1")
    assert displaced is not None
    assert displaced.status == "interrupted"
    assert displaced.finished_at == clock.now()
    live = store.syncs.live("customers_1")
    assert live is not None
    assert live.sync == "sync-2"


def test_a_resumed_sync_keeps_its_start_and_counts(store: Store, clock: ManualClock) -> None:
    first = begin(store)
    store.syncs.update("sync-1", "me", counts={"added": 9})
    store.syncs.request_cancel("sync-1")
    clock.advance(timedelta(seconds=1))
    again = begin(store, fence=2, owner="next", pid=43)
    assert again.resumed
    assert again.started_at == first.started_at
    assert (again.owner, again.fence, again.pid, again.counts) == ("next", 2, 43, {"added": 9})
    assert store.syncs.cancel_requested("sync-1") == 0


def test_a_sync_can_be_resumed_that_another_store_began(store: Store) -> None:
    assert begin(store, resumed=True).resumed


def test_only_the_owner_writes(store: Store) -> None:
    begin(store)
    begin(store, fence=2, owner="next")
    for write in (
        lambda: store.syncs.renew("sync-1", "me", later(1)),
        lambda: store.syncs.update("sync-1", "me", counts={"added": 1}),
        lambda: store.syncs.finish("sync-1", "me", "success"),
        lambda: store.ledger.open_units("sync-1", "me", []),
        lambda: store.ledger.writer("sync-1", "me").record([], []),
    ):
        with pytest.raises(FenceLost, match="taken over"):
            write()
    store.syncs.renew("sync-1", "next", later(1))
    store.syncs.finish("sync-1", "next", "success")
    with pytest.raises(FenceLost):
        store.syncs.update("sync-1", "next", counts={"added": 1})


def test_the_newest_syncs_come_first(store: Store, clock: ManualClock) -> None:
    for number, environment in enumerate([None, "staging", None]):
        begin(store, f"sync-{number}", environment=environment, state_id=f"m_{environment}")
        store.syncs.finish(f"sync-{number}", "me", "success")
        clock.advance(timedelta(seconds=1))
    begin(store, "sync-9", project="other", state_id="m_other")
    listed = store.syncs.list
    assert [row.sync for row in listed()] == ["sync-9", "sync-2", "sync-1", "sync-0"]
    assert [row.sync for row in listed(limit=1)] == ["sync-9"]
    assert [row.sync for row in listed("m_None")] == ["sync-2", "sync-0"]
    assert [row.sync for row in listed(project="shop")] == ["sync-2", "sync-0"]
    assert [row.sync for row in listed(project="shop", environment="staging")] == ["sync-1"]
    last = store.syncs.last("m_None")
    assert last is not None
    assert last.sync == "sync-2"
    assert store.syncs.last("unknown") is None


def test_r29_another_process_asks_to_cancel_once_and_twice(
    store: Store, tmp_path: Path, environ: dict[str, str]
) -> None:
    begin(store)
    with open_store(tmp_path, environ) as other:
        assert store.syncs.cancel_requested("sync-1") == 0
        assert other.syncs.request_cancel("sync-1")
        assert store.syncs.cancel_requested("sync-1") == 1
        assert other.syncs.request_cancel("sync-1")
        assert store.syncs.cancel_requested("sync-1") == 2
        store.syncs.finish("sync-1", "me", "cancelled")
        assert not other.syncs.request_cancel("sync-1")
        assert not other.syncs.request_cancel("unknown")


def test_old_syncs_are_purged_but_never_the_newest_of_a_mapping(store: Store, clock: ManualClock) -> None:
    for number in range(25):
        begin(store, f"sync-{number:02}", lease_until=clock.now())
        store.syncs.finish(f"sync-{number:02}", "me", "success")
        clock.advance(timedelta(minutes=1))
    begin(store, "lonely", state_id="orders_1")
    store.syncs.finish("lonely", "me", "failed")
    assert store.purge() == 0
    clock.advance(timedelta(days=91))
    assert store.purge() == 5
    kept = [row.sync for row in store.syncs.list(limit=100)]
    assert kept == ["lonely", *(f"sync-{number:02}" for number in range(24, 4, -1))]
