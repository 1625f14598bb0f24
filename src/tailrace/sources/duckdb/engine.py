"""DuckDB engines without files. One is kept between sessions: making one costs more than a small read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.sources.duckdb.dialect import DuckDBDialect

if TYPE_CHECKING:
    import duckdb

_KEPT_MEMORY = "48MB"
"""What a kept engine holds on to between statements; giving pages back each time costs a third of reading."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine is set up; equal ones can stand for each other."""

    memory_limit: str
    threads: int
    spill: Path
    folder: Path

    def make(self, held: str | None = None) -> duckdb.DuckDBPyConnection:
        """An engine that keeps so much memory until it is closed, all that it may use where `held` is None."""
        import duckdb

        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": self.memory_limit,
                "block_allocator_memory": held or self.memory_limit,
                "threads": self.threads,
                "temp_directory": str(self.spill),
                "file_search_path": str(self.folder),
                "autoinstall_known_extensions": False,
            },
        )
        try:
            for setting in DuckDBDialect.session_settings:
                connection.execute(setting.replace("SET ", "SET GLOBAL ", 1))
        except BaseException:
            connection.close()
            raise
        return connection


_kept: dict[Engine, duckdb.DuckDBPyConnection] = {}
"""At most one, with no file attached."""


def borrow(engine: Engine) -> duckdb.DuckDBPyConnection:
    """The kept engine, or a new one; it is the caller's to `give_back` or to close. Callers hold a lock."""
    found = _kept.pop(engine, None)
    return engine.make(_KEPT_MEMORY) if found is None else found


def give_back(engine: Engine, connection: duckdb.DuckDBPyConnection) -> None:
    """Keep an engine, without files and unused, for the next who borrows one like it."""
    for other in _kept.values():
        other.close()
    _kept.clear()
    _kept[engine] = connection
