"""The rules at the public surface, over BigQuery's stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import Project
from tests.servers.bigquery import Dataset

from tailrace.testing.receiver import Receiver


@pytest.fixture
def project(bigquery_dataset: Dataset, tmp_path: Path, receiver: Receiver) -> Project:
    warehouse = BigQueryWarehouse(bigquery_dataset)
    return Project(tmp_path, warehouse, receiver, sql=warehouse.model("SELECT * FROM people"))


def test_what_changed_is_sent_and_only_that(project: Project) -> None:
    project.people((1, "Ada"), (2, "Bob"), (3, "Cid"))
    first = project.ok()
    assert (first.counts.added, first.counts.delivered) == (3, 3)
    assert project.names == {"1": "Ada", "2": "Bob", "3": "Cid"}
    project.data("UPDATE people SET name = 'Bea' WHERE id = 2", "DELETE FROM people WHERE id = 3")
    project.data("INSERT INTO people VALUES (4, 'Dan')")
    second = project.ok()
    assert (second.counts.added, second.counts.updated, second.counts.deleted) == (1, 1, 1)
    assert project.names == {"1": "Ada", "2": "Bea", "4": "Dan"}
    assert project.ok().counts.planned == 0
    assert project.records() == [(key, True, False) for key in ("1", "2", "4")]
