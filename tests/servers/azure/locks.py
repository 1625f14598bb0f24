"""Who may write a table: one session at a time, until its transaction ends. Readers do not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.servers.azure.errors import SqlError, deadlock


class Interrupted(Exception):
    """The wait was ended by an attention or a kill."""


class Locks:
    """The exclusive locks of a database, by the table's number."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._owners: dict[int, int] = {}
        self._waiting: dict[int, int] = {}

    def owner(self, table: int) -> int | None:
        """The session that writes a table now."""
        return self._owners.get(table)

    def take(self, session: int, table: int, interrupted: Callable[[], bool], timeout: float | None) -> bool:
        """Wait for a table; whether it was not held before. Raises SqlError 1205 for a circle of waits, 1222 late."""
        with self._changed:
            if self._owners.get(table) == session:
                return False
            self._waiting[session] = table
            try:
                if self._circle(session):
                    raise deadlock(session)
                free = self._changed.wait_for(lambda: table not in self._owners or interrupted(), timeout)
                if interrupted():
                    raise Interrupted
                if not free:
                    raise SqlError(1222, "Lock request time out period exceeded.", 16, 51)
                self._owners[table] = session
                return True
            finally:
                del self._waiting[session]

    def _circle(self, session: int) -> bool:
        seen = session
        while True:
            table = self._waiting.get(seen)
            owner = self._owners.get(table) if table is not None else None
            if owner is None:
                return False
            if owner == session:
                return True
            seen = owner

    def release(self, session: int, *tables: int) -> None:
        """Give tables back; without any, all of the session's."""
        with self._changed:
            for table in tables or [each for each, owner in self._owners.items() if owner == session]:
                if self._owners.get(table) == session:
                    del self._owners[table]
            self._changed.notify_all()

    def wake(self) -> None:
        """Let those who wait see that they were interrupted."""
        with self._changed:
            self._changed.notify_all()


class Slots:
    """How many statements run at once (concurrency slots; DW100c has 4)."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._count, self._used = count, 0

    def set(self, count: int) -> None:
        with self._changed:
            self._count = count
            self._changed.notify_all()

    def take(self, interrupted: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._used < self._count or interrupted())
            if interrupted():
                raise Interrupted
            self._used += 1

    def give(self) -> None:
        with self._changed:
            self._used -= 1
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
