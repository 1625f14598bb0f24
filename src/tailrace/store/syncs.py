"""The syncs that ran, the one that runs per mapping, and requests to cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tailrace.clock import Clock
from tailrace.errors import FenceLost, LeaseHeld
from tailrace.store.database import Database
from tailrace.store.rows import SyncRow
from tailrace.store.tables import cancels, syncs

_RUNNING = "running"


class Syncs:
    """The history of syncs; what a sync writes about itself is conditional on its owner token."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(
        self,
        sync: str,
        *,
        mapping: str,
        state_id: str,
        project: str,
        environment: str | None,
        fence: int,
        owner: str,
        host: str,
        pid: int,
        holder: str,
        lease_until: datetime,
        resumed: bool = False,
    ) -> SyncRow:
        """Enter a sync that holds the warehouse's fence, or go on with an interrupted one.

        A sync of the same mapping that still counts as running is marked interrupted if its fence is older or
        its lease has ended. Raises LeaseHeld, naming the holder, where neither is so.
        """
        now = self._clock.now()
        claim = {
            "mapping": mapping,
            "status": _RUNNING,
            "finished_at": None,
            "error": None,
            "fence": fence,
            "owner": owner,
            "host": host,
            "pid": pid,
            "holder": holder,
            "lease_until": lease_until,
            "renewed_at": now,
        }
        with self._database.write() as connection:
            self._displace(connection, sync, state_id, fence, owner, now)
            known = connection.execute(sa.select(syncs.c.sync).where(syncs.c.sync == sync)).first()
            if known:
                connection.execute(sa.update(syncs).where(syncs.c.sync == sync).values(resumed=True, **claim))
                connection.execute(sa.delete(cancels).where(cancels.c.sync == sync))
            else:
                identity = {"sync": sync, "state_id": state_id, "project": project}
                blank = {"counts": {}, "by_operation": {}, "warnings": [], "phases": {}}
                rest = {"environment": environment, "resumed": resumed, "started_at": now}
                connection.execute(sa.insert(syncs).values(**identity, **rest, **blank, **claim))
            return _get(connection, sync)

    def renew(self, sync: str, owner: str, lease_until: datetime) -> None:
        """Keep the sync alive until then. Raises FenceLost where another process took over."""
        self._write(sync, owner, {"lease_until": lease_until, "renewed_at": self._clock.now()})

    def update(
        self,
        sync: str,
        owner: str,
        *,
        counts: Mapping[str, int] | None = None,
        by_operation: Mapping[str, Mapping[str, int]] | None = None,
        warnings: Sequence[str] | None = None,
        phases: Mapping[str, float] | None = None,
    ) -> None:
        """Store what is known so far; what is not given stays. Raises FenceLost."""
        values = _given(counts=counts, by_operation=by_operation, warnings=warnings, phases=phases)
        if values:
            self._write(sync, owner, values)

    def finish(
        self,
        sync: str,
        owner: str,
        status: str,
        *,
        counts: Mapping[str, int] | None = None,
        by_operation: Mapping[str, Mapping[str, int]] | None = None,
        warnings: Sequence[str] | None = None,
        phases: Mapping[str, float] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> SyncRow:
        """End a sync with its status and everything it counted. Raises FenceLost."""
        values = _given(counts=counts, by_operation=by_operation, warnings=warnings, phases=phases)
        ended = {"status": status, "error": error, "finished_at": self._clock.now()}
        with self._database.write() as connection:
            claim(connection, sync, owner, {**values, **ended})
            return _get(connection, sync)

    def get(self, sync: str) -> SyncRow | None:
        """One sync, or None."""
        return self._first(sa.select(syncs).where(syncs.c.sync == sync))

    def live(self, state_id: str) -> SyncRow | None:
        """The sync of a mapping that counts as running, if any."""
        return self._first(sa.select(syncs).where(syncs.c.state_id == state_id, syncs.c.status == _RUNNING))

    def last(self, state_id: str) -> SyncRow | None:
        """The newest sync of a mapping, if any."""
        found = self.list(state_id, limit=1)
        return found[0] if found else None

    def kept_under(self, project: str, environment: str | None, mapping: str) -> str | None:
        """The id of the state that the newest sync of a mapping by this name used, if any."""
        named = (syncs.c.project == project) & (syncs.c.mapping == mapping)
        here = syncs.c.environment.is_not_distinct_from(environment)
        found = self._first(sa.select(syncs).where(named, here).order_by(syncs.c.started_at.desc()).limit(1))
        return found.state_id if found is not None else None

    def list(
        self,
        state_id: str | None = None,
        *,
        limit: int = 20,
        project: str | None = None,
        environment: str | None = None,
    ) -> list[SyncRow]:
        """The newest syncs first: of a mapping, of a project (then of this environment), or of all."""
        statement = sa.select(syncs).order_by(syncs.c.started_at.desc(), syncs.c.sync.desc()).limit(limit)
        if state_id is not None:
            statement = statement.where(syncs.c.state_id == state_id)
        if project is not None:
            statement = statement.where(
                syncs.c.project == project, syncs.c.environment.is_not_distinct_from(environment)
            )
        with self._database.read() as connection:
            return [_row(found) for found in connection.execute(statement).mappings()]

    def request_cancel(self, sync: str) -> bool:
        """Ask the process that runs a sync to cancel it; asking twice asks it to stop at once (R29).

        False where the sync does not run.
        """
        now = self._clock.now()
        running = sa.select(syncs.c.sync).where(syncs.c.sync == sync, syncs.c.status == _RUNNING)
        again = sa.update(cancels).where(cancels.c.sync == sync)
        with self._database.write() as connection:
            if connection.execute(running).first() is None:
                return False
            if connection.execute(again.values(times=cancels.c.times + 1)).rowcount == 0:
                connection.execute(sa.insert(cancels).values(sync=sync, times=1, requested_at=now))
        return True

    def cancel_requested(self, sync: str) -> int:
        """How often cancelling this sync was asked for: 0, 1 (gracefully), more (at once)."""
        with self._database.read() as connection:
            statement = sa.select(cancels.c.times).where(cancels.c.sync == sync)
            return connection.execute(statement).scalar() or 0

    def _displace(
        self, connection: sa.Connection, sync: str, state_id: str, fence: int, owner: str, now: datetime
    ) -> None:
        running = sa.select(syncs).where(syncs.c.state_id == state_id, syncs.c.status == _RUNNING)
        found = connection.execute(running).mappings().first()
        if found is None:
            return
        row = _row(found)
        if row.owner != owner and row.fence >= fence and row.lease_until >= now:
            raise LeaseHeld(
                f"Sync {row.sync} of mapping {row.mapping} is running on {row.host} (process {row.pid})",
                hint=f"Wait for it, or cancel it: tailrace cancel {row.sync}",
            )
        if row.sync != sync:
            _interrupt(connection, syncs.c.sync == row.sync, now)

    def _write(self, sync: str, owner: str, values: dict[str, Any]) -> None:
        with self._database.write() as connection:
            claim(connection, sync, owner, values)

    def _first(self, statement: sa.Select[Any]) -> SyncRow | None:
        with self._database.read() as connection:
            found = connection.execute(statement).mappings().first()
            return _row(found) if found else None


def claim(connection: sa.Connection, sync: str, owner: str, values: Mapping[str, Any]) -> None:
    """Write to a running sync's row and so lock it. Raises FenceLost where it is no longer this owner's."""
    mine = (syncs.c.sync == sync, syncs.c.owner == owner, syncs.c.status == _RUNNING)
    if connection.execute(sa.update(syncs).where(*mine).values(**values)).rowcount != 1:
        raise _lost(sync)


_HOLD = (
    sa.update(syncs)
    .where(
        syncs.c.sync == sa.bindparam("of"), syncs.c.owner == sa.bindparam("by"), syncs.c.status == _RUNNING
    )
    .values(owner=sa.bindparam("by"))
)


def hold(connection: sa.Connection, sync: str, owner: str) -> None:
    """As `claim`, without a change; at every step of the ledger. Raises FenceLost."""
    if connection.execute(_HOLD, {"of": sync, "by": owner}).rowcount != 1:
        raise _lost(sync)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _lost(sync: str) -> FenceLost:
    return FenceLost(
        f"Sync {sync} was taken over by another process",
        hint="The other process goes on with it; see `tailrace syncs`.",
    )


def _interrupt(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    connection.execute(sa.update(syncs).where(which).values(status="interrupted", finished_at=now))


def _get(connection: sa.Connection, sync: str) -> SyncRow:
    return _row(connection.execute(sa.select(syncs).where(syncs.c.sync == sync)).mappings().one())


def _row(found: sa.RowMapping) -> SyncRow:
    return SyncRow(**found)
