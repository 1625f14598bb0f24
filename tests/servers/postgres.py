"""A real PostgreSQL cluster for tests: made in a temporary folder, loopback only, gone at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.servers.certificates import make_certificates

SUPERUSER = "tailrace_admin"
PASSWORD = "not a 'secret' \\ of anyone"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 128MB
max_connections = 100
max_wal_size = 4GB
autovacuum_naptime = 1min
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
password_encryption = scram-sha-256
log_min_messages = fatal
lc_messages = 'C'
"""


class PostgresMissing(RuntimeError):
    """PostgreSQL's own programs are not installed."""


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise PostgresMissing(
        "these tests need PostgreSQL's server programs (initdb, pg_ctl): `make setup` installs them, "
        "or `apt-get install postgresql`"
    )


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Database:
    """One fresh database of the cluster; `settings` are those of a `postgres` source."""

    server: PostgresServer
    name: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The source's settings as the superuser, with `changes`; a change to None leaves a setting out."""
        settings = {
            "host": self.server.host,
            "port": self.server.port,
            "database": self.name,
            "username": SUPERUSER,
            "password": PASSWORD,
        } | changes
        return {name: value for name, value in settings.items() if value is not None}

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser; the rows of the last one that has any."""
        return self.server.sql(*statements, database=self.name)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the superuser, with autocommit."""
        with self.server.connect(self.name) as connection:
            yield connection


class PostgresServer:
    """A running cluster; `start` and `stop` it once per test process."""

    host = "127.0.0.1"
    host_name = "localhost"
    """The only name in the server's certificate."""

    def __init__(self) -> None:
        self.port = free_port()
        self.programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="tailrace-postgres-"))
        self.data = self.folder / "data"
        self.ca = self.folder / "ca.crt"
        self.other_ca = self.folder / "other-ca.crt"
        self._count = 0

    def start(self) -> None:
        """Make the cluster and wait until it answers."""
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            shutil.chown(password_file, "postgres", "postgres")
        self._run(
            "initdb", "-D", self.data, "-U", SUPERUSER, "--pwfile", password_file, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions",
        )  # fmt: skip
        make_certificates(self.data, self.ca, self.other_ca, self.host_name)
        if os.geteuid() == 0:
            for name in ("server.crt", "server.key"):
                shutil.chown(self.data / name, "postgres", "postgres")
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION.format(port=self.port))
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.folder / "log", "start")

    def stop(self) -> None:
        """Stop the cluster and remove its folder."""
        try:
            self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def in_german(self) -> Iterator[None]:
        """Let the server speak German to whoever connects; English where it came without translations."""
        try:
            self._speak("C.UTF-8")
            yield
        finally:
            self._speak("C")

    @contextmanager
    def access(self, rule: str) -> Iterator[None]:
        """Put a rule before those of pg_hba.conf."""
        file = self.data / "pg_hba.conf"
        before = file.read_text()
        try:
            self._admit(f"{rule}\n{before}")
            yield
        finally:
            self._admit(before)

    def _admit(self, rules: str) -> None:
        (self.data / "pg_hba.conf").write_text(rules)
        self._reload()

    def _speak(self, locale: str) -> None:
        self.sql(f"ALTER SYSTEM SET lc_messages = '{locale}'")
        self._reload()

    def _reload(self) -> None:
        """Let the server read its files, and wait until new connections have them."""
        loaded = "SELECT pg_conf_load_time()"
        before = self.sql(loaded)
        self.sql("SELECT pg_reload_conf()")
        while self.sql(loaded) == before:
            pass  # each look is a new connection

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | {"LANGUAGE": "de"},
            stdin=subprocess.DEVNULL,
            capture_output=program != "pg_ctl",
            text=True,
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(
                f"{program} failed: {done.stderr or ''}{log.read_text() if log.exists() else ''}"
            )

    @contextmanager
    def connect(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A connection of the superuser, with autocommit."""
        with psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=SUPERUSER,
            password=PASSWORD,
            client_encoding="UTF8",
            autocommit=True,
        ) as connection:
            yield connection

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as the superuser; the rows of the last one that has any."""
        rows: list[tuple[Any, ...]] = []
        with self.connect(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                if cursor.description is not None:
                    rows = cursor.fetchall()
        return rows

    @contextmanager
    def database(self, encoding: str = "UTF8") -> Iterator[Database]:
        """A database of its own, dropped at the end with whoever is still connected."""
        self._count += 1
        name = f"test_{self._count}"
        locale = "" if encoding == "UTF8" else " LOCALE 'C'"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'{locale}")
        try:
            yield Database(self, name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")
