"""The `postgres` source: PostgreSQL, with Tailrace's state in a schema of the same database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tailrace.sources.base import Job, Limits
from tailrace.sources.postgres_dialect import PostgresDialect
from tailrace.sources.postgres_session import PostgresSession, connect
from tailrace.sources.postgres_settings import PostgresSettings, connection_of
from tailrace.sources.settings import read_settings

DEFAULT_SCHEMA = "__segment_reverse_etl"


class PostgresSource:
    """A PostgreSQL database. Constructing it connects nowhere; raises ConfigError for wrong settings."""

    type = "postgres"
    limits = Limits(identifier_bytes=63)
    settings_model = PostgresSettings

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        schema: str | None = None,
        remember: Literal["values", "checksum"] = "values",
        commit_interval: float | None = None,
        statement_timeout: float | None = None,
        folder: Path = Path(),
    ) -> None:
        self.name = name
        self.settings = read_settings(PostgresSettings, name, settings)
        self.schema = schema or DEFAULT_SCHEMA
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = 60.0 if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.connection = connection_of(self.settings, folder)
        self.dialect = PostgresDialect()

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[PostgresSession]:
        """A conversation that connects at its first statement. `model` makes no difference here."""
        session = PostgresSession(self.connection, lambda: self.schema, self.statement_timeout)
        try:
            yield session
        finally:
            session.close()

    def cancel(self, job: Job) -> None:
        """Cancel what a backend of ours still runs; nothing happens if it is gone, or its number is new."""
        backend_start = job.attributes.get("backend_start", "")
        with contextlib.closing(connect(self.connection, self.statement_timeout)) as connection:
            connection.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                "WHERE pid = %s AND to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS.US') = %s",
                (job.id, backend_start),
            )
