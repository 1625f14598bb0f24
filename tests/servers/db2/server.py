"""Db2's stand-in: IBM's driver talks to Apache Derby through a relay of ours."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.servers.certificates import make_certificates
from tests.servers.db2.database import ADMINISTRATOR, PASSWORD, Database
from tests.servers.db2.door import Account, Door
from tests.servers.db2.engine import Engine
from tests.servers.db2.faults import Fault, Faults, Moment
from tests.servers.db2.results import Result
from tests.servers.db2.session import Session
from tests.servers.db2.sqlca import Sqlca
from tests.servers.postgres import free_port


class Db2Server:
    """A running stand-in; `start` and `stop` it once per test process.

    One port takes TLS and plain text alike; with `tls_only`, plain clients are sent away. `lock_wait` is how many
    seconds a statement waits for what others have locked before -911 with reason 68.
    """

    host = "127.0.0.1"
    host_name = "localhost"
    """The only name in the server's certificate."""

    def __init__(self, *, tls_only: bool = False, lock_wait: int = 20) -> None:
        self.engine = Engine(lock_wait)
        self.faults = Faults()
        self.door = Door()
        self.folder = Path(tempfile.mkdtemp(prefix="tailrace-db2-tls-"))
        self.ca = self.folder / "ca.crt"
        self.other_ca = self.folder / "other-ca.crt"
        self.tls_only = tls_only
        self.port = 0
        self.statements: list[str] = []
        """What clients ran, in their own words, in order."""
        self.results: list[Result] = []
        """Results of our own, for queries whose types Derby lacks."""
        self._talks = threading.Event()
        self._talks.set()
        self._sessions: set[Session] = set()
        self._lock = threading.Lock()
        self._count = 0
        self.account(ADMINISTRATOR)

    def start(self, port: int = 0) -> None:
        """Start Derby and listen."""
        make_certificates(self.folder, self.ca, self.other_ca, self.host_name)
        self.engine.start(free_port())
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        self._listen(port)

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server((self.host, port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), name="db2-accept", daemon=True).start()

    def _deafen(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def stop(self) -> None:
        """Stop Derby, close every connection and remove what was written."""
        self._talks.set()
        if self.port:
            self._deafen()
        self.drop_links()
        self.engine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def account(self, name: str, password: str = PASSWORD, problem: str = "") -> None:
        """A user who may log in, or may not for one of `door.REASONS`; made anew if there is one of that name."""
        self.door.accounts[name.upper()] = Account(password, problem)

    @contextmanager
    def database(self, **features: Any) -> Iterator[Database]:
        """A database of its own, dropped at the end with whoever is still connected; see `Database` for features."""
        with self._lock:
            self._count += 1
            name = f"TEST_{self._count}"
        self.engine.create(name)
        database = self.door.databases[name] = Database(self, name, **features)
        try:
            yield database
        finally:
            self.faults.clear()
            self.results.clear()
            del self.door.databases[name]
            self.drop_links(database)
            self.engine.drop(name)

    # -- faults

    def drop(
        self, at: Moment, *, before: bool = False, matching: str = "", skip: int = 0, times: int | None = 1
    ) -> Fault:
        """End the link when a statement that `matching` (a regular expression) finds runs, is fetched from, or
        is the last of a unit of work that is committed or rolled back: before it has an effect, or after it had
        one and before the answer."""
        return self.faults.add(Fault("drop_before" if before else "drop_after", at, matching, skip, times))

    def slow(
        self, seconds: float, at: Moment = "statement", *, matching: str = "", skip: int = 0,
        times: int | None = 1,
    ) -> Fault:  # fmt: skip
        """Answer late."""
        return self.faults.add(Fault("slow", at, matching, skip, times, seconds))

    def fail(
        self, result: Sqlca, at: Moment = "statement", *, matching: str = "", skip: int = 0,
        times: int | None = 1,
    ) -> Fault:  # fmt: skip
        """Give a result of `faults` (DEADLOCK, LOG_FULL …) in place of running a statement; after those that
        roll back a unit of work, nothing of it is left."""
        return self.faults.add(Fault("fail", at, matching, skip, times, result=result))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """New connections are taken and never answered: not the hello of TLS, not the first request."""
        self._talks.clear()
        try:
            yield
        finally:
            self._talks.set()

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Nobody listens on the port; connections that exist go on."""
        self._deafen()
        try:
            yield
        finally:
            self._listen(self.port)

    def drop_links(self, database: Database | None = None) -> None:
        """End every connection (to a database), whatever it is doing."""
        with self._lock:
            sessions = [one for one in self._sessions if database is None or one.database is database]
        for session in sessions:
            session.close()

    # -- connections

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="db2-link", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            hello = client.recv(1, socket.MSG_PEEK)
            self._talks.wait()
            if hello == b"\x16":
                client = self._tls.wrap_socket(client, server_side=True)
            elif self.tls_only:
                client.close()
                return
            session = Session(self, client)
        except OSError:
            client.close()
            return
        with self._lock:
            self._sessions.add(session)
        try:
            session.run()
        finally:
            with self._lock:
                self._sessions.discard(session)
