"""The state protocol is proved on both warehouses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.state.forms import FORMS
from tests.integration.state.managed import Managed
from tests.integration.state.shop import Shop, make_shop
from tests.integration.state.writing import written

from tailrace.sources.base import Source
from tailrace.sources.duckdb.files import STATE_CATALOG
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.sources.postgres.source import PostgresSource
from tailrace.state.names import StateNames


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of the state runs on both warehouses, those of plans in every form that a plan has."""
    if "source" in metafunc.fixturenames:
        forms = FORMS if metafunc.module.__name__.rpartition(".")[2].startswith("test_plan_") else ()
        metafunc.parametrize("source", ["duckdb", "postgres", *forms], indirect=True)


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """An empty warehouse of either kind."""
    if request.param != "postgres":
        made = DuckDBSource("warehouse", {"path": str(tmp_path / "shop.duckdb")}, folder=tmp_path)
        if request.param in FORMS:
            made.dialect = FORMS[request.param](STATE_CATALOG)
        return made
    database = request.getfixturevalue("postgres_database")
    return PostgresSource("warehouse", database.settings(), folder=tmp_path)


@pytest.fixture(params=["duckdb", "postgres", "duckdb parts", "postgres parts", "duckdb inserts"])
def managed(request: pytest.FixtureRequest, tmp_path: Path) -> Managed:
    """A managed schema with one mapping's tables, and nothing synced yet, in every way of writing state."""
    kind, _, way = request.param.partition(" ")
    if kind == "duckdb":
        source: Source = DuckDBSource("warehouse", {"path": str(tmp_path / "shop.duckdb")}, folder=tmp_path)
    else:
        settings = request.getfixturevalue("postgres_database").settings()
        source = PostgresSource("warehouse", settings, folder=tmp_path)
    made = Managed(written(source, way), StateNames(source.schema, "map_12345678"))
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
