"""The `postgres` source: PostgreSQL, with Tailrace's state in a schema of the same database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep, Column, Job, Limits
from tailrace.sources.model import preview_query
from tailrace.sources.postgres.check import check_postgres
from tailrace.sources.postgres.dialect import PostgresDialect
from tailrace.sources.postgres.grants import postgres_grants
from tailrace.sources.postgres.samples import SAMPLES
from tailrace.sources.postgres.session import PostgresSession, connect
from tailrace.sources.postgres.settings import PostgresSettings, connection_of
from tailrace.sources.settings import read_settings
from tailrace.sources.statement import model_statement

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

DEFAULT_SCHEMA = "__segment_reverse_etl"


def existing_schema(connection: psycopg.Connection[Any], schema: str) -> str:
    """The schema as it is spelled in the database. Raises SourceError if it stands there in two spellings."""
    found = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE lower(nspname) = lower(%s) ORDER BY nspname", (schema,)
    ).fetchall()
    names = [str(row[0]) for row in found]
    if len(names) > 1:
        raise SourceError(
            f"there are several managed schemas: {' and '.join(map(repr, names))}",
            hint="Name the one to use in the source's `schema`.",
            code="source_schema_ambiguous",
        )
    return names[0] if names else schema


class PostgresSource:
    """A PostgreSQL database, which also remembers what was delivered, in a schema of its own.

    Constructing it connects nowhere; raises ConfigError for wrong settings.
    """

    type = "postgres"
    samples = SAMPLES
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
        self._schema = schema or DEFAULT_SCHEMA
        self._schema_is_found = schema is not None
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = 60.0 if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.connection = connection_of(self.settings, folder)
        self.dialect = PostgresDialect()

    @property
    def schema(self) -> str:
        """The managed schema; one that stands there in upper case is used as it is. Raises SourceError."""
        if not self._schema_is_found:
            with contextlib.closing(self.connect()) as connection:
                self._schema = existing_schema(connection, self._schema)
            self._schema_is_found = True
        return self._schema

    @property
    def managed_schema(self) -> str:
        """The managed schema as configured, without asking the server."""
        return self._schema

    def connect(self) -> psycopg.Connection[Any]:
        """A connection with pinned settings, for what a session does not offer. Raises SourceError."""
        return connect(self.connection, self.statement_timeout)

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[PostgresSession]:
        """A conversation that connects at its first statement. `model` makes no difference here."""
        session = PostgresSession(self.connection, lambda: self.schema, self.statement_timeout)
        try:
            yield session
        finally:
            session.close()

    def describe(self, sql: str) -> list[Column]:
        """The columns of a model's statement, found without running it. Raises ModelError."""
        statement = model_statement(sql, self.limits)
        with self.session(model=True) as session:
            return [
                Column(name, self.dialect.kind_of(native), native)
                for name, native in session.columns(self.dialect.subquery(statement, "model"))
            ]

    def preview(self, sql: str, limit: int) -> pa.Table:
        """The first records of a model's statement, with values as a sync would read them."""
        query = preview_query(self.dialect, model_statement(sql, self.limits), self.describe(sql), limit)
        with self.session(model=True) as session:
            return session.read(query).read_all()

    def check(self) -> Iterator[CheckStep]:
        """Test the connection step by step, by doing; steps that need a failed one are skipped."""
        return check_postgres(self)

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """The SQL that an administrator of the database runs, runnable as printed."""
        return postgres_grants(
            self.dialect, self.settings.database, self._schema, user or self.settings.username, role, schemas
        )

    def cancel(self, job: Job) -> None:
        """Cancel what a backend of ours still runs; nothing happens if it is gone, or its number is new."""
        backend_start = job.attributes.get("backend_start", "")
        with contextlib.closing(self.connect()) as connection:
            connection.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                "WHERE pid = %s AND to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS.US') = %s",
                (job.id, backend_start),
            )
