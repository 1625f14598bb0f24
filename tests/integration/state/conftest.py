"""The state protocol is proved on both warehouses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.state.managed import Managed
from tests.integration.state.shop import Shop, make_shop

from tailrace.sources.base import Source
from tailrace.sources.duckdb import DuckDBSource
from tailrace.sources.postgres import PostgresSource
from tailrace.state.names import StateNames


@pytest.fixture(params=["duckdb", "postgres"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """An empty warehouse of either kind."""
    if request.param == "duckdb":
        return DuckDBSource("warehouse", {"path": str(tmp_path / "shop.duckdb")}, folder=tmp_path)
    database = request.getfixturevalue("postgres_database")
    return PostgresSource("warehouse", database.settings(), folder=tmp_path)


@pytest.fixture
def managed(source: Source) -> Managed:
    """A managed schema with one mapping's tables, and nothing synced yet."""
    made = Managed(source, StateNames(source.schema, "map_12345678"))
    made.set_up()
    return made


@pytest.fixture
def shop(source: Source, request: pytest.FixtureRequest) -> Shop:
    """A user's warehouse without tables, and one mapping over it."""
    database = request.getfixturevalue("postgres_database") if source.type == "postgres" else None
    return make_shop(source, database)


@pytest.fixture
def customers(shop: Shop) -> None:
    """An empty table of the user's."""
    shop.run("CREATE TABLE customers (id integer, name text)")
