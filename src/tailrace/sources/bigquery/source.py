"""The `bigquery` source: Google BigQuery, with Tailrace's state in a dataset of the same project and location."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep, Column, Job, Limits
from tailrace.sources.bigquery.catalogue import spellings
from tailrace.sources.bigquery.check import check_bigquery
from tailrace.sources.bigquery.client import BigQueryClient
from tailrace.sources.bigquery.dialect import BigQueryDialect
from tailrace.sources.bigquery.grants import bigquery_grants
from tailrace.sources.bigquery.jobs import Jobs, job_ids
from tailrace.sources.bigquery.key import read_key
from tailrace.sources.bigquery.pool import Pool
from tailrace.sources.bigquery.samples import SAMPLES
from tailrace.sources.bigquery.session import BigQuerySession
from tailrace.sources.bigquery.settings import BigQuerySettings, endpoints_of
from tailrace.sources.bigquery.statement import BIGQUERY
from tailrace.sources.model import preview_query
from tailrace.sources.settings import read_settings
from tailrace.sources.statement import model_statement

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_SCHEMA = "__segment_reverse_etl"
COMMIT_INTERVAL = 600.0
_UNKNOWN_IN_A_ROW = 3


class BigQuerySource:
    """A project of BigQuery in one location, which also remembers what was delivered, in a dataset of its own.

    Constructing it connects nowhere; raises ConfigError for wrong settings, and for a key that would lead elsewhere.
    """

    type = "bigquery"
    samples = SAMPLES
    limits = Limits(identifier_bytes=300, query_words=("SELECT", "WITH", "FROM"), scan=BIGQUERY)
    settings_model = BigQuerySettings

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
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.settings = read_settings(BigQuerySettings, name, settings)
        self.key = read_key(self.settings.credentials.get_secret_value(), name)
        self.endpoints = endpoints_of(os.environ if environ is None else environ)
        self.project = self.settings.project or self.key.project
        self._schema = schema or DEFAULT_SCHEMA
        self._schema_is_found = schema is not None
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = COMMIT_INTERVAL if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.dialect = BigQueryDialect(self.project, self.settings.location)
        self._pool = Pool()
        self._client = BigQueryClient(self.key, self.settings, self.endpoints)
        self._guard = threading.Lock()
        self._open = 0
        self._may_read_fast = self.settings.read_api == "storage" and self.endpoints.storage is not None

    @property
    def schema(self) -> str:
        """The managed dataset; one that stands there in upper case is used as it is. Raises SourceError."""
        if not self._schema_is_found:
            with self.connected() as client:
                found = spellings(client, self._schema)
            if len(found) > 1:
                raise SourceError(
                    f"there are several managed datasets: {' and '.join(map(repr, found))}",
                    hint="Name the one to use in the source's `schema`.",
                    code="source_schema_ambiguous",
                )
            self._schema = found[0] if found else self._schema
            self._schema_is_found = True
        return self._schema

    @property
    def managed_schema(self) -> str:
        """The managed dataset as configured, without asking BigQuery."""
        return self._schema

    @property
    def reads_fast(self) -> bool:
        """Whether records are read over the Storage Read API."""
        return self._may_read_fast

    @contextlib.contextmanager
    def connected(self) -> Iterator[BigQueryClient]:
        """Google's clients; their connections end when nobody uses them any more."""
        with self._guard:
            self._open += 1
        try:
            yield self._client
        finally:
            with self._guard:
                self._open -= 1
                if self._open == 0:
                    self._client.close()

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[BigQuerySession]:
        """A conversation that connects at its first statement; with `model`, results are read page by page.

        A preview writes nothing, so it has no table to read fast from.
        """
        with self.connected() as client:
            session = self._session(client, fast=lambda: self._may_read_fast and not model)
            try:
                yield session
            finally:
                session.close()

    def _session(self, client: BigQueryClient, *, fast: Callable[[], bool]) -> BigQuerySession:
        jobs = Jobs(client, self.name, self.statement_timeout, self.settings.max_bytes_billed)
        return BigQuerySession(
            client,
            jobs,
            self.dialect,
            lambda: self.schema,
            self._pool,
            configured=self._schema,
            fast=fast,
            slow_down=self._slow_down,
        )

    def _slow_down(self) -> None:
        self._may_read_fast = False

    def remarks(self) -> list[str]:
        """That records were read slowly, where that was not asked for."""
        if self._may_read_fast or self.settings.read_api == "rest" or self.endpoints.storage is None:
            return []
        return [
            "Records were read slowly, over REST: the account lacks bigquery.readsessions.create."
            " Grant roles/bigquery.readSessionUser on the project, or set `read_api: rest`."
        ]

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
        statement = model_statement(sql, self.limits)
        query = preview_query(self.dialect, statement, self.describe(sql), limit)
        with self.session(model=True) as session:
            return session.read(query).read_all()

    def cost(self, statement: str) -> dict[str, Any]:
        """The bytes that a query, or one that fills a stage, would read and bill on demand. Raises SourceError."""
        query = statement.partition(" AS\n")[2] if statement.startswith("CREATE ") else statement
        with self.session(model=True) as session:
            read, billed = session.bytes_read(query)
        return {"bytes_read": read, "bytes_billed": billed}

    def check(self) -> Iterator[CheckStep]:
        """Test the connection step by step, by doing; steps that need a failed one are skipped."""
        return check_bigquery(self)

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """The commands that an administrator of the project runs, each way that suffices, runnable as printed."""
        return bigquery_grants(
            self.project,
            self.settings.location,
            self._schema,
            user or self.key.email,
            role,
            schemas,
            fast=self.settings.read_api == "storage",
        )

    def cancel(self, job: Job) -> None:
        """Cancel what another process of ours left running, and undo its open transaction."""
        location = job.attributes.get("location", self.settings.location)
        with self.connected() as client:
            after = job.attributes.get("after")
            number, unknown = int(after or 0), 0 if after else _UNKNOWN_IN_A_ROW
            while unknown < _UNKNOWN_IN_A_ROW:
                number += 1
                found = [client.cancel(job_id, location) for job_id in job_ids(job.id, number)]
                unknown = 0 if any(found) else unknown + 1
            session = job.attributes.get("session")
            if session and session != self._pool.current:
                with contextlib.suppress(SourceError):
                    client.end_session(session, location)
