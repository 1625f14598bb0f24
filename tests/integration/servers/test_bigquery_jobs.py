"""Jobs of the stand-in: ids, places, states, costs and what is kept of tables."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery
from tests.integration.servers.bigquery_clients import Client, Refused, reason
from tests.integration.servers.conftest import NewClient
from tests.servers.bigquery import Fault

TEN_MEGABYTES = 10 * 1024 * 1024


def refusal(client: Client, sql: str, **options: object) -> tuple[str, str]:
    """Why a statement is refused: reason and message."""
    with pytest.raises(Refused) as refused:
        client.run(sql, **options)
    return reason(refused.value), str(refused.value)


def test_a_job_id_is_taken_once(bigquery_client: Client) -> None:
    bigquery_client.run("SELECT 1 AS one", job_id="mine")
    with pytest.raises(Refused, match="Already Exists: Job") as refused:
        bigquery_client.job("SELECT 2 AS two", job_id="mine")
    assert (refused.value.code, reason(refused.value)) == (409, "duplicate")
    again = bigquery_client.api.get_job("mine", location="EU")
    assert [tuple(row.values()) for row in again.result()] == [(1,)]


def test_a_lost_answer_leaves_the_job_which_is_found_again(bigquery_client: Client) -> None:
    server = bigquery_client.dataset.server
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    server.fail(Fault("jobs.insert", drop=True, when="after", statement="INSERT"))
    with pytest.raises(Refused) as refused:
        bigquery_client.job("INSERT INTO shop.t VALUES (1)", job_id="once")
    assert reason(refused.value) == "duplicate"
    bigquery_client.api.get_job("once", location="EU").result()
    assert bigquery_client.dataset.sql("SELECT count(*) FROM t") == [(1,)]
    statuses = [call["status"] for call in server.requests if call["call"] == "jobs.insert"]
    assert statuses[-2:] == [200, 409]


def test_a_dataset_is_found_in_its_own_location_only(
    bigquery_client: Client, bigquery_clients: NewClient
) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    found = refusal(bigquery_clients(location="US"), "SELECT a FROM shop.t")
    assert found[0] == "notFound"
    assert f"Dataset {bigquery_client.dataset.project}:shop was not found in location US" in found[1]
    assert refusal(bigquery_client, "SELECT a FROM shop.missing")[1].count("was not found in location EU") > 0


def test_a_job_without_a_location_runs_where_its_data_is(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    bigquery_client.api._location = None
    assert bigquery_client.run("SELECT a FROM shop.t").location == "EU"
    assert bigquery_client.run("SELECT 1 AS one").location == "US"


def test_a_job_of_a_region_is_found_with_its_location_only(bigquery_clients: NewClient) -> None:
    client = bigquery_clients(location="europe-west3")
    job = client.run("SELECT 1 AS one")
    assert client.api.get_job(job.job_id, location="europe-west3").state == "DONE"
    client.api._location = None
    with pytest.raises(Refused, match="Not found: Job"):
        client.api.get_job(job.job_id)


def test_states_can_be_watched_and_a_job_cancelled(bigquery_client: Client) -> None:
    server = bigquery_client.dataset.server
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    held = server.fail(Fault("job", hold=True, statement="INSERT"))
    job = bigquery_client.job("INSERT INTO shop.t VALUES (1)")
    while held.met == 0:
        time.sleep(0.01)
    job.reload()
    assert job.state == "RUNNING"
    job.cancel()
    with pytest.raises(Refused) as refused:
        job.result()
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")
    assert "User requested cancellation" in str(refused.value)
    assert bigquery_client.dataset.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_running_statement_is_interrupted(bigquery_client: Client) -> None:
    job = bigquery_client.job(
        "SELECT SUM(a * b * c) AS s FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS a,"
        " UNNEST(GENERATE_ARRAY(1, 20000)) AS b, UNNEST(GENERATE_ARRAY(1, 20000)) AS c"
    )
    job.reload()
    while job.state != "RUNNING":
        job.reload()
    job.cancel()
    with pytest.raises(Refused, match="cancel"):
        job.result()


def test_a_job_ends_at_its_own_timeout(bigquery_client: Client) -> None:
    bigquery_client.dataset.server.fail(Fault("job", hold=True))
    job = bigquery_client.job("SELECT 1 AS one", job_timeout_ms=50)
    with pytest.raises(Refused, match="timed out"):
        job.result()


def test_pending_and_running_last_as_long_as_is_asked(bigquery_client: Client) -> None:
    bigquery_client.dataset.server.slow(pending=60)
    job = bigquery_client.job("SELECT 1 AS one")
    job.reload()
    assert job.state == "PENDING"
    job.cancel()


def test_a_dry_run_gives_columns_and_bytes_and_does_nothing(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql(
        "CREATE TABLE t (a INT64, b STRING)", "INSERT INTO t VALUES (1, 'xyz'), (2, NULL)"
    )
    job = bigquery_client.job("SELECT a, b, 1.5 FROM shop.t", dry_run=True)
    assert [(field.name, field.field_type) for field in job.schema] == [
        ("a", "INTEGER"),
        ("b", "STRING"),
        ("f0_", "FLOAT"),
    ]
    assert (job.total_bytes_processed, job.statement_type) == (2 * 8 + 2 + 3, "SELECT")
    assert bigquery_client.job("SELECT a FROM shop.t", dry_run=True).total_bytes_processed == 16
    bigquery_client.job("DELETE FROM shop.t WHERE TRUE", dry_run=True)
    assert bigquery_client.dataset.sql("SELECT count(*) FROM t") == [(2,)]
    with pytest.raises(Refused, match="Syntax error"):
        bigquery_client.job("SELECT FROM WHERE", dry_run=True)


def test_changing_rows_is_billed_for_the_whole_table_and_appending_is_not(bigquery_client: Client) -> None:
    """https://cloud.google.com/bigquery/docs/estimate-costs: what makes state insert-only on BigQuery (R28)."""
    bigquery_client.dataset.sql(
        "CREATE TABLE t (a INT64, b STRING)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    )
    whole = 2 * 8 + 2 * 3
    assert bigquery_client.run("UPDATE shop.t SET a = 3 WHERE a = 1").total_bytes_processed == whole
    assert bigquery_client.run("DELETE FROM shop.t WHERE a = 3").total_bytes_processed == whole
    appended = bigquery_client.run("INSERT INTO shop.t VALUES (4, 'c')")
    assert (appended.total_bytes_processed, appended.total_bytes_billed) == (0, 0)
    assert bigquery_client.run("SELECT a FROM shop.t").total_bytes_billed == TEN_MEGABYTES
    log = bigquery_client.dataset.jobs
    assert [(job["kind"], job["processed"]) for job in log] == [
        ("UPDATE", whole),
        ("DELETE", whole),
        ("INSERT", 0),
        ("SELECT", 16),
    ]


def test_a_cap_on_bytes_is_kept(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
    found = refusal(bigquery_client, "SELECT a FROM shop.t", maximum_bytes_billed=1000)
    assert found[0] == "bytesBilledLimitExceeded"
    assert "limit for bytes billed: 1000. 10485760 or higher required" in found[1]
    bigquery_client.run("SELECT a FROM shop.t", maximum_bytes_billed=TEN_MEGABYTES)


def test_counts_labels_and_types_of_statements_are_told(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    job = bigquery_client.run("INSERT INTO shop.t VALUES (1), (2)", labels={"by": "us"})
    assert (job.num_dml_affected_rows, job.dml_stats.inserted_row_count) == (2, 2)
    assert (job.statement_type, job.labels) == ("INSERT", {"by": "us"})
    merge = (
        "MERGE shop.t AS t USING (SELECT 1 AS a UNION ALL SELECT 7) AS s ON t.a = s.a"
        " WHEN MATCHED THEN UPDATE SET a = 5 WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)"
    )
    stats = bigquery_client.run(merge).dml_stats
    assert (stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (1, 1, 0)


def test_what_a_table_was_made_with_is_kept(bigquery_client: Client) -> None:
    bigquery_client.run(
        "CREATE TABLE shop.t CLUSTER BY a, b OPTIONS (description = 'd', labels = [('k', 'v')], expiration_timestamp ="
        " TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 2 DAY)) AS SELECT 1 AS a, 'x' AS b, SUM(1) AS s, NULL AS n"
    )
    table = bigquery_client.api.get_table("shop.t")
    assert (table.clustering_fields, table.description, table.labels) == (["a", "b"], "d", {"k": "v"})
    left = table.expires - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left < timedelta(days=2, hours=1)
    assert [(field.name, field.field_type) for field in table.schema] == [
        ("a", "INTEGER"),
        ("b", "STRING"),
        ("s", "INTEGER"),
        ("n", "INTEGER"),
    ]
    (listed,) = bigquery_client.api.list_tables("shop")
    assert (listed.table_id, listed.labels) == ("t", {"k": "v"})
    bigquery_client.run("ALTER TABLE shop.t SET OPTIONS (labels = [('k', 'w')], expiration_timestamp = NULL)")
    table = bigquery_client.api.get_table("shop.t")
    assert (table.labels, table.expires, table.num_rows) == ({"k": "w"}, None, 1)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE shop.x CLUSTER BY a AS SELECT 1.5 AS a", "cannot be clustered by"),
        ("CREATE TABLE shop.x CLUSTER BY a, b, c, d, e AS SELECT 1 AS a", "At most 4 columns"),
        ("CREATE TABLE shop.x AS SELECT 1", "columns must be named"),
        ("SELECT 1 AS a, 2 AS A", "Duplicate column names"),
        ("UPDATE shop.t SET a = 1", "must have a WHERE clause"),
        ("SELECT * FROM t", "must be qualified with a dataset"),
        ("CREATE TABLE shop.t AS SELECT 1 AS a", "Already Exists: Table"),
        ("BEGIN TRANSACTION", "only in scripts or sessions"),
        ("CREATE TEMP TABLE x AS SELECT 1 AS a", "requires a script or session"),
    ],
)
def test_what_bigquery_refuses_is_refused(bigquery_client: Client, statement: str, message: str) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)")
    assert message in refusal(bigquery_client, statement)[1]


def test_a_table_goes_when_its_time_is_over(bigquery_client: Client) -> None:
    bigquery_client.run(
        "CREATE TABLE shop.t OPTIONS (expiration_timestamp ="
        " TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 SECOND)) AS SELECT 1 AS a"
    )
    assert refusal(bigquery_client, "SELECT a FROM shop.t")[0] == "notFound"


def test_results_come_in_pages(bigquery_client: Client) -> None:
    job = bigquery_client.job("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS n ORDER BY n")
    assert [row.n for row in job.result(page_size=1000)] == list(range(1, 2501))


@pytest.mark.parametrize("size", [10, 60_000], ids=["in one request", "in several"])
def test_files_are_loaded_as_a_whole(bigquery_client: Client, size: int) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (n INT64, text STRING, amount NUMERIC)")
    data = pa.table(
        {"text": [None, *("x" * 100 for _ in range(size - 1))], "n": range(size), "amount": ["1.50"] * size}
    )
    sink = io.BytesIO()
    pq.write_table(data, sink, compression="none", use_dictionary=False)
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
    sink.seek(0)
    whole = sink.getbuffer().nbytes if size == 10 else None
    job = bigquery_client.api.load_table_from_file(sink, "shop.t", size=whole, job_config=config)
    job.result()
    assert job.output_rows == size
    assert bigquery_client.dataset.sql("SELECT count(*), min(text), sum(n) FROM t WHERE amount = 1.5") == [
        (size, "x" * 100, size * (size - 1) // 2)
    ]


def test_a_bad_file_leaves_nothing(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (n INT64)")
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    rows = io.BytesIO(b'{"n": 1}\n{"n": "two"}\n')
    with pytest.raises(Refused) as refused:
        bigquery_client.api.load_table_from_file(rows, "shop.t", job_config=config).result()
    assert reason(refused.value) == "invalid"
    assert bigquery_client.dataset.sql("SELECT count(*) FROM t") == [(0,)]
