"""The parts of bqemulator that this stand-in uses, put together in this process, with a connection per thread.

bqemulator runs everything on one DuckDB connection. Here each thread that runs a job brings its own, so that
sessions, transactions and temporary tables are DuckDB's own.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager

os.environ.update(
    BQEMU_ENABLE_FORMAT_EXTENSIONS="false", BQEMU_QUERY_CACHE_TTL_SECONDS="0", BQEMU_LOG_LEVEL="error"
)

import duckdb
from bqemulator.api.dependencies import AppContext
from bqemulator.catalog.memory_repository import MemoryCatalogRepository
from bqemulator.config import Settings
from bqemulator.domain.clock import SystemClock
from bqemulator.domain.events import EventBus
from bqemulator.observability.logging_ import configure_logging
from bqemulator.observability.metrics import MetricsRegistry
from bqemulator.row_access.policy import RowAccessPolicyManager
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.udf.runtime import UDFRegistry
from bqemulator.versioning.snapshots import SnapshotManager

_mine = threading.local()


class Engine(DuckDBEngine):
    """bqemulator's engine, whose connection is that of the running thread."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return getattr(_mine, "connection", None) or super().connection

    @property
    def root(self) -> duckdb.DuckDBPyConnection:
        return super().connection

    @asynccontextmanager
    async def write_lock(self):
        """DuckDB itself isolates the connections."""
        yield

    def _load_spatial(self) -> None:
        """The extension must be downloaded: this stand-in has no GEOGRAPHY."""


@contextmanager
def using(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let bqemulator's code in this thread work on a connection."""
    before = getattr(_mine, "connection", None)
    _mine.connection = connection
    try:
        yield
    finally:
        _mine.connection = before


async def assemble() -> AppContext:
    """The emulator's context."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    settings = Settings()
    configure_logging(level=settings.log_level, fmt=settings.log_format)
    engine = Engine(settings)
    await engine.start()
    engine.root.execute("SET GLOBAL TimeZone = 'UTC'")
    catalog = MemoryCatalogRepository(engine)
    clock, events = SystemClock(), EventBus()
    return AppContext(
        settings=settings,
        clock=clock,
        engine=engine,
        catalog=catalog,
        metrics=MetricsRegistry(),
        events=events,
        udf_registry=UDFRegistry(settings),
        snapshots=SnapshotManager(
            engine=engine,
            catalog=catalog,
            clock=clock,
            events=events,
            retention_days=settings.time_travel_retention_days,
        ),
        row_access=RowAccessPolicyManager(catalog=catalog, clock=clock),
    )
