"""What only PostgreSQL's sessions do: pinned settings, timeouts, errors by SQLSTATE, jobs."""

from __future__ import annotations

import threading
from typing import Any

import pyarrow as pa
import pytest
from tests.servers.postgres import SUPERUSER, Database

from tailrace.errors import ModelError, SourceError, SourceUnavailable
from tailrace.sources.base import Job
from tailrace.sources.postgres.source import PostgresSource


@pytest.fixture
def source(postgres_database: Database) -> PostgresSource:
    postgres_database.sql("CREATE SCHEMA __segment_reverse_etl")
    return PostgresSource("w", postgres_database.settings())


def test_a_users_or_databases_own_settings_change_no_text(postgres_database: Database) -> None:
    for setting in (
        "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'German, DMY'",
        "extra_float_digits = -3",
        "bytea_output = 'escape'",
        "IntervalStyle = 'sql_standard'",
        "default_transaction_isolation = 'serializable'",
        "idle_in_transaction_session_timeout = '1h'",
        "standard_conforming_strings = off",
    ):
        postgres_database.sql(f"ALTER DATABASE {postgres_database.name} SET {setting}")
    source = PostgresSource("w", postgres_database.settings())
    texts = (
        "SELECT '2026-07-01 00:00:00+02'::timestamptz::text AS a, '2026-02-01'::date::text AS b, "
        "0.1::float8::text AS c, '\\x00ff'::bytea::text AS d, current_setting('transaction_isolation') AS e, "
        "current_setting('idle_in_transaction_session_timeout') AS f"
    )
    wanted = ("2026-06-30 22:00:00+00", "2026-02-01", "0.1", "\\x00ff", "read committed", "1min")
    with source.session() as session:
        assert session.rows(texts) == [wanted]
        assert tuple(session.read(texts).read_all().to_pylist()[0].values()) == wanted


@pytest.mark.parametrize(("given", "used"), [("4MB", "128MB"), ("512MB", "512MB")])
def test_a_plan_takes_memory_to_sort_and_never_less_than_the_role_has(
    postgres_database: Database, given: str, used: str
) -> None:
    postgres_database.sql(f"ALTER DATABASE {postgres_database.name} SET work_mem = '{given}'")
    source = PostgresSource("w", postgres_database.settings())
    with source.session() as session:
        with session.transaction():
            for setting in source.dialect.plan_settings:
                session.execute(setting)
            assert session.rows("SHOW work_mem") == [(used,)]
        assert session.rows("SHOW work_mem") == [(given,)]


@pytest.mark.parametrize("how", ["rows", "read", "execute"])
def test_a_statement_that_runs_too_long_is_stopped(postgres_database: Database, how: str) -> None:
    source = PostgresSource("w", postgres_database.settings(), statement_timeout=0.2)
    with source.session() as session:
        with pytest.raises(SourceError) as caught:
            getattr(session, how)("SELECT pg_sleep(60)::text")
        assert caught.value.code == "source_timeout"
        assert "statement_timeout" in caught.value.hint
        assert session.rows("SELECT 1") == [(1,)]


def test_a_slow_reader_is_no_slow_statement(postgres_database: Database) -> None:
    source = PostgresSource("w", postgres_database.settings(), statement_timeout=0.3)
    waiting = threading.Event()
    with source.session() as session:
        reader = session.read("SELECT g, repeat('x', 500) FROM generate_series(1, 100000) AS g")
        rows = reader.read_next_batch().num_rows
        waiting.wait(0.6)
        rows += sum(batch.num_rows for batch in reader)
    assert rows == 100_000


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM no_such_table", "source_missing"),
        ("SELECT * FROM no_such_schema.t", "source_missing"),
        ("SET SESSION AUTHORIZATION nobody_at_all", "source_failed"),
        ("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$", "source_disk_full"),
        ("DO $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '40001'; END $$", "source_conflict"),
        ("DO $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '40P01'; END $$", "source_conflict"),
        ("DO $$ BEGIN RAISE EXCEPTION 'denied' USING ERRCODE = '42501'; END $$", "source_permission"),
        ("DO $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '53300'; END $$", "source_unavailable"),
    ],
)
def test_errors_are_told_apart(source: PostgresSource, statement: str, code: str) -> None:
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.execute(statement)
    assert caught.value.code == code


