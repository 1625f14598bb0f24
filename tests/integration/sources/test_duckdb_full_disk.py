"""What DuckDB meets where a file cannot grow, by a limit that the system keeps for this process alone."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tailrace.errors import SourceError
from tailrace.sources.duckdb.source import DuckDBSource

RECORDS = "SELECT md5(range::VARCHAR) AS text FROM range({})"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: a write that does fails, as on a full disk."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("before", "more", "met", "kept"),
    [(1, 30_000, "Failed to commit", 1), (15_000, 15_000, "CHECKPOINT during DETACH failed", 30_000)],
)
def test_a_disk_that_is_full_is_named_as_such(
    tmp_path: Path, before: int, more: int, met: str, kept: int
) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=tmp_path)
    table = source.dialect.table(source.schema, "texts")
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema))
        session.execute(f"CREATE TABLE {table} AS {RECORDS.format(before)}")
    with room_for(800_000), pytest.raises(SourceError, match=met) as caught, source.session() as session:
        session.execute(f"INSERT INTO {table} {RECORDS.format(more)}")
    assert caught.value.code == "source_disk_full"
    assert "Free space" in (caught.value.hint or "")

    with source.session() as session:  # what was committed is in DuckDB's log
        assert session.rows(f"SELECT count(*) FROM {table}") == [(kept,)]
