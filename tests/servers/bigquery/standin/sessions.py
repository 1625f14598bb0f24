"""Sessions: a connection of their own, with temporary tables and perhaps an open transaction.

https://cloud.google.com/bigquery/docs/sessions-intro
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import threading
from dataclasses import dataclass, field

import duckdb
from tests.servers.bigquery.standin.errors import Refusal, invalid_query
from tests.servers.bigquery.standin.locks import Locks, Transaction
from tests.servers.bigquery.standin.statement import TableName

_INSIST = 0.05


@dataclass
class Session:
    """State that survives a statement: a session's, or for its duration a script's."""

    id: str
    project: str
    location: str
    email: str
    connection: duckdb.DuckDBPyConnection
    locks: Locks
    busy: threading.Lock = field(default_factory=threading.Lock)
    transaction: Transaction | None = None
    changed: set[TableName] = field(default_factory=set)
    """The tables that the open transaction has changed."""
    temporary: set[str] = field(default_factory=set)
    ended: bool = False

    def begin(self) -> None:
        if self.transaction is not None:
            raise invalid_query("Query error: Cannot BEGIN TRANSACTION when a transaction is already active")
        self.connection.execute("BEGIN TRANSACTION")
        self.transaction = self.locks.begin()

    def commit(self) -> set[TableName]:
        """Keep the transaction's changes; gives the tables changed."""
        transaction = self._open("COMMIT")
        if transaction.failed:
            raise invalid_query(
                f"Query error: Transaction {transaction.id} cannot be committed after a statement of it failed"
            )
        try:
            self.connection.execute("COMMIT")
        except duckdb.Error:
            self.undo()
            raise
        self.transaction = None
        self.locks.end(transaction, committed=True)
        changed, self.changed = self.changed, set()
        return changed

    def rollback(self) -> None:
        self._open("ROLLBACK")
        self.undo()

    def undo(self) -> None:
        """Undo whatever is open."""
        if self.transaction is None:
            return
        with contextlib.suppress(duckdb.Error):  # the engine may have done it
            self.connection.execute("ROLLBACK")
        transaction, self.transaction = self.transaction, None
        self.changed.clear()
        self.locks.end(transaction, committed=False)

    def end(self) -> None:
        """Undo what is open, and forget the temporary tables."""
        if self.ended:
            return
        self.ended = True
        while not self.busy.acquire(timeout=_INSIST):
            self.connection.interrupt()
        try:
            self.undo()
            self.connection.close()
        finally:
            self.busy.release()

    def _open(self, what: str) -> Transaction:
        if self.transaction is None:
            raise invalid_query(f"Query error: Cannot {what} TRANSACTION when no transaction is active")
        return self.transaction


class Sessions:
    """The sessions that have not ended."""

    def __init__(self, root: duckdb.DuckDBPyConnection, locks: Locks) -> None:
        self._root = root
        self._guard = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self.locks = locks

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the engine."""
        with self._guard:
            return self._root.cursor()

    def create(self, project: str, location: str, email: str, *, listed: bool = True) -> Session:
        name = base64.urlsafe_b64encode(secrets.token_bytes(24)).decode()
        session = Session(name, project, location, email, self.connect(), self.locks)
        if listed:
            self._sessions[name] = session
        return session

    def get(self, name: str, project: str, location: str | None, email: str) -> Session:
        """A session that goes on. Raises Refusal."""
        session = self._sessions.get(name)
        if session is None or session.project != project or session.email != email or session.ended:
            raise Refusal("notFound", f"Not found: Session {name}", code=404)
        if location is not None and session.location.lower() != location.lower():
            raise Refusal(
                "invalid", f"Session {name} is in location {session.location}, not {location}", code=400
            )
        return session

    def abort(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        session.end()

    def open(self) -> list[str]:
        """The ids of the sessions that go on."""
        return list(self._sessions)
