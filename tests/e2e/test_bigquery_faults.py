"""Whole syncs while BigQuery fails: killed in a commit, out of quota, streams that break, tokens that end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import SCHEMA, Project, command_environment, sending
from tests.e2e.waiting import until
from tests.servers.bigquery import Dataset, Fault

from tailrace.sources.bigquery.permissions import MODELS, PERMISSIONS, PROJECT
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.testing.receiver import Receiver

MANY = 40
MEGABYTE = 1024 * 1024


@pytest.fixture
def shop(bigquery_dataset: Dataset, tmp_path: Path, receiver: Receiver) -> Project:
    made = Project(tmp_path, BigQueryWarehouse(bigquery_dataset), receiver)
    made.many(MANY)
    return made


def names(project: Project) -> set[str]:
    return {record["name"] for record in project.held.values()}


@pytest.mark.parametrize("statement", ["INSERT INTO .*records_", "INSERT INTO .*sync_log"])
def test_killed_inside_a_commit_the_next_run_goes_on_at_once(
    shop: Project, bigquery_dataset: Dataset, statement: str
) -> None:
    """The open transaction of the dead process would shut out the next one for a day, were it not ended."""
    held = bigquery_dataset.server.fail(Fault("job", hold=True, statement=statement))
    shop.write()
    with subprocess.Popen(
        [sys.executable, "-m", "tailrace.cli", "sync", "--json"],
        cwd=shop.folder,
        env=command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: held.met, lambda: process.poll() is None)
        process.send_signal(signal.SIGKILL)
    held.release()  # the statement ends without its client, and leaves the transaction open
    before = shop.receiver.stats()["arrived"]
    documents = shop.syncs()
    assert [document.status for document in documents] == ["success"] * len(documents)
    assert documents[0].resumed
    assert documents[0].counts.delivered == MANY
    assert shop.receiver.stats()["arrived"] == before == MANY
    assert len(shop.records()) == len(shop.held) == MANY


def test_out_of_quota_nothing_is_sent_and_the_next_run_sends_all(
    shop: Project, bigquery_dataset: Dataset
) -> None:
    bigquery_dataset.server.fail(
        Fault("job", reason="quotaExceeded", statement=r"CREATE TABLE \S+changes_", count=None)
    )
    document = shop.sync()
    assert (document.status, document.error.code if document.error else None) == ("failed", "source_quota")
    assert shop.held == {}
    bigquery_dataset.server.clear_faults()
    assert shop.ok().counts.delivered == MANY


def test_a_stream_that_cannot_be_read_is_read_by_the_next_run(
    shop: Project, bigquery_dataset: Dataset
) -> None:
    bigquery_dataset.server.fail(Fault("storage.ReadRows", reason="backendError", count=None))
    first = shop.syncs()[-1]
    assert first.status in ("failed", "interrupted")
    assert first.error is not None
    assert first.error.code == "source_unavailable"
    bigquery_dataset.server.clear_faults()
    last = shop.syncs()[0]
    assert (last.status, last.counts.delivered) == ("success", MANY)
    assert len(shop.held) == len(shop.records()) == MANY


def test_reading_slowly_for_lack_of_a_permission_is_said(shop: Project, bigquery_dataset: Dataset) -> None:
    bigquery_dataset.account.deny("readsessions.create")
    document = shop.ok()
    assert document.counts.delivered == MANY
    assert any("bigquery.readsessions.create" in warning for warning in document.warnings)


def test_whole_syncs_need_no_more_than_the_least_and_ask_for_nothing_else(
    shop: Project, bigquery_dataset: Dataset
) -> None:
    """With `datasets.*` on the managed dataset alone, which an administrator made (grants, way `dataset`)."""
    managed = [each.name for each in PERMISSIONS if each.on != PROJECT]
    project = [each.name for each in PERMISSIONS if each.on == PROJECT and "datasets" not in each.name]
    readable = [each.name for each in PERMISSIONS if each.on == MODELS]
    bigquery_dataset.sql(f"CREATE SCHEMA `{SCHEMA}` OPTIONS (location = 'EU')")
    account = bigquery_dataset.another_account().grant(*project)
    account.grant(*managed, dataset=SCHEMA).grant(*readable, dataset=bigquery_dataset.name)
    shop.source = {"credentials": json.dumps(account.key)}
    assert shop.ok().counts.added == MANY
    shop.data("UPDATE people SET name = 'new' WHERE id < 5", "DELETE FROM people WHERE id = 7")
    counts = shop.ok().counts
    assert (counts.updated, counts.deleted) == (4, 1)
    assert shop.plan().counts.unchanged == MANY - 1
    asked = [each for each in bigquery_dataset.server.requests if each["account"] == account.email]
    assert {"datasets.list", "projects.list", "jobs.list"}.isdisjoint(each["call"] for each in asked)
    refused = {each["line"].rpartition("/")[2] for each in asked if each["status"] == 403}
    assert refused <= {SCHEMA.upper()}, "nothing but a look whether the dataset stands there in upper case"


def test_reading_slowly_as_configured_needs_no_word(shop: Project) -> None:
    shop.source = {"read_api": "rest"}
    assert shop.ok().warnings == []


def test_tokens_that_end_in_mid_sync_are_renewed(shop: Project, bigquery_dataset: Dataset) -> None:
    server = bigquery_dataset.server
    document = shop.ok(watch=lambda event: server.expire_tokens() if sending(event) else None)
    assert document.counts.delivered == MANY


def _query(statement: str) -> str:
    return statement.partition(" AS\n")[2]


def test_a_plan_says_what_it_costs_and_leaves_nothing(
    shop: Project, bigquery_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    cost = BigQuerySource.cost

    def asking(source: BigQuerySource, statement: str) -> dict[str, Any]:
        asked.append(statement)
        return cost(source, statement)

    monkeypatch.setattr(BigQuerySource, "cost", asking)
    document = shop.plan()
    assert document.counts.added == MANY
    assert document.cost == {"bytes_read": (8 + 5) * MANY, "bytes_billed": 10 * MEGABYTE}
    assert SCHEMA not in {
        name for (name,) in shop.data("SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA")
    }
    shop.ok()
    there = shop.tables()
    shop.data("UPDATE people SET name = 'new' WHERE id < 5")
    before = len(bigquery_dataset.jobs)
    document = shop.plan()
    assert document.counts.updated == 4
    assert shop.tables() == there
    run = {job["statement"].split()[0] for job in bigquery_dataset.jobs[before:] if not job["dry"]}
    assert run <= {"SELECT", "WITH", "CREATE", "DROP", "CALL"}  # a temporary table of the session
    before = len(bigquery_dataset.jobs)
    shop.ok()
    (made,) = (job for job in bigquery_dataset.jobs[before:] if "judged_" in job["statement"].split(" AS")[0])
    assert document.cost == {"bytes_read": made["processed"], "bytes_billed": made["billed"]}
    # it compares digests, where the plan that is shown reads values
    assert [_query(statement) for statement in asked[1:]] == [_query(made["statement"])]


def test_several_changes_come_together(shop: Project) -> None:
    shop.ok()
    shop.data(
        "UPDATE people SET name = 'new' WHERE id <= 10",
        "DELETE FROM people WHERE id > 35",
        "INSERT INTO people VALUES (100, 'added')",
    )
    document = shop.ok()
    assert (document.counts.added, document.counts.updated, document.counts.deleted) == (1, 10, 5)
    assert names(shop) == {"old", "new", "added"}
    assert shop.ok().counts.planned == 0


@pytest.fixture
def limited(bigquery_dataset: Dataset) -> Iterator[None]:
    """Five times in ten seconds, whoever does it: https://cloud.google.com/bigquery/quotas#standard_tables."""
    bigquery_dataset.server.limit_table_updates()
    yield
    bigquery_dataset.server.limit_table_updates(False)


