"""What DuckDB meets where it cannot write: no room, by a limit that the system keeps for this process alone; no right."""

from __future__ import annotations

import os
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


@contextmanager
def no_right_to_write(folder: Path) -> Iterator[None]:
    """Nobody makes a file in the folder, not even where root runs the tests."""
    user = os.geteuid()
    folder.chmod(0o555)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


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


def test_a_log_that_may_not_be_made_is_no_conflict(tmp_path: Path) -> None:
    """A sync that took it for one would say that another sync holds the mapping."""
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=tmp_path)
    with source.session() as session:
        with no_right_to_write(tmp_path), pytest.raises(SourceError, match="Failed to commit") as caught:
            session.execute(source.dialect.create_schema(source.schema))
        assert caught.value.code == "source_permission"
