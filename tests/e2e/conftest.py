"""The rules are proved at the public surface, on both warehouses, against a receiver that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.project import DuckDBWarehouse, PostgresWarehouse, Project

from tailrace.testing.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that honours idempotency keys."""
    with Receiver() as running:
        yield running


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Project:
    """A project without data, over either warehouse."""
    if request.param == "duckdb":
        return Project(tmp_path, DuckDBWarehouse(tmp_path), receiver)
    return Project(tmp_path, PostgresWarehouse(request.getfixturevalue("postgres_database")), receiver)
