"""The rules are proved at the public surface, on both warehouses, against a receiver that misbehaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.azure import AzureWarehouse
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import DuckDBWarehouse, PostgresWarehouse, Project

from tailrace.testing.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that honours idempotency keys."""
    with Receiver() as running:
        yield running


_LONG = os.environ.get("CHAOS") == "long"
_MOST = {
    "test_baselines_in_doubt",
    "test_changes",
    "test_deep_check",
    "test_keys",
    "test_modes",
    "test_outcomes",
    "test_review_columns",
    "test_state_faults",
    "test_where",
}
WAREHOUSES = {
    "duckdb": None,
    "postgres": None,
    "azure": None if _LONG else _MOST,
    "bigquery": None if _LONG else _MOST,
    "db2": None if _LONG else {"test_deep_check", "test_modes", "test_outcomes", "test_keys", "test_where"},
}
"""The modules that run on each; None: all. A stand-in takes seconds where a database takes a tenth of one, and Db2's
compiles each statement of a plan for a second: there, all run with `CHAOS=long pytest tests/e2e -k "azure or db2"`."""


STAND_INS = ("azure", "bigquery", "db2")
"""There, tests with the mark `core` run with `CHAOS=long` only: another test proves the SQL that they need on each, often
`tests/integration/state/test_plan_warehouses.py`, and what else they prove is the same code for every warehouse."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each test run on the warehouses of its module."""
    if "project" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        kinds = [kind for kind, modules in WAREHOUSES.items() if modules is None or module in modules]
        metafunc.parametrize("project", kinds, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what need not run on stand-ins each time."""
    left = [item for item in items if not _LONG and _needless(item)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in set(left)]


def _needless(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or item.get_closest_marker("core") is None:
        return False
    return item.callspec.params["project"] in STAND_INS


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Project:
    """A project without data, over either warehouse."""
    if request.param == "duckdb":
        return Project(tmp_path, DuckDBWarehouse(tmp_path), receiver)
    if request.param == "azure":
        return Project(tmp_path, AzureWarehouse(request.getfixturevalue("azure_pool")), receiver)
    if request.param == "db2":
        return Project(tmp_path, Db2Warehouse(request.getfixturevalue("db2_database")), receiver)
    if request.param == "bigquery":
        return Project(tmp_path, BigQueryWarehouse(request.getfixturevalue("bigquery_dataset")), receiver)
    return Project(tmp_path, PostgresWarehouse(request.getfixturevalue("postgres_database")), receiver)
