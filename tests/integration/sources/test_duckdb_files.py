"""DuckDB's files: only read, only open while needed, shared by threads, waited for when locked."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tailrace.clock import ManualClock
from tailrace.errors import Cancelled, ModelError, SourceError
from tailrace.sources.duckdb.files import Patience
from tailrace.sources.duckdb.source import DuckDBSource

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
connection.close()
print("released", flush=True)
sys.stdin.readline()
"""
TRY = """
import sys, duckdb
duckdb.connect(sys.argv[1]).close()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE customers AS SELECT range AS id FROM range(10)")
        connection.execute("CREATE SCHEMA sales")
        connection.execute("CREATE TABLE sales.orders AS SELECT 1 AS id")
    return tmp_path


@contextmanager
def held(file: Path) -> Iterator[tuple[int, Callable[[], None]]]:
    """Another process that has the file open for writing; gives its pid and what makes it let go."""
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"

        def release() -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "released\n"

        try:
            yield process.pid, release
        finally:
            process.kill()


def is_free(file: Path) -> bool:
    """Whether another process could write to the file now."""
    return subprocess.run([sys.executable, "-c", TRY, str(file)], capture_output=True).returncode == 0


def patient(clock: ManualClock, on_wait: Callable[[], None] = lambda: None) -> Patience:
    def sleep(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))
        on_wait()

    return Patience(30.0, clock, sleep)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def test_files_are_open_only_while_a_session_needs_them(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema))
        assert is_free(source.files.data)
        assert not is_free(source.files.state)
        with source.session(model=True) as reading:
            assert reading.rows("SELECT count(*) FROM customers") == [(10,)]
            assert not is_free(source.files.data)
        assert is_free(source.files.data)
    assert is_free(source.files.state)


@pytest.mark.parametrize("model", [False, True])
def test_a_locked_file_is_waited_for(shop: Path, clock: ManualClock, model: bool) -> None:
    waits: list[int] = []

    with held(shop / ("shop.duckdb" if model else "shop.tailrace.duckdb")) as (_, release):

        def on_wait() -> None:
            waits.append(1)
            if len(waits) == 3:
                release()

        source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop, patience=patient(clock, on_wait))
        with source.session(model=model) as session:
            assert session.rows("SELECT 1 AS one") == [(1,)]
    assert len(waits) == 3


@pytest.mark.parametrize("model", [False, True])
def test_a_file_that_stays_locked_names_its_holder(shop: Path, clock: ManualClock, model: bool) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop, patience=patient(clock))
    file = source.files.data if model else source.files.state
    with (
        held(file) as (pid, _),
        pytest.raises(SourceError) as caught,
        source.session(model=model),
    ):
        pass
    assert caught.value.code == "source_locked"
    assert f"process {pid}" in caught.value.message
    assert str(file) in caught.value.message
    assert clock.monotonic() == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize(("model", "times", "seconds"), [(True, 1, 0), (False, 1, 5), (False, 2, 0)])
def test_r29_who_wants_an_end_waits_for_no_model_and_for_the_state_only_briefly(
    shop: Path, clock: ManualClock, model: bool, times: int, seconds: float
) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop, patience=patient(clock))
    for _ in range(times):
        source.hurry()
    with held(source.files.state) as (pid, _):
        with (
            pytest.raises(Cancelled, match=f"in use by process {pid}") as ended,
            source.session(model=model),
        ):
            pass
        assert "goes on where it stopped" in ended.value.hint
        assert clock.monotonic() == pytest.approx(seconds, abs=0.1)
        with pytest.raises(Cancelled), source.session():
            pass
    assert clock.monotonic() == pytest.approx(5 if times == 1 else 0, abs=0.1), "for the state, in all"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("custmers", 'does not exist!\nDid you mean "customers"?'),
        ("nope", "Table with name nope does not exist!"),
    ],
)
def test_a_table_that_is_guessed_is_close_or_not_named(shop: Path, table: str, said: str) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    with pytest.raises(ModelError) as caught:
        source.describe(f"SELECT * FROM {table}")
    assert caught.value.message.endswith(said)


def test_a_lock_that_is_not_needed_does_not_matter(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    with held(source.files.data), source.session() as session:
        assert session.rows("SELECT 1 AS one") == [(1,)]


def test_two_sources_of_one_process_share_the_state(shop: Path) -> None:
    first, second = (DuckDBSource(name, {"path": "shop.duckdb"}, folder=shop) for name in "ab")
    with first.session() as one, second.session(model=True) as other:
        one.execute(first.dialect.create_schema(first.schema))
        one.execute(first.dialect.create_table(first.dialect.table(first.schema, "t"), [("a", "BIGINT")]))
        other.upload("t", pa.table({"a": [1]}))
        assert one.rows(f"SELECT a FROM {first.dialect.table(first.schema, 't')}") == [(1,)]


def test_two_sources_of_one_process_read_the_same_data(shop: Path) -> None:
    first = DuckDBSource("a", {"path": "shop.duckdb"}, folder=shop)
    second = DuckDBSource("b", {"path": "shop.duckdb", "state_path": "other.duckdb"}, folder=shop)
    with first.session(model=True) as one, second.session(model=True) as other:
        assert one.rows("SELECT count(*) FROM customers") == [(10,)]
        assert other.rows("SELECT count(*) FROM customers") == [(10,)]


def test_a_state_file_that_is_anothers_data_is_in_use(shop: Path, clock: ManualClock) -> None:
    reader = DuckDBSource("a", {"path": "shop.duckdb"}, folder=shop)
    settings = {"path": "other.duckdb", "state_path": "shop.duckdb"}
    writer = DuckDBSource("b", settings, folder=shop, patience=patient(clock))

    def both() -> None:
        with reader.session(model=True), writer.session():
            pass

    with pytest.raises(SourceError) as caught:
        both()
    assert caught.value.code == "source_locked"
    assert "this process" in caught.value.message


def test_the_users_file_is_never_made_or_written(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    with source.session(model=True) as session, pytest.raises(SourceError):
        session.execute("CREATE TABLE mine (a INTEGER)")
    missing = DuckDBSource("w", {"path": "missing.duckdb"}, folder=shop)
    with pytest.raises(SourceError) as caught:
        missing.describe("SELECT 1")
    assert caught.value.code == "source_missing"
    assert sorted(file.name for file in shop.iterdir()) == ["shop.duckdb"]


def test_looking_leaves_no_state_file_behind(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    assert source.preview("FROM customers", 3).num_rows == 3
    assert all(step.status == "passed" for step in source.check())
    assert sorted(file.name for file in shop.iterdir()) == ["shop.duckdb"]
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema))
    assert source.files.state.exists()
    with source.session() as session:
        session.rows("SELECT 1 AS one")
    assert source.files.state.exists()


def test_tables_may_be_qualified_in_every_way(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    for table in ("customers", "main.customers", "shop.main.customers", "sales.orders", "shop.sales.orders"):
        assert [column.name for column in source.describe(f"SELECT * FROM {table}")] == ["id"]
        with source.session(model=True) as session:
            assert session.read(f"SELECT * FROM {table}").read_all().num_rows > 0


def test_files_that_a_model_reads_are_relative_to_the_project(shop: Path) -> None:
    (shop / "extra.csv").write_text("a\n1\n2\n")
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    assert source.preview("SELECT * FROM 'extra.csv'", 5).to_pylist() == [{"a": 1}, {"a": 2}]


def test_a_file_with_a_reserved_name_works(tmp_path: Path) -> None:
    for stem in ("temp", "system", "main", "memory", "tailrace_state", 'quo"ted', "it's", "a.b"):
        with duckdb.connect(str(tmp_path / f"{stem}.duckdb")) as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        source = DuckDBSource("w", {"path": f"{stem}.duckdb"}, folder=tmp_path)
        assert source.preview("SELECT * FROM t", 1).num_rows == 1


def test_errors_of_files_are_plain(shop: Path) -> None:
    (shop / "junk.duckdb").write_text("not a database" * 500)
    steps = {step.name: step for step in DuckDBSource("w", {"path": "junk.duckdb"}, folder=shop).check()}
    assert steps["read"].status == "failed"
    assert "not a valid DuckDB database" in steps["read"].detail
    missing = {step.name: step for step in DuckDBSource("w", {"path": "no.duckdb"}, folder=shop).check()}
    assert missing["file"].status == "failed"
    assert "`path`" in missing["file"].remedy
    assert missing["read"].status == "skipped"
    assert missing["create table"].status == "passed"
    nowhere = DuckDBSource("w", {"path": "shop.duckdb", "state_path": "no/folder/s.duckdb"}, folder=shop)
    found = {step.name: step for step in nowhere.check()}
    assert found["state file"].status == "failed"
    assert "state_path" in found["state file"].remedy
    assert found["drop table"].status == "skipped"


def test_a_statement_that_runs_too_long_is_stopped(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop, statement_timeout=0.2)
    slow = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"
    with source.session() as session:
        for run in (session.rows, session.execute, session.read):
            with pytest.raises(SourceError) as caught:
                run(slow)
            assert caught.value.code == "source_timeout"
        assert session.rows("SELECT 1 AS one") == [(1,)]


def test_more_memory_than_allowed_is_a_clear_error(shop: Path) -> None:
    settings = {"path": "shop.duckdb", "memory_limit": "64MB", "threads": 1}
    source = DuckDBSource("w", settings, folder=shop)
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.rows("SELECT list(range::VARCHAR || repeat('x', 100)) AS v FROM range(5000000)")
    assert caught.value.code == "source_memory"
    assert "memory_limit" in caught.value.hint


def test_a_models_mistakes_are_the_models(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    for sql in ("SELECT nope FROM customers", "SELECT 1 +", "SELECT ?", "SELECT * FROM nowhere"):
        with pytest.raises(ModelError) as caught:
            source.describe(sql)
        assert caught.value.hint


def test_threads_open_and_close_side_by_side(shop: Path) -> None:
    source = DuckDBSource("w", {"path": "shop.duckdb"}, folder=shop)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                with source.session(model=True) as session:
                    assert session.read("SELECT * FROM customers").read_all().num_rows == 10
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert is_free(source.files.data)
