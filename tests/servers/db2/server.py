"""Db2's stand-in: IBM's driver talks to Apache Derby through a relay of ours."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.certificates import make_certificates
from tests.servers.db2.engine import Engine
from tests.servers.db2.faults import Fault, Faults, Moment
from tests.servers.db2.session import Session
from tests.servers.db2.sqlca import Sqlca
from tests.servers.postgres import free_port

ADMINISTRATOR = "db2inst1"
PASSWORD = "not-a-secret"
OPTIONS = {"AUTHENTICATION": "SERVER", "ARRAYINPUTCHAIN": "0", "PARAMOPTATOMIC": "0"}
"""Keywords without which IBM's driver and Derby do not understand each other."""


@dataclass(frozen=True)
class Database:
    """One fresh database; `settings` are those of a `db2` source."""

    server: Db2Server
    name: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The source's settings as the administrator, with `changes`; a change to None leaves a setting out."""
        settings = {
            "hostname": self.server.host_name,
            "port": self.server.port,
            "database": self.name,
            "username": ADMINISTRATOR,
            "password": PASSWORD,
            "tls": {"ca": str(self.server.ca)},
            "options": OPTIONS,
        } | changes
        return {name: value for name, value in settings.items() if value is not None}

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the administrator, without a driver; the rows of the last one that has any."""
        return self.server.sql(*statements, database=self.name)


class Db2Server:
    """A running stand-in; `start` and `stop` it once per test process."""

    host = "127.0.0.1"
    host_name = "localhost"
    """The only name in the server's certificate."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.faults = Faults()
        self.folder = Path(tempfile.mkdtemp(prefix="tailrace-db2-tls-"))
        self.ca = self.folder / "ca.crt"
        self.other_ca = self.folder / "other-ca.crt"
        self.port = 0
        self.statements: list[str] = []
        """What clients ran, in their own words, in order."""
        self.stopping = threading.Event()
        self._count = 0

    def start(self) -> None:
        """Start Derby and listen, for TLS and plain text on one port."""
        make_certificates(self.folder, self.ca, self.other_ca, self.host_name)
        self.engine.start(free_port())
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        self._listener = socket.create_server((self.host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="db2-accept", daemon=True).start()

    def stop(self) -> None:
        """Stop Derby, close every connection and remove what was written."""
        self.stopping.set()
        if self.port:
            self._listener.close()
        self.engine.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, *statements: str, database: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            rows = self.engine.sql(database, statement) or rows
        return rows

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A database of its own, dropped at the end with whoever is still connected."""
        self._count += 1
        name = f"TEST_{self._count}"
        self.engine.create(name)
        try:
            yield Database(self, name)
        finally:
            self.faults.clear()
            self.engine.drop(name)

    # -- faults

    def drop(
        self, at: Moment, *, before: bool = False, matching: str = "", skip: int = 0, times: int | None = 1
    ) -> Fault:
        """End the link when a statement that `matching` finds runs, is fetched from or committed: before it
        has an effect, or after it had one and before the answer."""
        return self.faults.add(Fault("drop_before" if before else "drop_after", at, matching, skip, times))

    def slow(
        self, seconds: float, at: Moment = "statement", *, matching: str = "", skip: int = 0,
        times: int | None = 1,
    ) -> Fault:  # fmt: skip
        """Answer late."""
        return self.faults.add(Fault("slow", at, matching, skip, times, seconds))

    def fail(self, result: Sqlca, *, matching: str = "", skip: int = 0, times: int | None = 1) -> Fault:
        """Give a result of `faults` (DEADLOCK, LOG_FULL …) in place of running a statement."""
        return self.faults.add(Fault("fail", "statement", matching, skip, times, result=result))

    # -- connections

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="db2-link", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            if client.recv(1, socket.MSG_PEEK) == b"\x16":
                client = self._tls.wrap_socket(client, server_side=True)
            Session(self, client).run()
