"""Transactions of the stand-in for a dedicated SQL pool: dirty reads, refusals, locks, and what a lost client leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import mssql_python
import pytest
from tests.integration.servers.azure_client import connect, refused, run
from tests.servers.azure import Pool

Connection = mssql_python.Connection


@pytest.fixture
def pool(azure_pool: Pool) -> Pool:
    for name in ("t", "u"):
        azure_pool.sql(
            f"CREATE TABLE {name} (id int, v nvarchar(20)) WITH (DISTRIBUTION = HASH(id), HEAP)",
            f"INSERT INTO {name} VALUES (1, N'old')",
        )
    return azure_pool


@pytest.fixture
def first(pool: Pool) -> Iterator[Connection]:
    with connect(pool) as connection:
        yield connection


@pytest.fixture
def second(pool: Pool) -> Iterator[Connection]:
    with connect(pool) as connection:
        yield connection


VALUE = "SELECT v FROM t WHERE id = 1"


def test_others_see_what_is_not_committed(first: Connection, second: Connection) -> None:
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'dirty' WHERE id = 1")
    assert run(second, VALUE) == [("dirty",)]
    run(first, "ROLLBACK TRANSACTION")
    assert run(second, VALUE) == [("old",)]


def test_with_snapshots_they_do_not(pool: Pool, first: Connection, second: Connection) -> None:
    pool.snapshot_reads()
    name = "SELECT is_read_committed_snapshot_on FROM sys.databases WHERE name = DB_NAME()"
    assert run(first, name) == [(True,)]
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'new' WHERE id = 1", "INSERT INTO t VALUES (2, N'x')")
    assert run(second, VALUE) == [("old",)]
    assert run(second, "SELECT COUNT(*) FROM t") == [(1,)]
    assert run(first, VALUE) == [("new",)]
    run(first, "COMMIT TRANSACTION")
    assert run(second, VALUE) == [("new",)]


def test_the_drivers_own_transactions(first: Connection, second: Connection) -> None:
    first.autocommit = False
    run(first, "UPDATE t SET v = N'a'")
    first.rollback()
    assert run(second, VALUE) == [("old",)]
    run(first, "UPDATE t SET v = N'b'", "DELETE FROM u")
    first.commit()
    first.autocommit = True
    assert run(second, VALUE) == [("b",)]
    assert run(second, "SELECT COUNT(*) FROM u") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE n (a int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
        "CREATE TABLE #n WITH (DISTRIBUTION = ROUND_ROBIN) AS SELECT 1 AS a",
        "DROP TABLE t",
        "RENAME OBJECT t TO n",
        "ALTER TABLE t ADD n int NULL",
        "TRUNCATE TABLE t",
        "CREATE SCHEMA n",
    ],
)
def test_tables_are_not_defined_in_a_transaction(first: Connection, statement: str) -> None:
    run(first, "BEGIN TRANSACTION")
    refused(first, statement, "111212;Operation cannot be performed within a transaction")


def test_after_a_failed_statement_only_a_rollback_helps(first: Connection, second: Connection) -> None:
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'lost'")
    refused(first, "SELECT 1 / 0 AS x", "Divide by zero")
    assert run(second, VALUE) == [("old",)]
    for statement in ("SELECT 1 AS one", "UPDATE t SET v = N'x'", "COMMIT TRANSACTION"):
        refused(first, statement, "111233;")
    run(first, "ROLLBACK TRANSACTION")
    assert run(first, VALUE) == [("old",)]


def test_transactions_are_neither_nested_nor_ended_twice(first: Connection) -> None:
    refused(first, "COMMIT TRANSACTION", "111214;")
    refused(first, "ROLLBACK TRANSACTION", "111214;")
    run(first, "BEGIN TRANSACTION")
    refused(first, "BEGIN TRANSACTION", "Parallel transactions")


def test_writers_wait_for_each_other(first: Connection, second: Connection) -> None:
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'first'")
    thread = threading.Thread(target=lambda: run(second, "UPDATE t SET v = CONCAT(v, N' second')"))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    run(first, "COMMIT TRANSACTION")
    thread.join(60)
    assert run(first, VALUE) == [("first second",)]


def test_a_circle_of_waits_has_a_victim(first: Connection, second: Connection) -> None:
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'a'")
    run(second, "BEGIN TRANSACTION", "UPDATE u SET v = N'b'")
    thread = threading.Thread(target=lambda: run(first, "UPDATE u SET v = N'a'"))
    thread.start()
    thread.join(0.3)
    refused(second, "UPDATE t SET v = N'b'", "deadlock victim")
    thread.join(60)
    run(first, "COMMIT TRANSACTION")
    assert run(first, "SELECT v FROM u") == [("a",)]


def test_a_lock_timeout_ends_a_wait(first: Connection, second: Connection) -> None:
    run(first, "BEGIN TRANSACTION", "UPDATE t SET v = N'a'")
    run(second, "SET LOCK_TIMEOUT 50")
    refused(second, "DELETE FROM t", "Lock request time out")


def test_a_lost_client_leaves_nothing(pool: Pool, second: Connection) -> None:
    lost = connect(pool)
    run(lost, "BEGIN TRANSACTION", "UPDATE t SET v = N'lost'")
    pool.server.faults.drop("SELECT 'cut'")
    refused(lost, "SELECT 'cut' AS c", "link failure")
    run(second, "UPDATE t SET v = CONCAT(v, N' kept')")  # waits for the lost session's lock
    assert run(second, VALUE) == [("old kept",)]


def test_temporary_tables_belong_to_their_session(first: Connection, second: Connection) -> None:
    run(first, "CREATE TABLE #mine WITH (DISTRIBUTION = HASH(id)) AS SELECT id, v FROM t")
    assert run(first, "SELECT v FROM #mine") == [("old",)]
    refused(second, "SELECT v FROM #mine", "Invalid object name '#mine'")
    assert run(first, "SELECT COUNT(*) FROM tempdb.sys.columns") == [(2,)]
    run(first, "DROP TABLE #mine")
    refused(first, "SELECT v FROM #mine", "Invalid object name")