SIX = ("a", "b", "c", "d", "e", "f")


def with_six(expression: str) -> str:
    return f"SELECT id, name, {', '.join(f'{expression} AS {name}' for name in SIX)} FROM people"


def refused(dataset: Dataset) -> list[str]:
    return [job["statement"] for job in dataset.jobs if job["reason"] == "jobRateLimitExceeded"]


def alterations(dataset: Dataset) -> list[str]:
    return [job["statement"] for job in dataset.jobs if "COLUMN" in job["statement"]]


def test_a_table_that_changed_too_often_is_changed_a_little_later(
    shop: Project, bigquery_dataset: Dataset, limited: None
) -> None:
    shop.sql = with_six("1")
    shop.ok()
    shop.sql = with_six("NUMERIC '1'")
    assert shop.ok().counts.unchanged == MANY
    assert refused(bigquery_dataset)


def test_new_columns_are_one_change_of_the_table(
    shop: Project, bigquery_dataset: Dataset, limited: None
) -> None:
    shop.ok()
    shop.sql = with_six("7")
    assert shop.ok().counts.updated == MANY
    assert {record["f"] for record in shop.held.values()} == {7}
    assert len(alterations(bigquery_dataset)) == 1
    assert refused(bigquery_dataset) == []


def test_columns_that_a_failed_sync_added_do_not_stand_in_the_way_of_the_next(
    shop: Project, bigquery_dataset: Dataset
) -> None:
    """BigQuery takes no name again for days whose column was dropped."""
    shop.ok()
    bigquery_dataset.server.fail(Fault("job", reason="quotaExceeded", statement=r"CREATE .*judged_"))
    shop.sql = "SELECT id, name, 7 AS same, 7 AS other FROM people"
    assert shop.sync().status == "failed"
    assert alterations(bigquery_dataset)
    shop.sql = "SELECT id, name, 7 AS same, 'seven' AS other FROM people"
    assert shop.ok().counts.updated == MANY
    assert shop.ok().counts.planned == 0
    assert {(record["same"], record["other"]) for record in shop.held.values()} == {(7, "seven")}


def test_values_are_kept_again_after_a_time_with_checksums_alone(shop: Project) -> None:
    shop.ok()
    for remember in ("checksum", "values"):
        shop.source = {"remember": remember}
        assert shop.ok().counts.planned == 0
    shop.data("UPDATE people SET name = 'new' WHERE id < 5", "DELETE FROM people WHERE id = 9")
    document = shop.ok()
    assert (document.counts.updated, document.counts.deleted) == (4, 1)
    assert shop.receiver.history("9")[-1].record == {"id": 9, "name": "old"}
