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


TYPED = "a INT64, s STRING, d DATE, ts TIMESTAMP, j JSON, f FLOAT64, l ARRAY<INT64>"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT a FROM shop.t WHERE a = s", "operator = for argument types: INT64, STRING"),
        ("SELECT a FROM shop.t WHERE a = '1'", "operator = for argument types: INT64, STRING"),
        ("SELECT a FROM shop.t WHERE d < ts", "operator < for argument types: DATE, TIMESTAMP"),
        ("SELECT 1 AS one FROM shop.t AS x JOIN shop.t AS y ON x.s = y.a", "argument types: STRING, INT64"),
        (
            "SELECT 1 AS one FROM (SELECT CAST(a AS STRING) AS k FROM shop.t) AS x JOIN shop.t AS y ON x.k = y.a",
            "argument types: STRING, INT64",
        ),
        (
            "SELECT j IS DISTINCT FROM j AS x FROM shop.t",
            "Equality is not defined for arguments of type JSON",
        ),
        ("SELECT l = l AS x FROM shop.t", "Equality is not defined for arguments of type ARRAY"),
        ("SELECT COALESCE(a, s) AS x FROM shop.t", "function COALESCE for argument types: INT64, STRING"),
        ("SELECT CASE WHEN a > 1 THEN s ELSE a END AS x FROM shop.t", "argument types: STRING, INT64"),
        ("SELECT a AS x FROM shop.t UNION ALL SELECT s FROM shop.t", "has incompatible types: INT64, STRING"),
        ("SELECT j, count(*) AS n FROM shop.t GROUP BY j", "Grouping by expressions of type JSON"),
        ("SELECT DISTINCT j FROM shop.t", "Grouping by expressions of type JSON"),
        (
            "SELECT count(*) OVER (PARTITION BY f) AS n FROM shop.t",
            "Partitioning by expressions of type FLOAT64",
        ),
        ("INSERT INTO shop.t (a) SELECT s FROM shop.t", "STRING which cannot be inserted into column a"),
        ("INSERT INTO shop.t (s) SELECT a FROM shop.t", "INT64 which cannot be inserted into column s"),
        ("INSERT INTO shop.t (ts) SELECT d FROM shop.t", "DATE which cannot be inserted into column ts"),
    ],
)
def test_types_that_do_not_go_together_are_refused(
    bigquery_client: Client, statement: str, message: str
) -> None:
    bigquery_client.dataset.sql(f"CREATE TABLE t ({TYPED})")
    why, said = refusal(bigquery_client, statement)
    assert why == "invalidQuery"
    assert message in said


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM shop.t WHERE a = 1.5 AND a < f AND d = '2026-01-01' AND ts > '2026-01-01' AND s = 'x'",
        "SELECT COALESCE(f, a, 1) AS x, IF(a > 1, NULL, s) AS y FROM shop.t UNION ALL SELECT a, NULL FROM shop.t",
        "INSERT INTO shop.t (f, d, s) SELECT a, '2026-01-01', NULL FROM shop.t",
        "SELECT DISTINCT d, ts, s, a FROM shop.t GROUP BY 1, 2, 3, 4",
    ],
)
def test_types_that_go_together_are_taken(bigquery_client: Client, statement: str) -> None:
    bigquery_client.dataset.sql(f"CREATE TABLE t ({TYPED})")
    bigquery_client.run(statement)


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