def test_a_lost_connection_is_unavailable(source: PostgresSource, postgres_database: Database) -> None:
    with source.session() as session:
        ((pid,),) = session.rows("SELECT pg_backend_pid()")
        postgres_database.sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(SourceUnavailable):
            session.rows("SELECT 1")
        with pytest.raises(SourceUnavailable):
            session.rows("SELECT 1")
    with source.session() as session:
        assert session.rows("SELECT 1") == [(1,)]


def test_a_stream_that_loses_its_connection_says_so(
    source: PostgresSource, postgres_database: Database
) -> None:
    with source.session() as session:
        reader = session.read("SELECT g, repeat('x', 1000) FROM generate_series(1, 200000) AS g")
        reader.read_next_batch()
        postgres_database.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT g%'"
        )
        with pytest.raises(SourceError):
            reader.read_all()


def test_a_stream_and_a_preview_cannot_write(source: PostgresSource, postgres_database: Database) -> None:
    postgres_database.sql(
        "CREATE TABLE t (a int)",
        "CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING a'",
    )
    with source.session() as session, pytest.raises(SourceError):
        session.read("SELECT sneak()").read_all()
    with pytest.raises(SourceError):
        source.preview("SELECT sneak() AS a", 1)
    with pytest.raises(ModelError):
        source.describe("WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d")
    assert postgres_database.sql("SELECT count(*) FROM t") == [(0,)]


def test_an_error_of_describe_is_the_models(source: PostgresSource) -> None:
    for sql in ("SELECT nope FROM pg_class", "SELECT 1 +", "SELECT lower(1, 2)", "SELECT $1"):
        with pytest.raises(ModelError) as caught:
            source.describe(sql)
        assert caught.value.hint


def test_another_backend_with_the_same_pid_is_left_alone(source: PostgresSource) -> None:
    done: list[Any] = []
    with source.session() as session:
        job = session.job
        assert job is not None
        thread = threading.Thread(target=lambda: done.extend(session.rows("SELECT pg_sleep(0.5)::text")))
        thread.start()
        source.cancel(Job(job.id, {"backend_start": "2001-01-01 00:00:00.000000"}))
        source.cancel(Job(job.id, {}))
        thread.join()
    assert done == [("",)]


@pytest.mark.parametrize(
    ("native", "values"),
    [
        ("numeric(38,10)", ["12345678901234567890.1234567891", "-0.0000000001", None]),
        ("bytea", [b"", b"\x00\xff", None]),
        ("json", ['{"a": 1.10}', "null", None]),
        ("jsonb", ['{"a": 1.10}', "[]", None]),
        ("uuid", ["6f9619ff-8b86-d011-b42d-00c04fc964ff", None]),
        ("double precision", [0.1, float("inf"), -1.5e300, None]),
        ("text", ["", "\\.", '"', "\\N", "a\tb\r\n", None]),
    ],
)
def test_an_upload_fits_the_columns_own_types(
    source: PostgresSource, postgres_database: Database, native: str, values: list[Any]
) -> None:
    postgres_database.sql(f"CREATE TABLE __segment_reverse_etl.t (n int, v {native})")
    with source.session() as session:
        session.upload("t", pa.table({"v": values, "n": list(range(len(values)))}))
    shown = "v::text" if native not in ("bytea", "double precision") else "v"
    back = postgres_database.sql(f"SELECT {shown} FROM __segment_reverse_etl.t ORDER BY n")
    assert [bytes(v) if isinstance(v, memoryview) else v for (v,) in back] == values


def test_a_session_costs_nothing_until_it_is_used(postgres_database: Database) -> None:
    source = PostgresSource("w", postgres_database.settings(port=1))
    with source.session():
        pass


def test_the_password_is_in_no_error(postgres_database: Database) -> None:
    source = PostgresSource("w", postgres_database.settings(password="hunter2"))
    for how in ("rows", "read"):
        with source.session() as session, pytest.raises(SourceError) as caught:
            getattr(session, how)("SELECT 1")
        assert "hunter2" not in str(caught.value.document())
        assert SUPERUSER in caught.value.message
        assert caught.value.code == "source_unauthorized"
