"""An interrupted sync has its plan: it is finished, or given up, also where its model cannot be read any more (R12)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.project import DuckDBWarehouse, PostgresWarehouse, Project
from tests.servers.postgres import Database

from tailrace.testing.receiver import Receiver


@pytest.fixture(params=["duckdb", "postgres"])
def interrupted(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Project:
    """A project over each, with a sync that was stopped at once and a model that is gone."""
    if request.param == "duckdb":
        warehouse: DuckDBWarehouse | PostgresWarehouse = DuckDBWarehouse(tmp_path)
    else:
        database: Database = request.getfixturevalue("postgres_database")
        warehouse = PostgresWarehouse(database)
    project = Project(tmp_path, warehouse, receiver)
    project.many(40)
    assert project.sync(stop="crash").status == "interrupted"
    assert len(project.held) < 40
    project.data("DROP TABLE people")
    return project


def test_r12_a_sealed_plan_is_finished_and_then_the_model_complained_of(interrupted: Project) -> None:
    code, said = interrupted.cli("sync")
    (sync,) = said["syncs"]
    assert (sync["status"], sync["resumed"], sync["counts"]["delivered"]) == ("success", True, 40)
    assert (code, said["error"]["code"]) == (2, "model_invalid")
    assert len(interrupted.held) == 40
    again, said = interrupted.cli("sync")
    assert (again, said["error"]["code"]) == (2, "model_invalid")


def test_r12_a_sealed_plan_can_be_given_up_without_its_model(interrupted: Project) -> None:
    _, said = interrupted.cli("syncs")
    code, _ = interrupted.cli("discard", said["syncs"][0]["sync"])
    assert code == 0
    code, said = interrupted.cli("sync")
    assert (code, "syncs" in said) == (2, False)


def test_a_model_that_cannot_be_read_leaves_no_state_where_there_was_none(
    tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, DuckDBWarehouse(tmp_path), receiver)
    code, said = project.cli("sync")
    assert (code, said["error"]["code"]) == (2, "model_invalid")
    assert not (tmp_path / "shop.tailrace.duckdb").exists()
