"""Faults of the stand-in happen where, when and as often as they are asked for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import grpc
import pytest
from tests.integration.servers.bigquery_clients import Client, Refused, reason
from tests.servers.bigquery import BigQueryServer, Dataset, Fault
from tests.servers.bigquery.server import StandInError


@pytest.fixture
def table(bigquery_dataset: Dataset) -> Dataset:
    bigquery_dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
    return bigquery_dataset


def count(dataset: Dataset) -> int:
    """How many rows the table has."""
    return dataset.sql("SELECT count(*) FROM t")[0][0]


@pytest.mark.parametrize(
    ("name", "code"),
    [("backendError", 503), ("rateLimitExceeded", 403), ("internalError", 500)],
)
def test_what_googles_client_retries_is_retried(
    table: Dataset, bigquery_client: Client, name: str, code: int
) -> None:
    fault = table.server.fail(Fault("jobs.insert", reason=name, count=1))
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(1,)]
    assert fault.met == 1
    statuses = [call["status"] for call in table.server.requests if call["call"] == "jobs.insert"]
    assert statuses[-1] == 200
    assert code in (403, 500, 503)


@pytest.mark.parametrize("name", ["quotaExceeded", "billingNotEnabled", "responseTooLarge"])
def test_what_it_does_not_retry_is_refused(table: Dataset, bigquery_client: Client, name: str) -> None:
    table.server.fail(Fault("jobs.insert", reason=name, message="no more today"))
    with pytest.raises(Refused, match="no more today") as refused:
        bigquery_client.job("SELECT a FROM shop.t")
    assert (refused.value.code, reason(refused.value)) == (403, name)


@pytest.mark.parametrize(("when", "left"), [("before", 1), ("after", 2)])
def test_a_job_fails_before_or_after_its_effect(
    table: Dataset, bigquery_client: Client, when: str, left: int
) -> None:
    table.server.fail(Fault("job", reason="jobBackendError", when=when, statement="^INSERT"))  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        bigquery_client.run("INSERT INTO shop.t VALUES (2)")
    assert reason(refused.value) == "jobBackendError"
    assert count(table) == left


def test_a_fault_is_narrowed_by_statement_label_and_account(table: Dataset, bigquery_client: Client) -> None:
    fault = table.server.fail(Fault("job", reason="quotaExceeded", label="step=plan", count=None))
    bigquery_client.run("SELECT a FROM shop.t", labels={"step": "commit"})
    with pytest.raises(Refused):
        bigquery_client.run("SELECT a FROM shop.t", labels={"step": "plan"})
    table.server.clear_faults()
    table.server.fail(Fault("job", reason="quotaExceeded", account="somebody@example.com"))
    bigquery_client.run("SELECT a FROM shop.t", labels={"step": "plan"})
    assert fault.met == 0


def test_a_fault_lets_some_pass_and_ends_after_its_count(table: Dataset, bigquery_client: Client) -> None:
    table.server.fail(Fault("job", reason="resourcesExceeded", skip=1, count=2))
    outcomes = []
    for _ in range(4):
        job = bigquery_client.job("SELECT a FROM shop.t")
        outcomes.append(job.exception() is None)
    assert outcomes == [True, False, False, True]


def test_a_call_is_cut_off_without_an_answer(table: Dataset, bigquery_client: Client) -> None:
    fault = table.server.fail(Fault("jobs.getQueryResults", drop=True, count=2))
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(1,)]
    assert fault.met == 2


def test_a_call_is_held_until_it_is_released(table: Dataset, bigquery_client: Client) -> None:
    fault = table.server.fail(Fault("job", hold=True, statement="INSERT"))
    job = bigquery_client.job("INSERT INTO shop.t VALUES (2)")
    while fault.met == 0:
        pass
    job.reload()
    assert (job.state, count(table)) == ("RUNNING", 1)
    fault.release()
    job.result()
    assert count(table) == 2


def test_the_token_endpoint_fails_too(bigquery_dataset: Dataset, bigquery_client: Client) -> None:
    fault = bigquery_dataset.server.fail(Fault("token", reason="backendError"))
    assert bigquery_client.rows("SELECT 1 AS one") == [(1,)]
    assert fault.met == 1


@pytest.mark.parametrize("rows", [0, 50_000])
def test_a_read_breaks_at_its_start_or_in_its_middle(bigquery_client: Client, rows: int) -> None:
    dataset = bigquery_client.dataset
    dataset.sql("CREATE TABLE t AS SELECT n FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS n")
    with bigquery_client.storage() as read:
        fault = dataset.server.fail(Fault("storage.ReadRows", reason="quotaExceeded", rows=rows))
        with pytest.raises(Refused) as refused:
            read("t")
        assert refused.value.grpc_status_code is grpc.StatusCode.RESOURCE_EXHAUSTED
        fault = dataset.server.fail(Fault("storage.ReadRows", drop=True, rows=rows))
        assert read("t").num_rows == 200_000  # Google's client goes on where it was
        assert fault.met == 1


def test_a_read_session_is_refused(table: Dataset, bigquery_client: Client) -> None:
    table.server.fail(Fault("storage.CreateReadSession", reason="quotaExceeded"))
    with bigquery_client.storage() as read:
        with pytest.raises(Refused):
            read("t")
        assert read("t").num_rows == 1


def test_a_test_hears_of_its_own_mistakes(bigquery: BigQueryServer, bigquery_dataset: Dataset) -> None:
    with pytest.raises(StandInError, match="notFound"):
        bigquery_dataset.sql("SELECT * FROM missing")
    with pytest.raises(StandInError, match="no role or permission"):
        bigquery_dataset.account.grant("tables.fly")


def test_the_storage_api_can_speak_tls(tmp_path: Path) -> None:
    server = BigQueryServer(tls=tmp_path)
    try:
        server.start()
        with server.dataset() as dataset, closing(Client(dataset)) as client:
            dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
            with client.storage() as read:
                assert read("t").to_pydict() == {"a": [1]}
    finally:
        server.stop()
