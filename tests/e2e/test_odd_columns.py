"""Models whose columns or values few think of: quotes in names, our own names, letters' case, the last of all days."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.project import DuckDBWarehouse, PostgresWarehouse, Project
from tests.servers.postgres import Database

from tailrace.errors import ModelError
from tailrace.testing.receiver import Receiver


@pytest.fixture
def on_duckdb(tmp_path: Path, receiver: Receiver) -> Project:
    """A project over DuckDB."""
    return Project(tmp_path, DuckDBWarehouse(tmp_path), receiver)


@pytest.fixture
def on_postgres(tmp_path: Path, receiver: Receiver, postgres_database: Database) -> Project:
    """A project over PostgreSQL."""
    return Project(tmp_path, PostgresWarehouse(postgres_database), receiver)


@pytest.fixture(params=["on_duckdb", "on_postgres"])
def shop(request: pytest.FixtureRequest) -> Project:
    """A project over each."""
    return request.getfixturevalue(request.param)


def test_r17_an_edit_compares_records_whose_columns_have_quotes_in_their_names(shop: Project) -> None:
    shop.people((1, 2, 3), columns='id bigint, "5""" bigint, "it\'s" bigint')
    shop.ok()
    shop.edit(fields={"inch": '$"5"""', "its": '{{ $"it\'s" | plus: 1 }}'})
    assert shop.plan().counts.updated == 1
    assert shop.ok().counts.updated == 1
    assert shop.held == {"1": {"inch": 2, "its": 4}}


@pytest.mark.parametrize("name", ["judged", "paired", "hashes", "repeated", "records", "model", "keyed"])
def test_a_models_table_may_have_any_name(shop: Project, name: str) -> None:
    shop.data(f"CREATE TABLE {name} AS SELECT 1 AS id, 2 AS a")
    shop.sql = f"WITH m AS (SELECT * FROM {name}) SELECT * FROM m"
    shop.ok()
    shop.data(f"UPDATE {name} SET a = 3")
    assert shop.ok().counts.updated == 1
    assert shop.held == {"1": {"id": 1, "a": 3}}


@pytest.mark.parametrize("name", ["_key", "_operation", "_seq", "_old_name", "_synced_n"])
def test_a_column_with_a_name_of_ours_is_refused_where_it_is_used(on_duckdb: Project, name: str) -> None:
    on_duckdb.people((1, 2), columns=f'id bigint, "{name}" bigint')
    with pytest.raises(ModelError, match=name) as refused:
        on_duckdb.sync()
    assert refused.value.code == "model_columns"
    on_duckdb.edit(fields={"id": "$id"})
    on_duckdb.ok()
    assert on_duckdb.held == {"1": {"id": 1}}


def test_columns_that_differ_in_case_are_never_taken_for_one(on_duckdb: Project) -> None:
    on_duckdb.sql = 'SELECT 1 AS id, 2 AS a, 3 AS "A"'
    with pytest.raises(ModelError, match="'a' and 'A' for one"):
        on_duckdb.sync()


def test_columns_that_differ_in_case_keep_their_values(on_postgres: Project) -> None:
    on_postgres.sql = 'SELECT 1 AS id, 2 AS a, 3 AS "A"'
    on_postgres.ok()
    assert on_postgres.held == {"1": {"id": 1, "a": 2, "A": 3}}


def test_r23_a_date_beyond_all_timestamps_is_refused_and_holds_nobody_up(on_postgres: Project) -> None:
    on_postgres.people((1, "5874897-12-31"), (2, "2026-01-02"), columns="id bigint, day date")
    for _ in range(2):
        counts = on_postgres.sync().counts
        assert (counts.rejected, counts.unknown, counts.aborted) == (1, 0, 0)
    assert on_postgres.held == {"2": {"id": 2, "day": "2026-01-02"}}


def test_times_beyond_pythons_are_shown_as_they_are(shop: Project) -> None:
    days = "id bigint, day date, ts timestamptz"
    shop.people((1, "infinity", "infinity"), (2, "2026-01-02", "10000-01-02 03:04:05+00"), columns=days)
    shop.settings = {"fields": {"id": "$id"}}
    with shop.opened() as workspace:
        shown = {row["id"]: (str(row["day"]), row["ts"]) for row in workspace.preview("people", 5).rows}
    assert shown[1][1] == "infinity"
    assert shown[2] == ("2026-01-02", "10000-01-02 03:04:05+00")
    assert len(shop.plan().changes) == 2
    shop.ok()

    shop.settings = {"fields": {"id": "$id", "ts": "$ts"}}
    plan = shop.plan()
    problems = {change.key: change.problem for change in plan.changes}
    assert (len(problems), plan.requests) == (2, 0), "what the mapping refuses is in no request"
    assert problems["1"] == "ts: infinity is outside of the years 1 to 9999"
    with shop.opened() as workspace:
        why = workspace.why("people", "1")
        assert (why.model[0]["ts"], why.payload) == ("infinity", None)
        assert why.problem == "field ts: infinity is outside of the years 1 to 9999"
        assert workspace.send("people", "1").outcome == "rejected"
