"""Connections to a dedicated SQL pool: which are kept, what is unsure about them, and what the driver must have."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import mssql_python
import pyarrow as pa
import pytest
from tests.e2e.waiting import until
from tests.integration.servers.azure_client import connect
from tests.servers.azure import Pool

from tailrace.errors import Cancelled, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.azure.session import AzureSession
from tailrace.sources.azure.source import AzureSource
from tailrace.sources.base import Column, Kind

TABLE = "__segment_reverse_etl.t"


@pytest.fixture
def source(azure_pool: Pool) -> AzureSource:
    azure_pool.sql(
        "CREATE SCHEMA __segment_reverse_etl",
        f"CREATE TABLE {TABLE} (a bigint, d decimal(38,19), s nvarchar(max), b varbinary(max))"
        " WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
    )
    return AzureSource("w", azure_pool.settings(), statement_timeout=2.0, pause=lambda _: None)


def number(session: AzureSession) -> Any:
    return session.rows("SELECT SESSION_ID() AS s")


def next_number(source: AzureSource) -> Any:
    with source.session() as session:
        return number(session)


def only_one_is_left(pool: Pool) -> None:
    """The server sees a moment later that a client has gone."""
    until(lambda: len(pool.sessions()) == 1)


def test_one_session_after_the_other_uses_one_connection(source: AzureSource, azure_pool: Pool) -> None:
    first = next_number(source)
    with source.session() as session:
        assert session.read("SELECT SESSION_ID() AS s").read_all()["s"].to_pylist() == [first[0][0]]
    with source.session() as one, source.session() as other:
        assert number(one) == first
        assert number(other) != first
    assert next_number(source) == next_number(source)
    only_one_is_left(azure_pool)


def test_a_connection_that_was_lost_meanwhile_is_replaced(source: AzureSource, azure_pool: Pool) -> None:
    first = next_number(source)
    azure_pool.server.faults.pause()
    azure_pool.server.faults.resume()
    assert next_number(source) != first


def _stage(session: AzureSession) -> None:
    session.execute("CREATE TABLE #s WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS SELECT 1 AS n")


def _fail(session: AzureSession) -> None:
    with pytest.raises(SourceError):
        session.execute("SELECT nothing FROM nowhere")


@pytest.mark.parametrize("use", [_stage, _fail, AzureSession.cancel])
def test_a_connection_to_which_something_happened_is_not_kept(
    source: AzureSource, azure_pool: Pool, use: Callable[[AzureSession], None]
) -> None:
    with source.session() as session:
        first = number(session)
        use(session)
    assert next_number(source) != first
    only_one_is_left(azure_pool)


def test_a_transaction_that_may_have_begun_is_not_gone_on_in(source: AzureSource, azure_pool: Pool) -> None:
    azure_pool.server.faults.hold("BEGIN TRANSACTION", at="after")
    with source.session() as session:
        with pytest.raises(SourceError, match="time"), session.transaction():
            pass
        session.execute(f"INSERT INTO {TABLE} (a) SELECT 1")
    assert azure_pool.sql(f"SELECT a FROM {TABLE}") == [(1,)]


def _committed(session: AzureSession) -> None:
    with session.transaction():
        session.execute(f"INSERT INTO {TABLE} (a) SELECT 1")


@pytest.mark.parametrize(("at", "kept"), [("before", 0), ("after", 1)])
def test_a_commit_that_ran_out_of_time_is_unsure(
    source: AzureSource, azure_pool: Pool, at: Any, kept: int
) -> None:
    azure_pool.server.faults.hold("COMMIT", at=at)
    with source.session() as session, pytest.raises(SourceUnavailable, match="nobody knows"):
        _committed(session)
    assert azure_pool.sql(f"SELECT COUNT(*) AS n FROM {TABLE}") == [(kept,)]


def test_a_commit_whose_session_was_killed_is_unsure(source: AzureSource, azure_pool: Pool) -> None:
    held = azure_pool.server.faults.hold("COMMIT")
    caught: list[TailraceError] = []

    def commit() -> None:
        with source.session() as session:
            try:
                _committed(session)
            except TailraceError as error:
                caught.append(error)

    thread = threading.Thread(target=commit)
    thread.start()
    held.reached()
    azure_pool.sql(f"KILL 'SID{azure_pool.sessions()[0]['id']}'")
    thread.join(60)
    assert [type(error) for error in caught] == [SourceUnavailable]
    assert azure_pool.sql(f"SELECT COUNT(*) AS n FROM {TABLE}") == [(0,)]


def test_a_lost_stream_leaves_the_transaction_beside_it_alone(source: AzureSource, azure_pool: Pool) -> None:
    with source.session() as session:
        session.upload("t", pa.table({"a": list(range(5000))}))
        azure_pool.server.faults.drop("SELECT a", at="rows", rows=2500)
        reader = session.read(f"SELECT a FROM {TABLE}")
        with session.transaction():
            session.execute(f"INSERT INTO {TABLE} (a) SELECT 7777")
            with pytest.raises(SourceUnavailable):
                reader.read_all()
            session.execute(f"INSERT INTO {TABLE} (a) SELECT 7777")
    assert azure_pool.sql(f"SELECT COUNT(*) AS n FROM {TABLE} WHERE a = 7777") == [(2,)]


def test_a_login_that_waits_for_a_pool_can_be_cancelled(azure_pool: Pool) -> None:
    azure_pool.server.faults.refuse_logins(42109)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        session.cancel()

    source = AzureSource("w", azure_pool.settings(), pause=pause)
    with source.session() as session, pytest.raises(Cancelled):
        session.rows("SELECT 1 AS one")
    assert len(waited) == 1


def test_what_is_uploaded_arrives_exactly(source: AzureSource, azure_pool: Pool) -> None:
    decimals = [
        Decimal("1.1234567890123456789"),
        Decimal("0E-19"),
        Decimal("1234567890123456789.1234567890123456789"),
    ]
    texts = ["a\0b'", "\0" + "x" * 5000, "😀"]
    sent = pa.table(
        {"d": pa.array(decimals, pa.decimal128(38, 19)), "s": texts, "b": [b"", b"\0", b"\xff\0"]}
    )
    with source.session() as session:
        session.upload("t", sent)
        rows = session.rows(f"SELECT CAST(d AS nvarchar(60)), s, b FROM {TABLE}")
    assert sorted((Decimal(d), s, bytes(b)) for d, s, b in rows) == sorted(
        zip(decimals, texts, [b"", b"\0", b"\xff\0"], strict=True)
    )


def test_bytes_differ_by_zeros_at_their_end(source: AzureSource, azure_pool: Pool) -> None:
    azure_pool.sql(
        f"INSERT INTO {TABLE} (a, b) SELECT 1, 0x01 UNION ALL SELECT 2, 0x0100 UNION ALL SELECT 3, NULL"
    )
    differs = source.dialect.differs("x.b", "y.b", Column("b", Kind.BYTES, "varbinary(max)"))
    pairs = azure_pool.sql(
        f"SELECT x.a, y.a FROM {TABLE} AS x CROSS JOIN {TABLE} AS y WHERE NOT ({differs}) ORDER BY x.a, y.a"
    )
    assert pairs == [(1, 1), (2, 2), (3, 3)]


def test_the_driver_still_has_what_tailrace_uses_beside_its_documented_calls(azure_pool: Pool) -> None:
    """Both are private to mssql-python (ADR 0016): a version without them needs another way, not a wider pin."""
    with connect(azure_pool) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS one, N'a' AS two")
        assert len(getattr(cursor, "_column_sql_types", ())) == 2, (
            "column types are gone: see `columns` of AzureSession"
        )
        public, private = hasattr(mssql_python.Cursor, "cancel"), hasattr(cursor.hstmt, "_cancel")
        assert public or private, (
            "there is no way left to cancel a statement: see `stop` in sources/azure/read.py"
        )
