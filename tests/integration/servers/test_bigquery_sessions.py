"""Sessions, scripts and transactions of the stand-in, and who excludes whom."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.servers.bigquery_clients import Client, Refused, reason
from tests.integration.servers.conftest import NewClient
from tests.servers.bigquery import Dataset

ABORTED = "Transaction is aborted due to concurrent update against table {}:shop.t. Transaction ID: "


@pytest.fixture
def table(bigquery_dataset: Dataset) -> Dataset:
    bigquery_dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
    return bigquery_dataset


def test_temporary_tables_are_private_to_a_session(bigquery_client: Client) -> None:
    mine, yours = bigquery_client.session(), bigquery_client.session()
    bigquery_client.run("CREATE TEMP TABLE x AS SELECT 1 AS a", session=mine)
    bigquery_client.run("CREATE TEMP TABLE x AS SELECT 2 AS a", session=yours)
    assert bigquery_client.rows("SELECT a FROM x", session=mine) == [(1,)]
    assert bigquery_client.rows("SELECT a FROM _SESSION.x", session=yours) == [(2,)]
    with pytest.raises(Refused, match="must be qualified with a dataset"):
        bigquery_client.run("SELECT a FROM x")


def test_a_transaction_is_seen_when_it_is_committed(table: Dataset, bigquery_client: Client) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("INSERT INTO shop.t VALUES (2)", session=session)
    assert bigquery_client.rows("SELECT count(*) AS n FROM shop.t", session=session) == [(2,)]
    assert bigquery_client.rows("SELECT count(*) AS n FROM shop.t") == [(1,)]
    bigquery_client.run("COMMIT TRANSACTION", session=session)
    assert bigquery_client.rows("SELECT count(*) AS n FROM shop.t") == [(2,)]


def test_a_transaction_that_is_rolled_back_was_nothing(table: Dataset, bigquery_client: Client) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("DELETE FROM shop.t WHERE TRUE", session=session)
    bigquery_client.run("ROLLBACK TRANSACTION", session=session)
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(1,)]


def test_the_clock_goes_on_inside_a_transaction(bigquery_client: Client) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    first = bigquery_client.rows("SELECT CURRENT_TIMESTAMP() AS t", session=session)
    assert bigquery_client.rows("SELECT CURRENT_TIMESTAMP() AS t", session=session) > first


def test_two_transactions_do_not_change_one_table(table: Dataset, bigquery_client: Client) -> None:
    mine, yours = bigquery_client.session(), bigquery_client.session()
    for session in (mine, yours):
        bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("UPDATE shop.t SET a = 2 WHERE a = 1", session=mine)
    with pytest.raises(Refused) as refused:
        bigquery_client.run("UPDATE shop.t SET a = 3 WHERE a = 99", session=yours)
    assert reason(refused.value) == "invalidQuery"
    assert ABORTED.format(table.project) in str(refused.value)
    bigquery_client.run("COMMIT TRANSACTION", session=mine)
    with pytest.raises(Refused, match="no transaction is active"):
        bigquery_client.run("COMMIT TRANSACTION", session=yours)
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(2,)]


def test_what_was_changed_since_a_transaction_began_cannot_be_changed_in_it(
    table: Dataset, bigquery_client: Client
) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("UPDATE shop.t SET a = 2 WHERE a = 1")
    with pytest.raises(Refused, match="concurrent update"):
        bigquery_client.run("UPDATE shop.t SET a = 3 WHERE TRUE", session=session)


def test_appending_never_conflicts(table: Dataset, bigquery_client: Client) -> None:
    mine, yours = bigquery_client.session(), bigquery_client.session()
    for session in (mine, yours):
        bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("UPDATE shop.t SET a = 2 WHERE a = 1", session=mine)
    bigquery_client.run("INSERT INTO shop.t VALUES (5)", session=yours)
    bigquery_client.run("INSERT INTO shop.t VALUES (6)")
    for session in (mine, yours):
        bigquery_client.run("COMMIT TRANSACTION", session=session)
    assert bigquery_client.rows("SELECT a FROM shop.t ORDER BY a") == [(2,), (5,), (6,)]


def test_a_change_outside_waits_for_the_transaction(table: Dataset, bigquery_client: Client) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("UPDATE shop.t SET a = a + 1 WHERE TRUE", session=session)
    waiting = bigquery_client.job("UPDATE shop.t SET a = a * 10 WHERE TRUE")
    stuck = bigquery_client.job("UPDATE shop.t SET a = 0 WHERE TRUE")
    stuck.cancel()
    with pytest.raises(Refused, match="cancel"):
        stuck.result()
    waiting.reload()
    assert waiting.state == "RUNNING"
    bigquery_client.run("COMMIT TRANSACTION", session=session)
    waiting.result()
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(20,)]


def test_an_abandoned_transaction_blocks_until_its_session_is_ended(
    table: Dataset, bigquery_client: Client
) -> None:
    """https://cloud.google.com/bigquery/docs/troubleshoot-queries: for up to 24 hours."""
    left, session = bigquery_client.session(), bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=left)
    bigquery_client.run("UPDATE shop.t SET a = 2 WHERE TRUE", session=left)
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    with pytest.raises(Refused, match="concurrent update"):
        bigquery_client.run("UPDATE shop.t SET a = 3 WHERE TRUE", session=session)
    bigquery_client.run(f"CALL BQ.ABORT_SESSION('{left}')")
    with pytest.raises(Refused, match="Not found: Session"):
        bigquery_client.run("COMMIT TRANSACTION", session=left)
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("UPDATE shop.t SET a = 3 WHERE TRUE", session=session)
    bigquery_client.run("COMMIT TRANSACTION", session=session)
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(3,)]


