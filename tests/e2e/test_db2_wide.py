"""Db2 has limits on documents, rows and select lists; a wide model stays below them, or is told so before sending."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project
from tests.servers.db2 import Database, Db2Server

from tailrace.testing.receiver import Receiver


def wide(database: Database, folder: Path, receiver: Receiver, columns: int, native: str) -> Project:
    """A model of a key and so many columns of a type, with two records."""
    project = Project(folder, Db2Warehouse(database), receiver)
    names = [f"a_column_of_the_model_{number}" for number in range(columns)]
    project.data(f"CREATE TABLE people (id BIGINT, {', '.join(f'{name} {native}' for name in names)})")
    values = ", ".join(["'old'"] * columns)
    project.data(f"INSERT INTO people VALUES (1, {values}), (2, {values})")
    return project


def test_a_model_of_512_columns_is_synced(db2_database: Database, tmp_path: Path, receiver: Receiver) -> None:
    project = wide(db2_database, tmp_path, receiver, 511, "VARCHAR(20)")
    assert project.ok().counts.delivered == 2
    assert len(project.held["2"]) == 512
    ((documents,),) = project.state("SELECT LENGTH(columns) FROM {checkpoints}")
    assert documents > 32_672, "else a text would have done"


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="Derby's compiler refuses to compare so many columns (42ZA0); the plan is held to be right on DuckDB",
)
def test_a_change_of_a_wide_model_is_found(
    db2_database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    project = wide(db2_database, tmp_path, receiver, 60, "VARCHAR(20)")
    project.ok()
    document = project.sync()
    if "42ZA0" not in str(document.error):
        pytest.fail(f"not what was expected: {document.error}", pytrace=False)
    assert document.status == "success"


def test_a_row_that_fits_no_page_is_refused_before_anything_is_sent(
    db2: Db2Server, tmp_path: Path, receiver: Receiver
) -> None:
    with db2.database(extended_rows=False) as database:
        project = wide(database, tmp_path, receiver, 11, "VARCHAR(3000)")
        document = project.sync()
        assert document.status == "failed"
        assert document.error is not None
        assert document.error.code == "source_row_width"
        assert "EXTENDED_ROW_SZ" in str(document.error.hint)
        assert project.held == {}
        project.sql = "SELECT id, a_column_of_the_model_1 FROM people"
        assert project.ok().counts.added == 2
