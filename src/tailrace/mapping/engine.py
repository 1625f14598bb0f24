"""The locked-down DuckDB in which mappings are checked and rendered.

It reaches no file, no network, no environment and no extension, its settings cannot be changed, its memory is
bounded, and whatever runs in it is interrupted at a deadline.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tailrace.errors import TailraceError

if TYPE_CHECKING:
    import duckdb


class MappingTimeout(TailraceError):
    """Rendering one piece took too long; some expression is too expensive."""

    code = "mapping_timeout"


def connect(*, threads: int = 1, memory_limit: str = "512MB") -> duckdb.DuckDBPyConnection:
    """A new private DuckDB that can compute and nothing else."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_unsigned_extensions": False,
            "temp_directory": "",
            "threads": threads,
            "memory_limit": memory_limit,
            "arrow_large_buffer_size": True,
        },
    )
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


@functools.cache
def parser() -> duckdb.DuckDBPyConnection:
    """The DuckDB that reads expressions and runs none; one for the process, for making one takes far longer."""
    return connect()


@contextmanager
def deadline(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after so many seconds. Raises MappingTimeout then."""
    import duckdb

    over = threading.Event()

    def stop() -> None:
        over.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.Error as error:
        if over.is_set():
            raise MappingTimeout(
                f"the mapping's expressions ran for more than {seconds:g} s on one piece of the plan",
                hint="Simplify the `sql:` expressions, or move the work into the model.",
            ) from error
        raise
    finally:
        timer.cancel()
