"""BigQuery silent for longer than requests are tried again, and for days: nothing runs twice, waits for ever, or is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from tests.servers.bigquery import BigQueryServer, Dataset, Fault

from tailrace.errors import SourceUnavailable
from tailrace.sources.bigquery import client as bigquery_client
from tailrace.sources.bigquery import session as bigquery_session
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.sources.bigquery.upload import INSERTED_ROWS


@pytest.fixture(scope="module")
def dataset(bigquery: BigQueryServer) -> Iterator[Dataset]:
    with bigquery.dataset() as made:
        yield made


@pytest.fixture
def source(dataset: Dataset) -> Iterator[BigQuerySource]:
    found = BigQuerySource("shop", dataset.settings(), environ=dataset.server.environment())
    with found.session() as session:
        session.execute(found.dialect.create_schema(found.schema))
        session.execute(f"CREATE OR REPLACE TABLE {table(found)} (a INT64)")
    dataset.server.slow(running=0.3)
    yield found
    dataset.server.clear_faults()
    dataset.server.slow()


def table(source: BigQuerySource) -> str:
    return source.dialect.table(source.managed_schema, "t")


def count(source: BigQuerySource) -> int:
    with source.session() as session:
        return int(session.rows(f"SELECT count(*) FROM {table(source)}")[0][0])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer of BigQuery's own that it failed is enough to give a request up."""
    monkeypatch.setattr(bigquery_client, "RETRY_SECONDS", 0.0)


UNANSWERED = [
    Fault("jobs.insert", reason="backendError", when="after", statement="INSERT"),
    Fault("jobs.get", reason="backendError"),
    Fault("jobs.getQueryResults", reason="backendError"),
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", UNANSWERED, ids=lambda fault: fault.call)
def test_a_statement_whose_requests_were_given_up_is_not_run_again(
    dataset: Dataset, source: BigQuerySource, fault: Fault
) -> None:
    with source.session() as session:
        struck = dataset.server.fail(fault)
        assert session.execute(f"INSERT INTO {table(source)} VALUES (1)") == 1
        assert struck.met == 1
    assert count(source) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("statement", ["BEGIN", "INSERT", "COMMIT"])
def test_a_transaction_goes_on_after_a_lost_answer(
    dataset: Dataset, source: BigQuerySource, statement: str
) -> None:
    with source.session() as session:
        struck = dataset.server.fail(
            Fault("jobs.insert", reason="backendError", when="after", statement=statement)
        )
        with session.transaction():
            session.execute(f"INSERT INTO {table(source)} VALUES (1), (2)")
        assert struck.met == 1
    assert count(source) == 2


@pytest.mark.usefixtures("impatient")
def test_rows_are_not_loaded_again_after_a_lost_answer(dataset: Dataset, source: BigQuerySource) -> None:
    rows = INSERTED_ROWS + 1
    with source.session() as session:
        struck = dataset.server.fail(Fault("jobs.get", reason="backendError"))
        assert session.upload("t", pa.table({"a": list(range(rows))})) == rows
        assert struck.met == 1
    assert count(source) == rows


def test_a_request_that_is_never_answered_is_sent_again(
    dataset: Dataset, source: BigQuerySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigquery_client, "REQUEST_SECONDS", 5.0)
    held = dataset.server.fail(Fault("jobs.get", hold=True))
    with source.session() as session:
        assert session.rows("SELECT 7 AS seven") == [(7,)]
    assert held.met == 1


def test_state_does_not_expire_by_its_datasets_default(dataset: Dataset) -> None:
    """An expired records table would let everything be sent anew, and no deletion be found."""
    source = BigQuerySource("shop", dataset.settings(), schema="brief", environ=dataset.server.environment())
    dataset.sql(f"CREATE SCHEMA `{dataset.project}`.brief OPTIONS (default_table_expiration_days = 1)")
    dataset.account.grant("roles/bigquery.dataEditor", dataset="brief")
    dialect = source.dialect
    with source.connected() as client, source.session() as session:
        for name, statements in (
            ("made", dialect.create_marked(dialect.table("brief", "made"), [("a", "INT64")])),
            ("filled", dialect.create_marked_as(dialect.table("brief", "filled"), "SELECT 1 AS a")),
        ):
            for statement in statements:
                session.execute(statement)
            assert client.google.get_table(f"{client.project}.brief.{name}").expires is None


def test_a_plan_does_not_expire_once_it_is_whole(source: BigQuerySource) -> None:
    """Else what was acknowledged of an interrupted sync could never be committed."""
    name = "changes_x_1_1"
    plan = source.dialect.table(source.managed_schema, name)
    with source.connected() as client, source.session() as session:

        def expires() -> object:
            return client.google.get_table(f"{client.project}.{source.managed_schema}.{name}").expires

        for statement in source.dialect.create_plan(plan, "SELECT 1 AS bucket, 1 AS seq"):
            session.execute(statement)
        assert expires() is not None
        for statement in source.dialect.settle_plan(plan):
            session.execute(statement)
        assert expires() is None
        session.execute(source.dialect.drop_table(plan))


@pytest.mark.parametrize("read_api", ["storage", "rest"])
def test_a_result_that_ends_early_is_an_error(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, read_api: str
) -> None:
    real = bigquery_session.complete

    def cut_short(given: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
        return real((batch.slice(0, 2) for batch in given), rows)

    monkeypatch.setattr(bigquery_session, "complete", cut_short)
    source = BigQuerySource("shop", dataset.settings(read_api=read_api), environ=dataset.server.environment())
    with source.session() as session:
        session.execute(source.dialect.create_schema(source.schema))
    with source.session() as session, pytest.raises(SourceUnavailable, match="2 records were given"):
        session.read("SELECT n FROM UNNEST([1, 2, 3]) AS n").read_all()


def test_many_rows_are_uploaded_late_in_a_transaction(source: BigQuerySource) -> None:
    """As the refusals of a sync are, after the compare-and-set: a table that is loaded then is too young to be seen."""
    rows = 2 * INSERTED_ROWS + 1
    with source.session() as session, session.transaction():
        session.execute(f"INSERT INTO {table(source)} VALUES (0)")
        assert session.upload("t", pa.table({"a": list(range(rows))})) == rows
    assert count(source) == rows + 1
