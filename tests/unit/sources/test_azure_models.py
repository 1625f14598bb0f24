"""A model's T-SQL, made fit to stand in parentheses."""

from __future__ import annotations

import pytest

from tailrace.errors import ModelError
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.models import azure_statement, split
from tailrace.sources.base import Limits

LIMITS = Limits(query_words=("SELECT", "WITH"))


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t"),
        ("SELECT a FROM t ORDER  /* x */ BY a DESC, b", "SELECT a FROM t"),
        ("SELECT TOP (5) a FROM t ORDER BY a", "SELECT TOP (5) a FROM t ORDER BY a"),
        ("SELECT a FROM t ORDER BY a OFFSET 5 ROWS", "SELECT a FROM t ORDER BY a OFFSET 5 ROWS"),
        ("SELECT a, ROW_NUMBER() OVER (ORDER BY b) AS n FROM t", None),
        ("SELECT a FROM (SELECT TOP 1 a FROM t ORDER BY a) AS x", None),
        (
            "SELECT a FROM (SELECT TOP 1 a FROM t) AS x ORDER BY a",
            "SELECT a FROM (SELECT TOP 1 a FROM t) AS x",
        ),
        ("SELECT [order by] FROM [a;b] ORDER BY [order by]", "SELECT [order by] FROM [a;b]"),
        ("SELECT 'x ORDER BY y' AS a", None),
        ("SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1", "SELECT a FROM t UNION ALL SELECT b FROM u"),
        ("(SELECT a FROM t)", "SELECT a FROM t"),
        ("(SELECT a FROM t) UNION (SELECT b FROM u)", None),
        ("SELECT 1 AS [offset] ORDER BY 1", "SELECT 1 AS [offset]"),
    ],
)
def test_an_order_that_chooses_no_rows_is_left_away(sql: str, query: str | None) -> None:
    assert split(sql) == ("", query or sql)


@pytest.mark.parametrize(
    ("sql", "expressions", "query"),
    [
        ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", "a AS (SELECT 1 AS x)", "SELECT x FROM a"),
        (
            "with a (x, y) as (SELECT (1), ')'), [b c] AS (SELECT x FROM a)\nSELECT x FROM [b c] ORDER BY x",
            "a (x, y) as (SELECT (1), ')'), [b c] AS (SELECT x FROM a)",
            "SELECT x FROM [b c]",
        ),
        ("(WITH a AS (SELECT 1 AS x) SELECT x FROM a)", "a AS (SELECT 1 AS x)", "SELECT x FROM a"),
    ],
)
def test_common_table_expressions_are_taken_out(sql: str, expressions: str, query: str) -> None:
    assert split(sql) == (expressions, query)


def test_what_is_taken_out_stands_before_the_whole_statement() -> None:
    dialect = AzureDialect()
    sql = "WITH a AS (SELECT 1 AS x) SELECT x FROM a ORDER BY x"
    whole = dialect.leading(sql) + dialect.limited(f"SELECT * FROM {dialect.subquery(sql, 'model')}", 3)
    assert whole == ("WITH a AS (SELECT 1 AS x)\nSELECT TOP (3) * FROM (\nSELECT x FROM a\n) AS model")
    assert dialect.leading("SELECT 1 AS x") == ""


def test_brackets_hold_anything() -> None:
    sql = 'SELECT [it\'s; -- a "name"]]], [x] FROM [dbo].[t{{}}]'
    assert azure_statement(f"  {sql} ; -- end", LIMITS) == sql


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a OPTION (MAXDOP 1)",
        "SELECT [a",
        "SELECT 1; SELECT 2",
        "EXEC p",
        "SELECT 'a",
        "DELETE FROM t",
        "VALUES (1)",
        "SELECT * FROM {{ ref('t') }}",
    ],
)
def test_what_is_no_single_query_is_refused(sql: str) -> None:
    with pytest.raises(ModelError) as caught:
        azure_statement(sql, LIMITS)
    assert caught.value.hint