def test_tables_are_not_made_in_a_transaction_but_temporary_ones(
    table: Dataset, bigquery_client: Client
) -> None:
    session = bigquery_client.session()
    bigquery_client.run("BEGIN TRANSACTION", session=session)
    bigquery_client.run("CREATE TEMP TABLE x AS SELECT 1 AS a", session=session)
    with pytest.raises(Refused, match="DDL statements are not supported in a transaction"):
        bigquery_client.run("CREATE TABLE shop.x (a INT64)", session=session)
    with pytest.raises(Refused, match="has failed"):
        bigquery_client.run("INSERT INTO shop.t VALUES (2)", session=session)
    bigquery_client.run("ROLLBACK TRANSACTION", session=session)


def test_a_session_is_its_accounts_and_its_locations(
    bigquery_dataset: Dataset, bigquery_client: Client, bigquery_clients: NewClient
) -> None:
    session = bigquery_client.session()
    other = bigquery_clients(bigquery_dataset.another_account().grant("jobs.create"))
    with pytest.raises(Refused, match="Not found: Session"):
        other.run("SELECT 1", session=session)
    with pytest.raises(Refused, match="is in location EU"):
        bigquery_clients(location="US").run("SELECT 1", session=session)


def test_one_statement_of_a_session_after_the_other(bigquery_client: Client) -> None:
    session = bigquery_client.session()
    bigquery_client.run("CREATE TEMP TABLE x (a INT64)", session=session)
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda n: bigquery_client.run(f"INSERT INTO x VALUES ({n})", session=session), range(20)
            )
        )
    assert bigquery_client.rows("SELECT count(*) AS n FROM x", session=session) == [(20,)]


def test_a_script_is_a_transaction_if_it_says_so(table: Dataset, bigquery_client: Client) -> None:
    script = """
        BEGIN TRANSACTION;
        UPDATE shop.t SET a = 2 WHERE a = {};
        IF @@row_count <> 1 THEN RAISE USING MESSAGE = 'lost the fence'; END IF;
        INSERT INTO shop.t VALUES (7);
        COMMIT TRANSACTION;
        SELECT a FROM shop.t ORDER BY a;
    """
    with pytest.raises(Refused, match="lost the fence"):
        bigquery_client.run(script.format(5))
    assert bigquery_client.rows("SELECT a FROM shop.t") == [(1,)]
    assert bigquery_client.rows(script.format(1)) == [(2,), (7,)]


def test_sessions_end_when_they_are_told_to(bigquery_client: Client) -> None:
    server = bigquery_client.dataset.server
    session = bigquery_client.session()
    assert session in server.sessions
    bigquery_client.run("CALL BQ.ABORT_SESSION()", session=session)
    assert session not in server.sessions


def test_a_running_statement_ends_with_its_session(bigquery_client: Client) -> None:
    session = bigquery_client.session()
    job = bigquery_client.job(
        "CREATE TEMP TABLE x AS SELECT SUM(a * b * c) AS s FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS a,"
        " UNNEST(GENERATE_ARRAY(1, 20000)) AS b, UNNEST(GENERATE_ARRAY(1, 20000)) AS c",
        session=session,
    )
    while job.state != "RUNNING":
        job.reload()
        time.sleep(0.01)
    bigquery_client.run(f"CALL BQ.ABORT_SESSION('{session}')")
    with pytest.raises(Refused):
        job.result()
