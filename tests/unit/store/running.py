"""Begins syncs for tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace.store.rows import SyncRow
from tailrace.store.store import Store

LEASE_UNTIL = datetime(2026, 3, 1, 12, 31, 45, tzinfo=UTC)


def begin(store: Store, sync: str = "sync-1", **changes: Any) -> SyncRow:
    """Begin a sync of the mapping `customers`, as its owner `me`."""
    given: dict[str, Any] = {
        "mapping": "customers",
        "state_id": "customers_1",
        "project": "shop",
        "environment": None,
        "fence": 1,
        "owner": "me",
        "host": "here",
        "pid": 42,
        "holder": "{}",
        "lease_until": LEASE_UNTIL,
    }
    return store.syncs.begin(sync, **(given | changes))


def later(minutes: float) -> datetime:
    """A time after the lease of `begin`."""
    return LEASE_UNTIL + timedelta(minutes=minutes)
