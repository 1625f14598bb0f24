"""A receiver of its own for every test, and the shop on both sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.receiver import ReceiverProcess, receiver_process
from tests.chaos.shop import Shop
from tests.chaos.warehouses import DuckDBWarehouse, PostgresWarehouse
from tests.e2e.azure import AzureWarehouse
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.db2 import Db2Warehouse


@pytest.fixture
def receiver() -> Iterator[ReceiverProcess]:
    with receiver_process() as process:
        yield process


STAND_INS = ["azure", "bigquery", "db2"] if os.environ.get("CHAOS") == "long" else []
"""They take minutes where a database takes seconds; `make chaos` runs them too."""
WAREHOUSES = ["duckdb", "postgres", *STAND_INS]


@pytest.fixture(params=WAREHOUSES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    if request.param == "duckdb":
        return Shop(tmp_path, DuckDBWarehouse(tmp_path))
    if request.param == "azure":
        return Shop(tmp_path, AzureWarehouse(request.getfixturevalue("azure_pool")))
    if request.param == "bigquery":
        return Shop(tmp_path, BigQueryWarehouse(request.getfixturevalue("bigquery_dataset")))
    if request.param == "db2":
        return Shop(tmp_path, Db2Warehouse(request.getfixturevalue("db2_database")))
    return Shop(tmp_path, PostgresWarehouse(request.getfixturevalue("postgres_database")))
