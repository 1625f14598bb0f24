"""BigQuery failing in every way that can be provoked: nothing runs twice, nothing is lost, each error has its advice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.e2e.waiting import until
from tests.servers.bigquery import BigQueryServer, Dataset, Fault

from tailrace.errors import Cancelled, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.bigquery import storage
from tailrace.sources.bigquery.jobs import ATTEMPTS, Jobs
from tailrace.sources.bigquery.source import BigQuerySource

ROWS = 120_000


@pytest.fixture(scope="module")
def dataset(bigquery: BigQueryServer) -> Iterator[Dataset]:
    with bigquery.dataset() as made:
        yield made


@pytest.fixture
def source(dataset: Dataset) -> Iterator[BigQuerySource]:
    found = BigQuerySource("shop", dataset.settings(), environ=dataset.server.environment())
    with found.session() as session:
        session.execute(found.dialect.create_schema(found.schema))
        session.execute(f"CREATE OR REPLACE TABLE {found.dialect.table(found.schema, 't')} (a INT64)")
    yield found
    dataset.server.clear_faults()


def table(source: BigQuerySource) -> str:
    return source.dialect.table(source.schema, "t")


def count(source: BigQuerySource) -> int:
    with source.session() as session:
        return int(session.rows(f"SELECT count(*) FROM {table(source)}")[0][0])


@pytest.mark.parametrize(
    "fault",
    [
        Fault("jobs.insert", drop=True, when="after", statement="INSERT"),
        Fault("jobs.insert", drop=True, statement="INSERT"),
        Fault("jobs.insert", reason="backendError", statement="INSERT"),
        Fault("jobs.insert", reason="rateLimitExceeded", statement="INSERT"),
        Fault("jobs.getQueryResults", drop=True),
        Fault("jobs.getQueryResults", reason="backendError"),
        Fault("job", reason="jobBackendError", statement="INSERT"),
        Fault("job", reason="jobRateLimitExceeded", statement="INSERT"),
    ],
    ids=lambda fault: f"{fault.call}-{fault.reason or 'lost'}-{fault.when}",
)
def test_a_statement_is_run_once_whatever_is_lost(
    dataset: Dataset, source: BigQuerySource, fault: Fault
) -> None:
    with source.session() as session:
        struck = dataset.server.fail(fault)
        assert session.execute(f"INSERT INTO {table(source)} VALUES (1)") == 1
        assert struck.met == 1
    assert count(source) == 1


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("accessDenied", "source_permission"),
        ("notFound", "source_missing"),
        ("invalidQuery", "source_failed"),
        ("invalid", "source_failed"),
        ("duplicate", "source_exists"),
        ("quotaExceeded", "source_quota"),
        ("bytesBilledLimitExceeded", "source_cost"),
        ("responseTooLarge", "source_too_large"),
        ("resourcesExceeded", "source_memory"),
        ("billingNotEnabled", "source_billing"),
        ("accountDisabled", "source_billing"),
        ("blocked", "source_billing"),
        ("stopped", "source_cancelled"),
        ("timeout", "source_timeout"),
    ],
)
def test_what_does_not_pass_is_said_at_once_with_advice(
    dataset: Dataset, source: BigQuerySource, reason: str, code: str
) -> None:
    with source.session() as session:
        struck = dataset.server.fail(Fault("job", reason=reason, statement="INSERT", count=None))
        with pytest.raises(TailraceError) as caught:
            session.execute(f"INSERT INTO {table(source)} VALUES (1)")
        assert (caught.value.code, struck.met) == (code, 1)
        assert caught.value.hint
    dataset.server.clear_faults()
    assert count(source) == 0


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("jobRateLimitExceeded", "source_busy"),
        ("jobBackendError", "source_unavailable"),
        ("jobInternalError", "source_unavailable"),
        ("tableUnavailable", "source_unavailable"),
    ],
)
def test_what_does_not_pass_after_several_attempts_is_said_with_advice(
    dataset: Dataset, source: BigQuerySource, reason: str, code: str
) -> None:
    """Each of them under an id of its own, with a pause before it that grows."""
    waited: list[float] = []
    growing = [2.0**number for number in range(ATTEMPTS - 1)]
    with source.connected() as client:
        jobs = Jobs(client, "shop", pause=waited.append)
        struck = dataset.server.fail(Fault("job", reason=reason, statement="INSERT", count=None))
        with pytest.raises(SourceUnavailable) as caught:
            jobs.run(f"INSERT INTO {table(source)} VALUES (1)", jobs.config())
    assert (caught.value.code, struck.met, waited) == (code, ATTEMPTS, growing)
    assert caught.value.hint
    dataset.server.clear_faults()
    assert count(source) == 0


def test_a_token_that_is_always_refused_is_said_to_be(dataset: Dataset, source: BigQuerySource) -> None:
    with source.session() as session:
        dataset.server.fail(Fault("jobs.insert", reason="authError", code=401, count=None))
        with pytest.raises(SourceError) as caught:
            session.execute(f"INSERT INTO {table(source)} VALUES (1)")
    assert caught.value.code == "source_unauthorized"
    assert "clock" in caught.value.hint


def test_a_removed_table_of_ours_is_not_said_to_be_misspelt(source: BigQuerySource) -> None:
    own = source.dialect.table(source.schema, "records_people_601c14c3")
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.rows(f"SELECT count(*) FROM {own}")
    assert caught.value.code == "source_missing"
    assert "tailrace reset" in caught.value.hint


def test_a_lost_answer_to_a_commit_is_found_again(dataset: Dataset, source: BigQuerySource) -> None:
    with source.session() as session:
        dataset.server.fail(Fault("jobs.insert", drop=True, when="after", statement="COMMIT"))
        with session.transaction():
            session.execute(f"INSERT INTO {table(source)} VALUES (1), (2)")
    assert count(source) == 2


def test_a_failed_commit_keeps_nothing_and_leaves_nobody_waiting(
    dataset: Dataset, source: BigQuerySource
) -> None:
    with source.session() as session:

        def fail() -> None:
            with session.transaction():
                session.execute(f"INSERT INTO {table(source)} VALUES (1)")
                session.execute(f"UPDATE {table(source)} SET a = 2 WHERE a = 1")

        dataset.server.fail(Fault("job", reason="backendError", statement="COMMIT"))
        with pytest.raises(SourceError):
            fail()
    assert count(source) == 0
    with source.session() as session, session.transaction():
        session.execute(f"UPDATE {table(source)} SET a = 3 WHERE TRUE")


def test_a_dead_owners_transaction_is_undone_by_whoever_knows_its_job(
    dataset: Dataset, source: BigQuerySource
) -> None:
    """Nobody says ROLLBACK for a process that was killed; its session would shut out others for a day."""
    environ = dataset.server.environment()
    environ["TAILRACE_BIGQUERY_ENDPOINT"] += "/"
    dead = BigQuerySource("shop", dataset.settings(), environ=environ)
    dead._pool = type(dead._pool)()  # pyright: ignore[reportPrivateUsage]  # as another process has its own
    with dead.session() as session:
        job = session.lasting
        transaction = session.transaction()
        transaction.__enter__()
        session.execute(f"INSERT INTO {table(source)} VALUES (1)")
        session.execute(f"UPDATE {table(source)} SET a = 2 WHERE a = 1")
        with source.session() as other, pytest.raises(SourceError) as caught, other.transaction():
            other.execute(f"UPDATE {table(source)} SET a = 3 WHERE TRUE")
        assert caught.value.code == "source_conflict"
        source.cancel(job)
        with source.session() as other, other.transaction():
            other.execute(f"UPDATE {table(source)} SET a = 3 WHERE TRUE")
        with pytest.raises(SourceError):
            session.execute(f"INSERT INTO {table(source)} VALUES (4)")
    assert count(source) == 0


def _numbers(source: BigQuerySource) -> str:
    return f"SELECT n, CONCAT('text ', CAST(n AS STRING)) AS t FROM UNNEST(GENERATE_ARRAY(1, {ROWS})) AS n ORDER BY n"


@pytest.mark.parametrize("reason", ["backendError", "internalError", "authError"])
def test_a_stream_that_breaks_goes_on_where_it_was(
    dataset: Dataset, source: BigQuerySource, reason: str
) -> None:
    struck = dataset.server.fail(Fault("storage.ReadRows", reason=reason, rows=30_000, count=2))
    with source.session() as session:
        found = session.read(_numbers(source)).read_all()
    assert struck.met == 2
    assert found.column("n").to_pylist() == list(range(1, ROWS + 1))


@pytest.mark.parametrize("rows", [0, 30_000])
def test_a_stream_that_falls_silent_is_opened_anew_where_it_was(
    dataset: Dataset, source: BigQuerySource, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(storage, "SILENCE_SECONDS", 1.0)
    silent = dataset.server.fail(Fault("storage.ReadRows", hold=True, rows=rows))
    try:
        with source.session() as session:
            found = session.read(_numbers(source)).read_all()
        assert silent.met == 1
    finally:
        silent.release()
    assert found.column("n").to_pylist() == list(range(1, ROWS + 1))


def test_a_stream_that_is_silent_from_the_first_can_be_cancelled(
    dataset: Dataset, source: BigQuerySource
) -> None:
    silent = dataset.server.fail(Fault("storage.ReadRows", hold=True))
    try:
        with source.session() as session, ThreadPoolExecutor(1) as pool:
            reading = pool.submit(lambda: session.read(_numbers(source)).read_all())
            until(lambda: silent.met, lambda: not reading.done())
            session.cancel()
            with pytest.raises(Cancelled):
                reading.result()
    finally:
        silent.release()


def test_a_stream_that_keeps_breaking_is_an_error(dataset: Dataset, source: BigQuerySource) -> None:
    dataset.server.fail(Fault("storage.ReadRows", reason="backendError", count=None))
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.read(_numbers(source)).read_all()
    assert caught.value.code == "source_unavailable"


def test_without_the_permission_records_are_read_slowly_and_are_the_same(
    dataset: Dataset, source: BigQuerySource
) -> None:
    dataset.account.deny("readsessions.create")
    try:
        with source.session() as session:
            found = session.read(_numbers(source)).read_all()
            slow = source.reads_fast
            names = {name for name, _ in session.rows(source.dialect.list_tables(source.schema))}
    finally:
        dataset.account.allow("readsessions.create")
    assert found.num_rows == ROWS
    assert not slow
    assert names == {"t"}


def test_tokens_that_expire_are_renewed(dataset: Dataset, source: BigQuerySource) -> None:
    with source.session() as session:
        session.execute(f"INSERT INTO {table(source)} VALUES (1)")
        dataset.server.expire_tokens()
        session.execute(f"INSERT INTO {table(source)} VALUES (2)")
        reader = session.read(_numbers(source))
        rows = reader.read_next_batch().num_rows
        dataset.server.expire_tokens()
        rows += sum(batch.num_rows for batch in reader)
    assert (count(source), rows) == (2, ROWS)


def test_a_cancelled_stream_is_cancelled(source: BigQuerySource) -> None:
    with source.session() as session:
        reader = session.read(_numbers(source))
        reader.read_next_batch()
        session.cancel()
        with pytest.raises(Cancelled):
            reader.read_all()


def test_the_cap_on_billed_bytes_stands_on_every_job(dataset: Dataset) -> None:
    capped = BigQuerySource(
        "shop", dataset.settings(max_bytes_billed="20MB"), environ=dataset.server.environment()
    )
    with capped.session() as session:
        session.rows("SELECT 1 AS one")
    job = dataset.jobs[-1]
    assert job["configuration"]["query"]["maximumBytesBilled"] == "20000000"
    assert job["labels"] == {"application": "tailrace", "tailrace_source": "shop"}
    assert job["location"] == dataset.location
    assert job["id"].startswith("tailrace_")


def test_nobody_is_asked_but_the_configured_addresses(
    dataset: Dataset, source: BigQuerySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[Any, Any]] = set()
    guard = threading.Lock()
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def resolving(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        with guard:
            asked.add((host, int(port)))
        return resolve(host, port, *rest, **more)

    def connecting(self: socket.socket, address: Any) -> None:
        with guard:
            asked.add((address[0], int(address[1])))
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    assert [step for step in source.check() if step.status != "passed"] == []
    with source.session() as session:
        session.read(_numbers(source)).read_all()
    assert asked == {(dataset.server.host, dataset.server.rest)}
