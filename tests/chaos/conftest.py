"""A receiver of its own for every test, and the shop on both sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.receiver import ReceiverProcess, receiver_process
from tests.chaos.shop import Shop
from tests.chaos.warehouses import DuckDBWarehouse, PostgresWarehouse


@pytest.fixture
def receiver() -> Iterator[ReceiverProcess]:
    with receiver_process() as process:
        yield process


@pytest.fixture(params=["duckdb", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    if request.param == "duckdb":
        return Shop(tmp_path, DuckDBWarehouse(tmp_path))
    return Shop(tmp_path, PostgresWarehouse(request.getfixturevalue("postgres_database")))
