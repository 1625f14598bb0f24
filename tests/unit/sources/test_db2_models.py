"""A model's SQL on Db2: what is one query that only reads, and its parts where WITH must stand at the beginning."""

from __future__ import annotations

import pytest

from tailrace.errors import ModelError
from tailrace.sources.db2.models import Parts, db2_statement, split
from tailrace.sources.db2.source import Db2Source


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("SELECT a FROM t;", Parts("", "SELECT a FROM t")),
        ("((SELECT a FROM t))", Parts("", "SELECT a FROM t")),
        ("(SELECT a FROM t) UNION (SELECT a FROM u)", Parts("", "(SELECT a FROM t) UNION (SELECT a FROM u)")),
        (
            "WITH a AS (SELECT 1 AS x FROM t), b (y) AS (SELECT x FROM a) SELECT * FROM b ORDER BY y",
            Parts("a AS (SELECT 1 AS x FROM t), b (y) AS (SELECT x FROM a)", "SELECT * FROM b ORDER BY y"),
        ),
        ("VALUES (1, 'with ur')", Parts("", "VALUES (1, 'with ur')")),
        ("SELECT a# FROM t -- WITH UR", Parts("", "SELECT a# FROM t")),
    ],
)
def test_a_query_is_taken_apart(sql: str, parts: Parts) -> None:
    assert split(db2_statement(sql, Db2Source.limits)) == parts


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT a FROM t WITH UR", "ends in WITH UR"),
        ("(SELECT a FROM t with rr);", "ends in WITH RR"),
        ("SELECT a FROM FINAL TABLE (INSERT INTO t VALUES 1)", "changes data, by FINAL TABLE"),
        ("WITH x AS (SELECT a FROM old /* */ table(DELETE FROM t)) SELECT a FROM x", "changes data, by OLD TABLE"),
        ("SELECT a FROM new table (UPDATE t SET a = 1)", "changes data, by NEW TABLE"),
        ("SELECT a FROM t; DELETE FROM t", "more than one statement"),
        ("DELETE FROM t", "a model only reads"),
        ("SELECT '{{ ref }}', {{ ref('t') }}", "template"),
    ],
)  # fmt: skip
def test_what_is_no_query_that_only_reads_is_refused(sql: str, says: str) -> None:
    with pytest.raises(ModelError) as caught:
        db2_statement(sql, Db2Source.limits)
    assert says in caught.value.message
    assert caught.value.hint


def test_a_column_that_is_called_new_changes_nothing() -> None:
    sql = "SELECT new, 'FINAL TABLE (x)' AS old FROM TABLE (s.f(1)) AS final"
    assert db2_statement(sql, Db2Source.limits) == sql
