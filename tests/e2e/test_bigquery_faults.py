"""Whole syncs while BigQuery fails: killed in a commit, out of quota, streams that break, tokens that end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import SCHEMA, Project, command_environment, sending
from tests.servers.bigquery import Dataset, Fault

from tailrace.testing.receiver import Receiver

MANY = 40


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
        while not held.met:
            assert process.poll() is None
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


def test_reading_slowly_as_configured_needs_no_word(shop: Project) -> None:
    shop.source = {"read_api": "rest"}
    assert shop.ok().warnings == []


def test_tokens_that_end_in_mid_sync_are_renewed(shop: Project, bigquery_dataset: Dataset) -> None:
    server = bigquery_dataset.server
    document = shop.ok(watch=lambda event: server.expire_tokens() if sending(event) else None)
    assert document.counts.delivered == MANY


def test_a_plan_says_what_it_costs_and_leaves_nothing(shop: Project, bigquery_dataset: Dataset) -> None:
    document = shop.plan()
    assert document.counts.added == MANY
    assert document.cost["bytes_read"] > 0
    assert document.cost["bytes_billed"] == 10 * 1024 * 1024
    assert SCHEMA not in {
        name for (name,) in shop.data("SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA")
    }
    shop.ok()
    there = shop.tables()
    shop.data("UPDATE people SET name = 'new' WHERE id < 5")
    before = len(bigquery_dataset.jobs)
    assert shop.plan().counts.updated == 4
    assert shop.tables() == there
    run = {job["statement"].split()[0] for job in bigquery_dataset.jobs[before:] if not job["dry"]}
    assert run <= {"SELECT", "WITH", "CREATE", "DROP", "CALL"}  # a temporary table of the session


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


def test_a_table_that_changed_too_often_is_changed_a_little_later(
    shop: Project, bigquery_dataset: Dataset
) -> None:
    """Five times in ten seconds, whoever does it: https://cloud.google.com/bigquery/quotas#standard_tables."""
    shop.ok()
    bigquery_dataset.server.limit_table_updates()
    try:
        shop.sql = "SELECT id, name, 1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e, 6 AS f FROM people"
        assert shop.ok().counts.updated == MANY
    finally:
        bigquery_dataset.server.limit_table_updates(False)
    assert [job for job in bigquery_dataset.jobs if job["reason"] == "jobRateLimitExceeded"]
    assert {record["f"] for record in shop.held.values()} == {6}
