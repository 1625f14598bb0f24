"""Sessions of a dedicated SQL pool while it misbehaves: every error of the table, lost connections, tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.servers.azure import Pool

from tailrace.clock import ManualClock
from tailrace.errors import Cancelled, SourceError, SourceUnavailable
from tailrace.sources.azure.error_table import FAULTS
from tailrace.sources.azure.source import AzureSource

LOGINS = [
    916,
    4060,
    10928,
    10929,
    18456,
    40143,
    40197,
    40501,
    40613,
    40615,
    40847,
    40892,
    40914,
    42108,
    42109,
]
LOGINS += [49918, 49919, 49920, 615, 926, 4221, 40531, 40540, 47073, 110003]
STATEMENTS = [701, 1105, 1204, 1205, 1222, 10928, 40143, 40197, 40501, 49918, 110802]


class Waiting:
    """A clock, and pauses that move it instead of taking time."""

    def __init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))
        self.meanwhile()


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def source(pool: Pool, waiting: Waiting, /, timeout: float | None = None, **changes: Any) -> AzureSource:
    settings = pool.settings(**changes)
    return AzureSource("w", settings, statement_timeout=timeout, clock=waiting.clock, pause=waiting)


@pytest.mark.parametrize("number", LOGINS)
def test_every_error_of_a_login_has_its_code_and_advice(
    azure_pool: Pool, waiting: Waiting, number: int
) -> None:
    azure_pool.server.faults.refuse_logins(number)
    with source(azure_pool, waiting).session() as session, pytest.raises(SourceError) as caught:
        session.rows("SELECT 1 AS one")
    error, fault = caught.value, FAULTS[number]
    assert (error.code, error.hint) == (fault.code, fault.hint)
    assert isinstance(error, SourceUnavailable) == fault.unavailable
    assert bool(waiting.pauses) == fault.transient


@pytest.mark.parametrize("number", STATEMENTS)
def test_every_error_of_a_statement_has_its_code_and_advice(
    azure_pool: Pool, waiting: Waiting, number: int
) -> None:
    with source(azure_pool, waiting).session() as session:
        session.rows("SELECT 1 AS one")
        azure_pool.server.faults.fail(number, containing="SELECT 2")
        with pytest.raises(SourceError) as caught:
            session.rows("SELECT 2 AS two")
        assert (caught.value.code, caught.value.hint) == (FAULTS[number].code, FAULTS[number].hint)
        assert session.rows("SELECT 2 AS two") == [(2,)]


def test_a_pool_that_starts_is_waited_for_with_growing_pauses_and_says_so(
    azure_pool: Pool, waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    azure_pool.server.faults.refuse_logins(42109, times=6)
    with source(azure_pool, waiting).session() as session:
        assert session.rows("SELECT 1 AS one") == [(1,)]
    assert waiting.pauses == [5, 10, 20, 40, 60, 60]
    said = [record.getMessage() for record in caplog.records]
    assert [each.rpartition(": ")[2] for each in said] == [
        f"trying again in {seconds:g} s" for seconds in waiting.pauses
    ]
    assert all("warming up" in each for each in said)


def test_it_is_not_waited_for_ever(azure_pool: Pool, waiting: Waiting) -> None:
    azure_pool.server.faults.refuse_logins(40613)
    with source(azure_pool, waiting, retry_for=100).session() as session, pytest.raises(SourceUnavailable):
        session.rows("SELECT 1 AS one")
    assert waiting.pauses == [5, 10, 20, 40]


def test_a_name_that_may_be_wrong_is_tried_for_a_minute(azure_pool: Pool, waiting: Waiting) -> None:
    with (
        source(azure_pool, waiting, database="none_such").session() as session,
        pytest.raises(SourceError) as caught,
    ):
        session.rows("SELECT 1 AS one")
    assert caught.value.code == "source_missing"
    assert sum(waiting.pauses) <= 60


def test_a_pool_that_is_resumed_meanwhile_is_there_again(azure_pool: Pool, waiting: Waiting) -> None:
    faults = azure_pool.server.faults
    found = source(azure_pool, waiting)
    with found.session() as session:
        session.rows("SELECT 1 AS one")
        faults.pause()
        with pytest.raises(SourceError):
            session.rows("SELECT 1 AS one")
        with pytest.raises(SourceUnavailable) as caught:
            session.rows("SELECT 1 AS one")
        assert caught.value.code == "source_paused"
        assert waiting.pauses == []
        faults.resume()
        assert session.rows("SELECT 1 AS one") == [(1,)]


def managed(pool: Pool, name: str = "t") -> str:
    pool.sql(
        "CREATE SCHEMA __segment_reverse_etl",
        f"CREATE TABLE __segment_reverse_etl.{name} (a bigint) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
    )
    return f"__segment_reverse_etl.{name}"


def rows_of(pool: Pool, table: str) -> int:
    ((count,),) = pool.sql(f"SELECT COUNT(*) AS n FROM {table}")
    return int(count)


@pytest.mark.parametrize("at", ["before", "during", "after"])
def test_a_connection_lost_in_a_statement_is_said_and_the_next_one_connects_anew(
    azure_pool: Pool, waiting: Waiting, at: Any
) -> None:
    table = managed(azure_pool)
    with source(azure_pool, waiting).session() as session:
        session.execute(f"INSERT INTO {table} VALUES (1)")
        azure_pool.server.faults.drop("INSERT", at=at)
        with pytest.raises(SourceUnavailable) as caught:
            session.execute(f"INSERT INTO {table} VALUES (2)")
        assert caught.value.code == "source_unavailable"
        assert session.rows("SELECT 1 AS one") == [(1,)]
    assert rows_of(azure_pool, table) == (2 if at == "after" else 1)


def test_a_connection_lost_in_a_transaction_keeps_nothing_of_it(azure_pool: Pool, waiting: Waiting) -> None:
    table = managed(azure_pool)
    with source(azure_pool, waiting).session() as session:

        def lose() -> None:
            with session.transaction():
                session.execute(f"INSERT INTO {table} VALUES (1)")
                azure_pool.server.faults.drop("VALUES (2)")
                with pytest.raises(SourceUnavailable):
                    session.execute(f"INSERT INTO {table} VALUES (2)")
                session.execute(f"INSERT INTO {table} VALUES (3)")

        with pytest.raises(SourceUnavailable, match="inside a transaction"):
            lose()
        assert session.rows("SELECT 1 AS one") == [(1,)]
    assert rows_of(azure_pool, table) == 0


@pytest.mark.parametrize(("at", "kept"), [("before", 0), ("after", 1)])
def test_a_connection_lost_at_the_commit_is_said_and_the_warehouse_knows(
    azure_pool: Pool, waiting: Waiting, at: Any, kept: int
) -> None:
    table = managed(azure_pool)
    with source(azure_pool, waiting).session() as session:

        def lose() -> None:
            with session.transaction():
                session.execute(f"INSERT INTO {table} VALUES (1)")
                azure_pool.server.faults.drop("COMMIT", at=at)

        with pytest.raises(SourceUnavailable):
            lose()
        assert session.rows(f"SELECT COUNT(*) AS n FROM {table}") == [(kept,)]


def test_a_connection_lost_in_the_middle_of_a_stream_is_said(azure_pool: Pool, waiting: Waiting) -> None:
    table = managed(azure_pool)
    with source(azure_pool, waiting).session() as session:
        session.upload("t", pa.table({"a": list(range(3000))}))
        azure_pool.server.faults.drop("SELECT a", at="rows", rows=1500)
        with pytest.raises(SourceUnavailable) as caught:
            session.read(f"SELECT a FROM {table}").read_all()
        assert caught.value.code == "source_unavailable"
        assert session.read(f"SELECT a FROM {table}").read_all().num_rows == 3000


def test_a_statement_ends_at_its_timeout_and_the_session_goes_on(azure_pool: Pool, waiting: Waiting) -> None:
    with source(azure_pool, waiting, timeout=1.0).session() as session:
        azure_pool.server.faults.hold("SELECT 2")
        with pytest.raises(SourceError) as caught:
            session.rows("SELECT 2 AS two")
        assert caught.value.code == "source_timeout"
        assert session.rows("SELECT 1 AS one") == [(1,)]


def test_cancel_does_not_wait_and_the_session_goes_on(azure_pool: Pool, waiting: Waiting) -> None:
    with source(azure_pool, waiting).session() as session:
        session.rows("SELECT 1 AS one")
        held = azure_pool.server.faults.hold("SELECT 2")
        caught: list[BaseException] = []

        def run() -> None:
            try:
                session.rows("SELECT 2 AS two")
            except SourceError as error:
                caught.append(error)
            except Cancelled as error:
                caught.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        held.reached()
        session.cancel()
        thread.join(60)
        assert [type(error) for error in caught] == [Cancelled]
        assert session.rows("SELECT 1 AS one") == [(1,)]


def test_every_statement_that_can_have_one_carries_our_label(azure_pool: Pool, waiting: Waiting) -> None:
    table = managed(azure_pool)
    azure_pool.forget_statements()
    with source(azure_pool, waiting).session() as session:
        with session.transaction():
            session.upload("t", pa.table({"a": [1, 2, 3]}))
            session.execute(f"UPDATE {table} SET a = 2 WHERE a = 1")
            session.execute(f"DELETE FROM {table} WHERE a = 2")
        session.read(f"SELECT a FROM {table}").read_all()
    verbs = ("SELECT TOP", "INSERT", "UPDATE", "DELETE")
    ours = [each for each in azure_pool.statements if each.startswith(verbs)]
    assert len(ours) == 3
    assert all(each.endswith("OPTION (LABEL = N'tailrace')") for each in ours)


def principal(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, value in pool.environment().items():
        monkeypatch.setenv(name, value)
    return {"username": None, "password": None}


def test_deletes_are_looked_at_twice_where_reads_are_dirty(azure_pool: Pool, waiting: Waiting) -> None:
    found = source(azure_pool, waiting)
    with found.session() as session:
        assert found.reads_dirty(session)
        azure_pool.snapshot_reads()
        assert not found.reads_dirty(session)
