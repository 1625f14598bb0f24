"""The `duckdb` source: the user's file is only read, Tailrace's state is in a file of its own beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import ConfigError
from tailrace.sources.base import Job, Limits
from tailrace.sources.duckdb_dialect import DuckDBDialect
from tailrace.sources.duckdb_files import STATE_CATALOG, Files, Patience, opened
from tailrace.sources.duckdb_session import DuckDBSession
from tailrace.sources.duckdb_settings import DuckDBSettings
from tailrace.sources.settings import read_settings

if TYPE_CHECKING:
    pass

DEFAULT_SCHEMA = "__segment_reverse_etl"


class DuckDBSource:
    """A DuckDB file. Constructing it opens nothing; raises ConfigError for wrong settings."""

    type = "duckdb"
    limits = Limits(identifier_bytes=128)
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
            session = DuckDBSession(connection, catalog, self._managed)
            try:
                yield session
            finally:
                session.close()

    def _managed(self, table: str) -> str:
        return self.dialect.table(self.schema, table)

    def cancel(self, job: Job) -> None:
        """Nothing to do: a DuckDB statement ends with its process."""
