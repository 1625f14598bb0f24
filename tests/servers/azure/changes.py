"""Transactions: what they changed is seen by everyone at once (READ UNCOMMITTED), and undone from a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.azure.catalog import Table
from tests.servers.azure.database import Undo

if TYPE_CHECKING:
    from tests.servers.azure.session import Session


class Transaction:
    """An open transaction of a session."""

    def __init__(self, session: Session, descriptor: int) -> None:
        self.descriptor = descriptor
        self.failed = False
        """XACT_STATE() is -2: only a ROLLBACK helps."""
        self._session = session
        self._undo: dict[int, Undo] = {}

    def keep(self, table: Table) -> None:
        """Keep a table as it is, before the transaction's first change of it."""
        if table.number in self._undo:
            return
        copy = f"temp.main.__undo_{table.number}" if table.temporary else f"__undo.t{table.number}"
        self._session.duck.execute(f"CREATE OR REPLACE TABLE {copy} AS SELECT * FROM {table.stored}")
        self._undo[table.number] = Undo(table, copy)
        if not table.temporary:
            self._session.database.undo[table.number] = self._undo[table.number]

    def commit(self) -> None:
        """What was changed stays."""
        self._end()
        self._session.transaction = None

    def roll_back(self) -> None:
        """What was changed is undone."""
        self._restore()
        self._session.transaction = None

    def fail(self) -> None:
        """A statement failed: everything is undone, and only a ROLLBACK is taken from now on."""
        self.failed = True
        self._restore()

    def _restore(self) -> None:
        duck, interrupts = self._session.duck, self._session.interrupts
        with interrupts.shielded():
            for undo in self._undo.values():
                with interrupts.together():
                    duck.execute(f"DELETE FROM {undo.table.stored}")
                    duck.execute(f"INSERT INTO {undo.table.stored} SELECT * FROM {undo.copy}")
        self._end()

    def _end(self) -> None:
        with self._session.interrupts.shielded():
            for number, undo in self._undo.items():
                self._session.database.undo.pop(number, None)
                self._session.duck.execute(f"DROP TABLE IF EXISTS {undo.copy}")
        self._undo.clear()
        self._session.database.locks.release(self._session.id)
