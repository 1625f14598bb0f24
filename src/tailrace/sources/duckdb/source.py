"""The `duckdb` source: the user's file is only read, Tailrace's state is in a file of its own beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import ConfigError, ModelError
from tailrace.sources.base import CheckStep, Column, Job, Limits
from tailrace.sources.duckdb.check import check_duckdb
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.sources.duckdb.files import STATE_CATALOG, Files, Patience, opened
from tailrace.sources.duckdb.samples import SAMPLES
from tailrace.sources.duckdb.session import DuckDBSession
from tailrace.sources.duckdb.settings import DuckDBSettings
from tailrace.sources.model import preview_query
from tailrace.sources.settings import read_settings
from tailrace.sources.statement import model_statement

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_SCHEMA = "__segment_reverse_etl"


class DuckDBSource:
    """A DuckDB file, which is only read; what was delivered is remembered in a file beside it.

    Constructing it opens nothing; raises ConfigError for wrong settings.
    """

    type = "duckdb"
    samples = SAMPLES
    limits = Limits(identifier_bytes=128, query_words=("SELECT", "WITH", "VALUES", "TABLE", "FROM"))
    settings_model = DuckDBSettings

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
        patience: Patience | None = None,
    ) -> None:
        read = read_settings(DuckDBSettings, name, settings)
        data, state, spill = read.files(folder.resolve())
        if data == state:
            raise ConfigError(
                f"source {name!r}: `path` and `state_path` are the same file",
                hint="Tailrace keeps its state in a file of its own; leave `state_path` out.",
                code="source_settings",
            )
        self.name = name
        self.schema = schema or DEFAULT_SCHEMA
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = 60.0 if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.files = Files(data, state, spill, folder.resolve(), read.memory_limit, read.threads)
        self.dialect = DuckDBDialect(STATE_CATALOG)
        self._patience = patience or Patience()

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[DuckDBSession]:
        """Open the state file, and with `model` the user's file too; waits for locks. Raises SourceError."""
        with opened(self.files, model=model, patience=self._patience) as connection:
            catalog = self.dialect.quote(self.files.data_catalog) if model else None
            session = DuckDBSession(connection, catalog, self._managed, self.statement_timeout)
            try:
                yield session
            finally:
                session.close()

    def hurry(self) -> None:
        """Let nobody wait long for a lock any more, now or later: who gives up is Cancelled. Any thread may call it."""
        self._patience.hurried += 1

    def _managed(self, table: str) -> str:
        return self.dialect.table(self.schema, table)

    def describe(self, sql: str) -> list[Column]:
        """The columns of a model's statement, found without running it. Raises ModelError."""
        statement = model_statement(sql, self.limits)
        with self.session(model=True) as session:
            found = session.columns(statement, self.dialect.subquery(statement, "model"))
        _hold_apart([name for name, _ in found])
        return [Column(name, self.dialect.kind_of(native), native) for name, native in found]

    def preview(self, sql: str, limit: int) -> pa.Table:
        """The first records of a model's statement, with values as a sync would read them."""
        query = preview_query(self.dialect, model_statement(sql, self.limits), self.describe(sql), limit)
        with self.session(model=True) as session:
            return session.read(query).read_all()

    def check(self) -> Iterator[CheckStep]:
        """Test the files step by step, by doing; steps that need a failed one are skipped."""
        return check_duckdb(self)

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """DuckDB has no users: what the operating system must allow instead, as comments."""
        data, state = self.files.data, self.files.state
        return (
            "-- DuckDB has no users and no grants. The operating system's user that runs Tailrace needs to\n"
            f"-- read  {data}\n"
            f"-- write {state}\n"
            f"-- and create files in {state.parent}\n"
        )

    def cancel(self, job: Job) -> None:
        """Nothing to do: a DuckDB statement ends with its process."""


def _hold_apart(names: Sequence[str]) -> None:
    """Raises ModelError where DuckDB would read one column for another.

    It takes names that differ in case for one: https://duckdb.org/docs/sql/dialect/keywords_and_identifiers
    """
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            raise ModelError(
                f"DuckDB takes the columns {other!r} and {name!r} for one",
                hint="Give one of them another name with AS; `fields` can give it back its own.",
                code="model_columns",
            )
