"""A model is one query, whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ModelError
from tailrace.sources.base import Limits
from tailrace.sources.statement import model_statement

LIMITS = Limits()


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  SELECT 1 ;  ", "SELECT 1"),
        ("SELECT 1;;\n;", "SELECT 1"),
        ("SELECT 1; -- done", "SELECT 1"),
        ("SELECT 1 -- done", "SELECT 1"),
        ("SELECT 1 /* a; /* nested; */ b */ ; /* c */", "SELECT 1"),
        ("-- first\nWITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("SELECT ';' AS a, \"x;y\" FROM t;", "SELECT ';' AS a, \"x;y\" FROM t"),
        ("SELECT 'it''s; fine'", "SELECT 'it''s; fine'"),
        ("SELECT E'it\\'s; fine'", "SELECT E'it\\'s; fine'"),
        ("SELECT 'back\\'", "SELECT 'back\\'"),
        ("SELECT $$a;'b$$, $t$ ; $$ $t$;", "SELECT $$a;'b$$, $t$ ; $$ $t$"),
        ("SELECT a$$b FROM (SELECT 1 AS a$$b) AS x", "SELECT a$$b FROM (SELECT 1 AS a$$b) AS x"),
        ("SELECT 'é', \"größe\" -- ü", "SELECT 'é', \"größe\""),
        ("((SELECT 1))", "((SELECT 1))"),
        ("values (1), (2)", "values (1), (2)"),
        ("TABLE shop.customers", "TABLE shop.customers"),
        ("SELECT 5 - -1, '--' , '/*'", "SELECT 5 - -1, '--' , '/*'"),
        ("SELECT '{{ not a template }}'", "SELECT '{{ not a template }}'"),
        ("SELECT type'x'", "SELECT type'x'"),
    ],
)
def test_one_query_is_taken_free_of_what_follows_it(sql: str, statement: str) -> None:
    assert model_statement(sql, LIMITS) == statement


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", "model_empty"),
        (" -- nothing\n ; ", "model_empty"),
        ("SELECT 1; SELECT 2", "model_several_statements"),
        ("SELECT 1; -- a\n DROP TABLE t;", "model_several_statements"),
        ("SELECT 1) AS a, (SELECT 2", "model_syntax"),
        ("SELECT (1", "model_syntax"),
        ("SELECT 'open", "model_syntax"),
        ("SELECT 'a'' open", "model_syntax"),
        ('SELECT "open', "model_syntax"),
        ("SELECT E'open\\'", "model_syntax"),
        ("SELECT $a$ open $b$", "model_syntax"),
        ("SELECT 1 /* open /* */", "model_syntax"),
        ("SELECT 'a\0b'", "model_syntax"),
        ("DELETE FROM t", "model_not_a_query"),
        ("INSERT INTO t SELECT 1", "model_not_a_query"),
        ("COPY t TO '/tmp/x'", "model_not_a_query"),
        ("EXPLAIN SELECT 1", "model_not_a_query"),
        ("'SELECT'", "model_not_a_query"),
        ("(DELETE FROM t)", "model_not_a_query"),
        ("FROM t", "model_not_a_query"),
        ("SELECT * FROM {{ ref('customers') }}", "model_template"),
        ("{% if a %} SELECT 1 {% endif %}", "model_template"),
        ("SELECT '" + "x" * 65_535 + "'", "model_too_long"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(sql: str, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        model_statement(sql, LIMITS)
    assert caught.value.code == code
    assert caught.value.hint


def test_the_longest_statement_is_as_long_as_promised() -> None:
    sql = "SELECT '" + "x" * (65_535 - 9) + "'"
    assert len(sql) == 65_535
    assert model_statement(sql, LIMITS) == sql


def test_the_error_names_the_line() -> None:
    with pytest.raises(ModelError) as caught:
        model_statement("SELECT 1;\n\nSELECT 2", LIMITS)
    assert "line 1" in str(caught.value.where)


def test_a_source_says_what_its_queries_may_begin_with() -> None:
    limits = Limits(query_words=("SELECT", "FROM"))
    assert model_statement("from t", limits) == "from t"


@given(
    st.lists(
        st.sampled_from(
            [
                "'a;b'",
                '"x;y"',
                "$q$;$q$",
                "E'\\';'",
                "/* ; */",
                "-- ;\n",
                "1",
                "a",
                ",",
                "(2)",
                "||",
                "\n",
                " ",
            ]
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from([";", " ", "\n", "-- x;\n", "/* ; */"]), max_size=5),
)
def test_the_statement_is_stable_and_nothing_of_it_is_lost(parts: list[str], tail: list[str]) -> None:
    sql = "SELECT " + " ".join(parts) + " " + " ".join(tail)
    statement = model_statement(sql, LIMITS)
    assert sql.startswith(statement)
    assert model_statement(statement, LIMITS) == statement
    assert model_statement(statement + ";" + "".join(tail), LIMITS) == statement


@given(st.text(alphabet="SELECT'\"$;-/*()\\eE{} \nax1", max_size=60))
def test_any_text_is_either_a_query_or_an_error_of_ours(text: str) -> None:
    try:
        statement = model_statement("SELECT " + text, LIMITS)
    except ModelError:
        return
    assert statement.startswith("SELECT")
