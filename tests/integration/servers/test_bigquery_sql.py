"""What the stand-in sets right in bqemulator's SQL: texts, exact numbers, JSON, literals, names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.integration.servers.bigquery_clients import Client


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CAST(NUMERIC '1.10' AS STRING)", "1.1"),
        ("CAST(NUMERIC '100' AS STRING)", "100"),
        ("CAST(BIGNUMERIC '1.00000000000001' AS STRING)", "1.00000000000001"),
        ("CAST(1.0 AS STRING)", "1"),
        ("CAST(0.1 AS STRING)", "0.1"),
        ("CAST(TRUE AS STRING)", "true"),
        ("CAST(DATE '2026-01-02' AS STRING)", "2026-01-02"),
        ("CAST(DATETIME '2026-01-02 03:04:05.5' AS STRING)", "2026-01-02 03:04:05.500"),
        ("CAST(TIMESTAMP '2026-01-02 03:04:05.1234+00' AS STRING)", "2026-01-02 03:04:05.123400+00"),
        ("CAST(TIMESTAMP '2026-01-02 03:04:05+02' AS STRING)", "2026-01-02 01:04:05+00"),
        ("CAST(b'abc' AS STRING)", "abc"),
        ("CAST(NULL AS STRING)", None),
        (
            "FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', TIMESTAMP '2026-01-02 03:04:05.1200+00')",
            "2026-01-02T03:04:05.12Z",
        ),
        ("FORMAT_DATETIME('%Y-%m-%dT%H:%M:%E*S', DATETIME '2026-01-02 03:04:05')", "2026-01-02T03:04:05"),
        ("TO_JSON_STRING('a\"b')", '"a\\"b"'),
        ("TO_JSON_STRING(9007199254740993)", '"9007199254740993"'),
        ("TO_JSON_STRING(STRUCT(NUMERIC '1.50' AS n, 2 AS i, [1, 2] AS l))", '{"n":"1.5","i":2,"l":[1,2]}'),
        ("TO_JSON_STRING(TIMESTAMP '2026-01-02 03:04:05+00')", '"2026-01-02T03:04:05Z"'),
        ("TO_JSON_STRING(b'abc')", '"YWJj"'),
        ("TO_HEX(SHA256('x'))", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
        ("TO_HEX(CAST('é' AS BYTES))", "c3a9"),
        ("FARM_FINGERPRINT('foo')", 6150913649986995171),
        ("FARM_FINGERPRINT('foo') & 255", 6150913649986995171 & 255),
        (r"'\u00e9\x41\101\n'", "éAA\n"),
        (r"r'\u00e9'", r"\u00e9"),
        ("'''it's'''", "it's"),
        (r"b'\x00\xff'", b"\x00\xff"),
        (r"TRIM('\u2003 x\u00a0', '\u2003\u00a0 ')", "x"),
        ("SAFE_CAST('x' AS INT64)", None),
        ("SAFE_CAST('1.5' AS NUMERIC)", Decimal("1.500000000")),
        ("1 IS DISTINCT FROM NULL", True),
        ("5 / 2", 2.5),
    ],
)
def test_an_expression_has_the_value_that_the_documents_give(
    bigquery_client: Client, expression: str, value: Any
) -> None:
    assert bigquery_client.rows(f"SELECT {expression} AS value") == [(value,)]


def test_columns_without_names_are_numbered(bigquery_client: Client) -> None:
    job = bigquery_client.run("SELECT 1, 2 AS two, 3, two_.x FROM (SELECT 4 AS x) AS two_")
    assert [field.name for field in job.result().schema] == ["f0_", "two", "f1_", "x"]


def test_numbers_keep_their_digits(bigquery_client: Client) -> None:
    dataset = bigquery_client.dataset
    dataset.sql(
        "CREATE TABLE t (n NUMERIC, b BIGNUMERIC)",
        "INSERT INTO t VALUES (NUMERIC '12345678901234567890.123456789', BIGNUMERIC '1.000000000000001')",
    )
    assert bigquery_client.rows("SELECT CAST(n AS STRING), CAST(b AS STRING) FROM shop.t") == [
        ("12345678901234567890.123456789", "1.000000000000001")
    ]
    table = bigquery_client.api.get_table("shop.t")
    assert [field.field_type for field in table.schema] == ["NUMERIC", "BIGNUMERIC"]


def test_models_may_be_compared_with_state_in_one_statement(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql(
        "CREATE TABLE m (id STRING, v INT64)",
        "CREATE TABLE r (id STRING, v INT64)",
        "INSERT INTO m VALUES ('a', 1), ('b', 2), ('c', 3), ('c', 4)",
        "INSERT INTO r VALUES ('a', 1), ('b', 9), ('d', 4)",
    )
    statement = """
        WITH keyed AS (SELECT id, v, COUNT(*) OVER (PARTITION BY id) AS n FROM shop.m)
        SELECT
          COALESCE(k.id, r.id) AS key,
          CASE WHEN k.n > 1 THEN 'repeated' WHEN k.id IS NULL THEN 'deleted' WHEN r.id IS NULL THEN 'added'
               WHEN k.v IS DISTINCT FROM r.v THEN 'updated' END AS op,
          ROW_NUMBER() OVER (ORDER BY k.id, r.id, k.v) AS pos
        FROM keyed AS k FULL JOIN shop.r AS r ON r.id = k.id
        QUALIFY op IS NOT NULL ORDER BY key, pos
    """
    assert [(key, op) for key, op, _ in bigquery_client.rows(statement)] == [
        ("b", "updated"),
        ("c", "repeated"),
        ("c", "repeated"),
        ("d", "deleted"),
    ]


def test_the_catalogue_can_be_asked(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql(
        "CREATE TABLE t (a INT64 NOT NULL, s STRUCT<x INT64, y ARRAY<STRING>>) OPTIONS (description = 'd')"
    )
    assert bigquery_client.rows("SELECT table_name FROM shop.INFORMATION_SCHEMA.TABLES") == [("t",)]
    assert bigquery_client.rows(
        "SELECT column_name, data_type, is_nullable FROM shop.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position"
    ) == [("a", "INT64", "NO"), ("s", "STRUCT<x INT64, y ARRAY<STRING>>", "YES")]
    options = (
        "SELECT option_name, option_value FROM shop.INFORMATION_SCHEMA.TABLE_OPTIONS WHERE table_name = 't'"
    )
    assert bigquery_client.rows(options) == [("description", '"d"')]
    schemata = "SELECT schema_name, location FROM `region-eu`.INFORMATION_SCHEMA.SCHEMATA"
    assert bigquery_client.rows(schemata) == [("shop", "EU")]
