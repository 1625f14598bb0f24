"""Whole syncs of BigQuery compared by digests (R13): true after every edit, also one that was blocked and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import SCHEMA, Project
from tests.servers.bigquery import Dataset, Fault

from tailrace.testing.receiver import Receiver

WIDE = "id bigint, name text, extra text"
NARROW = "SELECT id, name FROM people"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def project(bigquery_dataset: Dataset, tmp_path: Path, receiver: Receiver) -> Project:
    made = Project(tmp_path, BigQueryWarehouse(bigquery_dataset), receiver)
    made.people((1, "a", None), (2, "b", "y"), (3, "c", "z"), columns=WIDE)
    return made


def test_r13_digests_stay_true_when_columns_come_and_go(project: Project) -> None:
    project.sql = NARROW
    project.ok()
    project.sql = "SELECT * FROM people"
    assert project.ok().counts.updated == 2, "only those that have the new column (R16)"
    assert project.ok().counts.planned == 0
    project.sql = NARROW
    assert project.ok().counts.planned == 0, "a removed column sends nothing (R16)"
    project.data("UPDATE people SET name = 'new' WHERE id = 1", "DELETE FROM people WHERE id = 3")
    document = project.ok()
    assert (document.counts.updated, document.counts.deleted) == (1, 1)
    last = project.receiver.history("3")[-1]
    assert (last.operation, last.record) == ("deleted", {"id": 3, "name": "c"}), "as it was delivered"


def test_r13_an_edit_that_was_blocked_and_taken_back_sends_nothing(project: Project) -> None:
    project.sql = NARROW
    project.ok()
    project.sql = "SELECT * FROM people"
    project.edit(guards={"max_changes": 1})
    assert project.sync().status == "blocked"
    project.sql = NARROW
    assert project.ok().counts.planned == 0
    project.data("UPDATE people SET name = 'new' WHERE id = 1")
    assert project.ok().counts.updated == 1


def test_r13_an_edit_that_dies_in_its_seal_changes_no_digest(
    project: Project, bigquery_dataset: Dataset
) -> None:
    """The digests are written anew in the transaction that seals: all of it, or nothing."""
    project.sql = NARROW
    project.ok()
    project.sql = "SELECT * FROM people"
    renewal = rf"UPDATE \S*{SCHEMA}\S*records_"
    bigquery_dataset.server.fail(Fault("job", reason="quotaExceeded", statement=renewal, count=None))
    assert project.sync().status == "failed"
    bigquery_dataset.server.clear_faults()
    project.sql = NARROW
    assert project.ok().counts.planned == 0
    project.sql = "SELECT * FROM people"
    assert project.ok().counts.updated == 2


@pytest.mark.parametrize("statement", [r"INSERT INTO \S*records_", "COMMIT"])
def test_a_quota_that_is_spent_in_the_commit_loses_nothing_and_sends_nothing_twice(
    project: Project, bigquery_dataset: Dataset, statement: str
) -> None:
    bigquery_dataset.server.fail(
        Fault("job", reason="quotaExceeded", statement=statement, skip=int(statement == "COMMIT"), count=None)
    )
    document = project.syncs()[-1]
    assert document.error is not None
    assert document.error.code == "source_quota"
    bigquery_dataset.server.clear_faults()
    project.syncs()
    assert {key: project.operations(key) for key in project.held} == {key: ["added"] for key in "123"}
    assert project.records() == [(key, True, False) for key in "123"]
    assert project.ok().counts.planned == 0
