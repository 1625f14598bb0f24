"""The logical server: its databases, logins, sessions, and what goes wrong on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.servers.azure import errors
from tests.servers.azure.database import Database
from tests.servers.azure.entra import Entra
from tests.servers.azure.faults import FaultBox, error
from tests.servers.azure.login import Login
from tests.servers.azure.packets import Gone
from tests.servers.azure.results import Rows
from tests.servers.azure.server import ADMINISTRATOR, PASSWORD
from tests.servers.azure.session import Session

DEDICATED_POOL = 6
DW100C = 4
_PATIENCE = 60


class Engine:
    """Everything that the connections share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._left = threading.Condition(self.lock)
        self.faults = FaultBox()
        self.edition = DEDICATED_POOL
        self.paused: int | None = None
        self.logins: dict[str, str] = {ADMINISTRATOR: PASSWORD}
        self.databases: dict[str, Database] = {}
        self.sessions: dict[int, Session] = {}
        self.entra = Entra()
        self._count = 50
        self.create_database("master")

    # -- databases

    def create_database(self, name: str) -> None:
        self.databases[name] = Database(name)

    def drop_database(self, name: str) -> None:
        with self.lock:
            database = self.databases.pop(name)
        for session in self.sessions_of(name):
            session.kill()
            session.cut()
        with self.lock:
            if not self._left.wait_for(lambda: not self.sessions_of(name), _PATIENCE):
                raise TimeoutError(f"sessions of {name} do not end")
        database.close()

    def sessions_of(self, name: str) -> list[Session]:
        with self.lock:
            return [each for each in self.sessions.values() if each.database.name == name]

    # -- sessions

    def log_in(self, login: Login, drop: Callable[[], None]) -> Session:
        """A session for a client. Raises SqlError, as the pool would refuse it."""
        database = login.database or "master"
        fault = self.faults.login()
        if fault is not None and fault.what == "drop":
            drop()
            raise Gone
        if fault is not None and fault.what == "error":
            raise error(fault.number, login.user, database)
        name = self._authenticated(login)
        if self.paused is not None and database != "master":
            raise error(self.paused, login.user, database)
        found = self.databases.get(database)
        if found is None:
            raise errors.cannot_open(database)
        return self._session(found, name, self._principal(login, name, found), login.application, drop)

    def _authenticated(self, login: Login) -> str:
        """Who it is, by password or token. Raises SqlError 18456."""
        if login.token is not None:
            owner = self.entra.owner(login.token)
            if owner is None:
                raise errors.token_login_failed()
            return owner
        for name, password in self.logins.items():
            if name.lower() == login.user.lower() and password == login.password:
                return name
        raise errors.login_failed(login.user)

    def _principal(self, login: Login, name: str, database: Database) -> str:
        """The user that a login is in a database. Raises SqlError 4060, or 18456 for a token, where it is none."""
        if name == ADMINISTRATOR:
            return "dbo"
        user = database.grants.user_of(name)
        if user is None:
            raise (
                errors.token_login_failed() if login.token is not None else errors.cannot_open(database.name)
            )
        return user.name

    def _session(
        self, database: Database, user: str, principal: str, application: str, drop: Callable[[], None]
    ) -> Session:
        with self.lock:
            if database.name not in self.databases:
                raise errors.cannot_open(database.name)
            self._count += 1
            session = Session(self, database, self._count, user, principal, application, drop)
            self.sessions[session.id] = session
            return session

    def gone(self, session: Session) -> None:
        with self.lock:
            self.sessions.pop(session.id, None)
            self._left.notify_all()

    def run_as_administrator(self, name: str, statements: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Run statements without the wire; the rows of the last that has any. Raises SqlError."""
        session = self._session(self.databases[name], ADMINISTRATOR, "dbo", "administrator", lambda: None)
        session.internal = True
        found: list[tuple[Any, ...]] = []
        try:
            for statement in statements:
                for outcome in session.run(statement, []):
                    if isinstance(outcome, Rows):
                        found = [row for batch in outcome.batches for row in zip(*batch, strict=True)]
        finally:
            session.close()
        return found

    # -- faults

    def pause(self, number: int) -> None:
        self.paused = number
        with self.lock:
            sessions = [each for each in self.sessions.values() if each.database.name != "master"]
        for session in sessions:
            session.kill()

    def clear_faults(self) -> None:
        self.faults.clear()
        self.paused = None
        self.edition = DEDICATED_POOL
        self.entra.reset()
        self.set_slots(DW100C)

    def set_slots(self, count: int) -> None:
        for database in self.databases.values():
            database.slots.set(count)
