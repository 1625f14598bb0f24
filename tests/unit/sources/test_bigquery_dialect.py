"""BigQuery's SQL as text: names, constants, types; and which text is one query."""

from __future__ import annotations

import pytest

from tailrace.errors import ModelError
from tailrace.sources.base import Column, Kind
from tailrace.sources.bigquery.dialect import BigQueryDialect
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.sources.bigquery.types import native_type
from tailrace.sources.statement import model_statement

DIALECT = BigQueryDialect("shop-project", "EU")


def test_names_and_constants_are_escaped_with_backslashes() -> None:
    assert DIALECT.table("d", "t") == "`shop-project`.`d`.`t`"
    assert DIALECT.quote("a`b\\") == "`a\\`b\\\\`"
    assert DIALECT.literal("it's \\ a\nline") == r"'it\'s \\ a\nline'"
    with pytest.raises(ValueError):
        DIALECT.literal("a\0b")


@pytest.mark.parametrize(
    ("native", "kind", "stored"),
    [
        ("INT64", Kind.INT, "INT64"),
        ("NUMERIC(10, 2)", Kind.DECIMAL, "NUMERIC"),
        ("BIGNUMERIC", Kind.DECIMAL, "BIGNUMERIC"),
        ("FLOAT64", Kind.FLOAT, "FLOAT64"),
        ("STRING(20)", Kind.TEXT, "STRING"),
        ("STRING COLLATE und:ci", Kind.TEXT, "STRING"),
        ("BYTES", Kind.BYTES, "BYTES"),
        ("DATETIME", Kind.TIMESTAMP, "DATETIME"),
        ("TIMESTAMP", Kind.TIMESTAMPTZ, "TIMESTAMP"),
        ("TIME", Kind.TIME, "STRING"),
        ("JSON", Kind.JSON, "STRING"),
        ("ARRAY<STRUCT<a INT64>>", Kind.ARRAY, "STRING"),
        ("STRUCT<a INT64, b STRING>", Kind.STRUCT, "STRING"),
        ("GEOGRAPHY", Kind.OTHER, "STRING"),
        ("INTERVAL", Kind.OTHER, "STRING"),
        ("RANGE<DATE>", Kind.OTHER, "STRING"),
    ],
)
def test_every_type_has_a_kind_and_a_stored_form(native: str, kind: Kind, stored: str) -> None:
    assert DIALECT.kind_of(native) is kind
    assert DIALECT.storage(Column("c", kind, native)).native == stored


def test_texts_that_compare_without_case_are_stored_so_that_they_compare_exactly() -> None:
    column = Column("c", Kind.TEXT, "STRING COLLATE und:ci")
    assert DIALECT.store_expr("x", column) == "COLLATE(x, '')"
    assert DIALECT.key_text([column], "m") == "COLLATE(m.`c`, '')"


def test_a_missing_value_of_a_nested_type_stays_missing() -> None:
    assert DIALECT.store_expr("x", Column("c", Kind.ARRAY, "ARRAY<INT64>")) == (
        "CASE WHEN x IS NOT NULL THEN TO_JSON_STRING(x) END"
    )
    assert "ST_ASTEXT" in DIALECT.store_expr("x", Column("c", Kind.OTHER, "GEOGRAPHY"))


@pytest.mark.parametrize(
    ("stored", "wanted", "native"),
    [
        ("INT64", "NUMERIC", "NUMERIC"),
        ("NUMERIC", "INT64", "NUMERIC"),
        ("NUMERIC", "BIGNUMERIC", "BIGNUMERIC"),
        ("BIGNUMERIC", "FLOAT64", "FLOAT64"),
        ("DATE", "TIMESTAMP", "TIMESTAMP"),
        ("TIMESTAMP", "DATETIME", "TIMESTAMP"),
        ("INT64", "STRING", None),
        ("BOOL", "INT64", None),
    ],
)
def test_a_wider_type_of_the_same_class_holds_both(stored: str, wanted: str, native: str | None) -> None:
    both = [Column("c", DIALECT.kind_of(each), each) for each in (stored, wanted)]
    found = DIALECT.widen(*both)
    assert (found.native if found else None) == native


@pytest.mark.parametrize(
    ("column", "native"),
    [
        ({"name": "a", "type": "INTEGER"}, "INT64"),
        ({"name": "a", "type": "FLOAT", "mode": "REPEATED"}, "ARRAY<FLOAT64>"),
        ({"name": "a", "type": "NUMERIC", "precision": "10", "scale": "2"}, "NUMERIC(10, 2)"),
        ({"name": "a", "type": "STRING", "collation": "und:ci"}, "STRING COLLATE und:ci"),
        (
            {
                "name": "a",
                "type": "RECORD",
                "mode": "REPEATED",
                "fields": [{"name": "x", "type": "BOOLEAN"}, {"name": "y", "type": "DATE"}],
            },
            "ARRAY<STRUCT<x BOOL, y DATE>>",
        ),
    ],
)
def test_a_schemas_types_are_read_as_sql_writes_them(column: dict[str, object], native: str) -> None:
    assert native_type(column) == native


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';' AS a",
        'SELECT ";" AS a',
        "SELECT '''it's; \"''' AS a",
        'SELECT """a "quoted"; text""" AS a',
        r"SELECT 'it\'s;' AS a",
        r"SELECT r'\;' AS a, b'x;', rb'\x;' AS c",
        "SELECT 1 AS `a;b`",
        "SELECT 1 AS a # the end; really\n",
        "SELECT 1 AS a /* one; /* comment */",
        "FROM t |> SELECT a",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x;",
    ],
)
def test_one_query_is_one_whatever_stands_in_its_texts_and_comments(sql: str) -> None:
    assert model_statement(sql, BigQuerySource.limits)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a; SELECT 2 AS a",
        "SELECT 1 /* a /* b */; DROP TABLE t /* */ */",
        r"SELECT 'a\'; DROP TABLE t; --",
        "SELECT `a",
        "SELECT '''a'",
        "DELETE FROM t WHERE TRUE",
        "SELECT {{ ref('x') }}",
    ],
)
def test_what_is_more_than_one_query_is_refused(sql: str) -> None:
    with pytest.raises(ModelError):
        model_statement(sql, BigQuerySource.limits)


def test_plans_go_away_by_themselves_and_are_clustered() -> None:
    (statement,) = DIALECT.create_plan("`p`.`d`.`t`", "SELECT 1 AS seq")
    assert "CLUSTER BY bucket, seq" in statement
    assert "expiration_timestamp" in statement
    assert DIALECT.is_marked("tailrace:1")


@pytest.mark.parametrize(
    ("native", "wider", "in_place"),
    [
        ("INT64", "NUMERIC", True),
        ("INT64", "FLOAT64", True),
        ("NUMERIC", "BIGNUMERIC", True),
        ("BIGNUMERIC", "FLOAT64", True),
        ("DATE", "DATETIME", True),
        ("DATE", "TIMESTAMP", False),
        ("DATETIME", "TIMESTAMP", False),
        ("FLOAT64", "NUMERIC", False),
    ],
)
def test_a_column_is_widened_in_place_only_where_its_type_coerces(
    native: str, wider: str, in_place: bool
) -> None:
    """https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules: all else gets a new column."""
    assert DIALECT.alters(native, wider) is in_place
