"""How long the store remembers: old syncs go, with their exceptions; the newest of each mapping stay."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from tailrace.clock import Clock
from tailrace.store.database import Database
from tailrace.store.tables import syncs

KEEP_FOR = timedelta(days=90)
KEEP_NEWEST = 20


def purge(
    database: Database, clock: Clock, keep_for: timedelta = KEEP_FOR, keep_newest: int = KEEP_NEWEST
) -> int:
    """Delete syncs that ended long ago, but for the newest `keep_newest` of each mapping; gives how many."""
    rank = sa.func.row_number().over(partition_by=syncs.c.state_id, order_by=syncs.c.started_at.desc())
    ranked = sa.select(syncs.c.sync, rank.label("rank")).subquery()
    beyond = sa.select(ranked.c.sync).where(ranked.c.rank > keep_newest)
    old = sa.delete(syncs).where(
        syncs.c.finished_at < clock.now() - keep_for,
        syncs.c.sync.in_(beyond),
    )
    with database.write() as connection:
        return connection.execute(old).rowcount
