"""Where the documents say that BigQuery refuses, the stand-in refuses, though DuckDB would not."""

from __future__ import annotations

import pytest
from google.cloud import bigquery
from tests.integration.servers.bigquery_clients import Client, Refused, reason


def refusal(client: Client, sql: str) -> tuple[str, str]:
    """Why a statement is refused: reason and message."""
    with pytest.raises(Refused) as refused:
        client.run(sql)
    return reason(refused.value), str(refused.value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT CAST(1 AS VARCHAR) AS a", "Syntax error: Expected TYPE"),
        ("SELECT CAST('1' AS FLOAT) AS a", "Syntax error: Expected TYPE"),
        ("CREATE TABLE shop.x (a text)", "Syntax error"),
        ("ALTER TABLE shop.t ADD COLUMN z double precision", "Syntax error"),
        ("SELECT TIMESTAMPTZ '2026-01-01' AS a", "Syntax error"),
        ("SELECT a::STRING AS a FROM shop.t", "Syntax error"),
        ("SELECT a FROM shop.t WHERE s ILIKE 'x'", "Syntax error"),
        ("SELECT now() AS a", "Function not found: now"),
        ("SELECT random() AS a", "Function not found: random"),
        ("SELECT NUMERIC '1' + CAST(1 AS NUMERIC(38, 0)) AS a", "Invalid precision or scale: NUMERIC(38, 0)"),
        ("CREATE TABLE shop.x (a NUMERIC(20, 10))", "Invalid precision or scale"),
        (f"SELECT 1 AS a -- {'x' * 1024 * 1024}", "query is too large"),
    ],
)
def test_other_databases_words_are_not_googles(bigquery_client: Client, statement: str, message: str) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64, s STRING)")
    assert message in refusal(bigquery_client, statement)[1]


def test_googles_own_words_are_read(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql(
        "CREATE TABLE t (text BIGINT, uuid BYTEINT, real BIGNUMERIC(38, 0), s STRING(5))"
    )
    bigquery_client.run("INSERT INTO shop.t VALUES (1, 2, 3, 'x')")
    assert bigquery_client.rows("SELECT text, uuid, IF(s = 'x', RAND() < 2, FALSE) FROM shop.t") == [
        (1, 2, True)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("DATE", "TIMESTAMP"), ("DATETIME", "TIMESTAMP"), ("INT64", "STRING"), ("FLOAT64", "NUMERIC")],
)
def test_a_column_takes_only_a_type_that_its_values_coerce_to(
    bigquery_client: Client, old: str, new: str
) -> None:
    bigquery_client.dataset.sql(f"CREATE TABLE t (v {old})")
    why, message = refusal(bigquery_client, f"ALTER TABLE shop.t ALTER COLUMN v SET DATA TYPE {new}")
    assert why == "invalidQuery"
    assert f"existing column type ({old}) is assignable to the new type ({new})" in message


@pytest.mark.parametrize(("old", "new"), [("INT64", "NUMERIC"), ("NUMERIC", "FLOAT64"), ("DATE", "DATETIME")])
def test_a_column_is_widened_in_place(bigquery_client: Client, old: str, new: str) -> None:
    bigquery_client.dataset.sql(f"CREATE TABLE t (v {old})")
    bigquery_client.run(f"ALTER TABLE shop.t ALTER COLUMN v SET DATA TYPE {new}")
    (column,) = bigquery_client.api.get_table("shop.t").schema
    assert {"FLOAT": "FLOAT64"}.get(column.field_type, column.field_type) == new


def test_a_table_changes_five_times_in_ten_seconds_and_dml_counts_too(bigquery_client: Client) -> None:
    server = bigquery_client.dataset.server
    server.limit_table_updates()
    try:
        bigquery_client.run("CREATE TABLE shop.t (a INT64)")
        for number in range(4):
            bigquery_client.run(f"INSERT INTO shop.t (a) VALUES ({number})")
        why, message = refusal(bigquery_client, "ALTER TABLE shop.t ADD COLUMN b INT64")
        assert why == "jobRateLimitExceeded"
        assert "too many table update operations for this table" in message
        bigquery_client.run("INSERT INTO shop.t (a) VALUES (5)")
        bigquery_client.run("CREATE TABLE shop.another (a INT64)")
    finally:
        server.limit_table_updates(False)


def test_a_query_has_no_destination_here(bigquery_client: Client) -> None:
    target = bigquery.TableReference.from_string(f"{bigquery_client.dataset.project}.shop.kept")
    with pytest.raises(Refused, match="destination"):
        bigquery_client.run("SELECT 1 AS a", destination=target)
