"""Connections to the store's database. All that SQLite and PostgreSQL do differently stands in this file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from tailrace.errors import ConfigError, StoreError
from tailrace.store.location import Location, create_file

BUSY_SECONDS = 30.0
_WRITES = "tailrace_writes"
_MIGRATION_LOCK = 7_201_541_946


class Database:
    """The store's database: transactions that either happen as a whole or raise a plain StoreError."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._engine = _postgres(location) if location.url else _sqlite(location)
        self._writing = self._engine.execution_options(**{_WRITES: True})

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view, without keeping writers out."""
        with self._plain_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One durable transaction; it is on disk when this returns (docs/adr/0005)."""
        with self._plain_errors(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def migrate(self) -> Iterator[sa.Connection]:
        """A write transaction that waits until no other process migrates."""
        with self._plain_errors():
            if self._engine.dialect.name == "sqlite":
                _write_ahead(self._engine)
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except exc.IntegrityError:
            raise
        except exc.DBAPIError as error:
            raise _explain(self.location, error) from None


def _sqlite(location: Location) -> sa.Engine:
    path = location.path
    if path is None:
        raise ValueError("a SQLite store has a path")
    if not path.exists():
        create_file(path)
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        poolclass=sa.QueuePool,
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(engine: sa.Engine) -> None:
    """Set once, kept in the file: readers and the one writer do not wait for each other."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise exc.DatabaseError("PRAGMA journal_mode", None, error) from error
    finally:
        connection.close()


def _on_sqlite_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(location: Location) -> sa.Engine:
    try:
        return sa.create_engine(location.url or "", pool_pre_ping=True)
    except ModuleNotFoundError:
        raise StoreError(
            "A control store on PostgreSQL needs the driver psycopg, which is not installed",
            hint="pip install 'tailrace[postgres]'",
            code="driver_missing",
        ) from None
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            "TAILRACE_STORE is not an address of a PostgreSQL database",
            hint="postgresql://user:password@host:5432/database, with special characters percent-encoded",
            code="store_unsupported",
        ) from None


def _explain(location: Location, error: exc.DBAPIError) -> StoreError:
    cause: Any = error.orig
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    name = getattr(cause, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreError(
            f"The control store {location} is damaged: {text}",
            hint="Delete it: the state of every mapping is in the warehouse, and syncs go on from there.",
            code="store_damaged",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(
            f"The control store {location} was locked by another process for {BUSY_SECONDS:.0f} s",
            hint="End the process that holds it (a database browser?) and try again.",
            code="store_busy",
        )
    return StoreError(
        f"The control store {location} cannot be used: {text}",
        hint="Check that it is there, writable and not on a full disk, or point TAILRACE_STORE elsewhere.",
    )
