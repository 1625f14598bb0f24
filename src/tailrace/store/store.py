"""Opening the control store. Importing this costs nothing; the database library is loaded on opening."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tailrace.clock import Clock, SystemClock
from tailrace.store.location import locate

if TYPE_CHECKING:
    from tailrace.store.database import Database


class Store:
    """An open control store; its identity, its syncs and their ledgers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        from tailrace.store.ledger import Ledger
        from tailrace.store.syncs import Syncs

        self._database = database
        self._clock = clock
        self.location = str(database.location)
        self.id = _identity(database, clock)
        """Random, made with the store: how leases in the warehouse name it."""
        self.syncs = Syncs(database, clock)
        self.ledger = Ledger(database, clock)

    def purge(self) -> int:
        """Forget syncs past their retention; gives how many."""
        from tailrace.store.retention import purge

        return purge(self._database, self._clock)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(folder: Path, environ: Mapping[str, str], clock: Clock | None = None) -> Store:
    """Open the store of a project, made on demand and brought to this version.

    Raises ConfigError for an address that is not supported, and StoreError for a store that is damaged, was
    made by a newer Tailrace, is locked by another process for 30 s, or cannot be written.
    """
    location = locate(folder, environ)
    from tailrace.store.database import Database
    from tailrace.store.schema import ensure

    database = Database(location)
    try:
        ensure(database)
        return Store(database, clock or SystemClock())
    except BaseException:
        database.close()
        raise


def _identity(database: Database, clock: Clock) -> str:
    import sqlalchemy as sa

    from tailrace.store.tables import store

    with database.read() as connection:
        found = connection.execute(sa.select(store.c.id)).scalar()
    if found:
        return found
    with database.migrate() as connection:
        made = {"id": uuid.uuid4().hex, "created_at": clock.now()}
        found = connection.execute(sa.select(store.c.id)).scalar()
        if not found:
            connection.execute(sa.insert(store).values(**made))
        return found or made["id"]
