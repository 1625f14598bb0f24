"""The `azure` source: a dedicated SQL pool, with Tailrace's state in a schema of the same pool."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.clock import Clock, SystemClock
from tailrace.errors import SourceError
from tailrace.sources.azure.check import check_azure
from tailrace.sources.azure.connection import Connections
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.grants import azure_grants
from tailrace.sources.azure.models import TSQL, azure_statement
from tailrace.sources.azure.samples import SAMPLES
from tailrace.sources.azure.session import SESSIONS, AzureSession
from tailrace.sources.azure.settings import AzureSettings
from tailrace.sources.base import CheckStep, Column, Job, Limits
from tailrace.sources.model import preview_query
from tailrace.sources.settings import read_settings

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_SCHEMA = "__segment_reverse_etl"


class AzureSource:
    """A dedicated SQL pool, which also remembers what was delivered, in a schema of its own.

    Constructing it connects nowhere; raises ConfigError for wrong settings.
    """

    type = "azure"
    samples = SAMPLES
    limits = Limits(identifier_bytes=128, query_words=("SELECT", "WITH"), scan=TSQL)
    settings_model = AzureSettings

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
        clock: Clock | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.name = name
        self.settings = read_settings(AzureSettings, name, settings)
        self._schema = schema or DEFAULT_SCHEMA
        self._schema_is_found = schema is not None
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = 600.0 if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.dialect = AzureDialect()
        self.connections = Connections(
            self.settings, folder, clock or SystemClock(), statement_timeout, pause
        )

    @property
    def schema(self) -> str:
        """The managed schema; one that stands there in upper case is used as it is. Raises SourceError."""
        if not self._schema_is_found:
            with self.session() as session:
                names = [str(name) for (name,) in session.rows(self.dialect.list_schemas())]
            self._schema = existing_schema(names, self._schema)
            self._schema_is_found = True
        return self._schema

    @property
    def managed_schema(self) -> str:
        """The managed schema as configured, without asking the server."""
        return self._schema

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[AzureSession]:
        """A conversation that connects at its first statement. `model` makes no difference here."""
        session = AzureSession(self.connections, lambda: self.schema, self.statement_timeout)
        try:
            yield session
        finally:
            session.close()

    def describe(self, sql: str) -> list[Column]:
        """The columns of a model's statement, found without running it. Raises ModelError."""
        statement = azure_statement(sql, self.limits)
        query = self.dialect.leading(statement) + self.dialect.limited(
            f"SELECT * FROM {self.dialect.subquery(statement, 'model')}", 0
        )
        with self.session(model=True) as session:
            return [
                Column(name, self.dialect.kind_of(native), native) for name, native in session.columns(query)
            ]

    def preview(self, sql: str, limit: int) -> pa.Table:
        """The first records of a model's statement, with values as a sync would read them."""
        query = preview_query(self.dialect, azure_statement(sql, self.limits), self.describe(sql), limit)
        with self.session(model=True) as session:
            return session.read(query).read_all()

    def check(self) -> Iterator[CheckStep]:
        """Test the connection step by step, by doing; steps that need a failed one are skipped."""
        return check_azure(self)

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """The T-SQL that an administrator runs, each batch marked with its database."""
        settings = self.settings
        return azure_grants(
            settings.database,
            self._schema,
            user or settings.user,
            role,
            schemas,
            entra=settings.entra is not None,
        )

    def reads_dirty(self, session: AzureSession) -> bool:
        """Whether a query here may see what others have not committed."""
        found = session.rows(
            "SELECT CAST(is_read_committed_snapshot_on AS INT) AS on_off FROM sys.databases WHERE name = DB_NAME()"
        )
        return found != [(1,)]

    def hurry(self) -> None:
        """Wait no more for a pool that is away, as when somebody wants to stop."""
        self.connections.hurry()

    def cancel(self, job: Job) -> None:
        """End a session of ours with what it still runs; nothing happens if it is gone, or not ours to end.

        Without the right to end it nothing is lost: what it leaves is no plan (R4), and its lease ends (R1).
        """
        literal = self.dialect.literal(job.id)
        with self.session() as session, contextlib.suppress(SourceError):
            if session.rows(f"{SESSIONS} WHERE session_id = {literal}") == [
                (job.id, job.attributes.get("since"))
            ]:
                session.execute(f"KILL {literal.removeprefix('N')}")


def existing_schema(names: Sequence[str], schema: str) -> str:
    """The schema as it is spelled in the pool. Raises SourceError if it stands there in two spellings."""
    found = sorted(name for name in names if name.lower() == schema.lower())
    if len(found) > 1:
        raise SourceError(
            f"there are several managed schemas: {' and '.join(map(repr, found))}",
            hint="Name the one to use in the source's `schema`.",
            code="source_schema_ambiguous",
        )
    return found[0] if found else schema
