"""Conformance of models and managed tables: describe, preview, names, marks, the connection test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tailrace.errors import ModelError, SourceError
from tailrace.sources.base import Kind, Source
from tailrace.sources.model import check_model
from tailrace.testing.source_kit import SourceKit

STRANGE = [
    "Mixed Case",
    "select",
    'with "quotes"',
    "it's",
    "größe",
    "semi;colon",
    "--comment",
    "100%",
    "水",
    "a.b",
]


class ModelConformance(SourceKit):
    """What users meet first: their statement, its columns, and the connection test."""

    def test_the_connection_test_passes_and_leaves_nothing(self, source: Source) -> None:
        def contents() -> list[tuple[str, ...]]:
            with source.session() as session:
                schemas = session.rows(source.dialect.list_schemas())
                return schemas + session.rows(source.dialect.list_tables(source.schema))

        before = contents()
        steps = list(source.check())
        assert [step for step in steps if step.status in ("failed", "skipped")] == []
        assert {"read", "managed schema", "create table", "insert", "update", "delete", "drop table"} <= {
            step.name for step in steps
        }
        assert contents() == before

    def test_grants_are_for_an_administrator_to_run(self, source: Source) -> None:
        text = source.grants("some_user", "some_role", ["some_schema"])
        assert text.strip()
        assert text.endswith("\n")

    def test_describe_names_the_columns_without_running_the_statement(self, source: Source) -> None:
        kinds = list(self.types)
        listed = ", ".join(f"{self.value(kind, None)} AS c_{kind}" for kind in kinds)
        columns = source.describe(f"SELECT {listed}, x.n FROM ({self.endless()}) AS x")
        assert [column.name for column in columns] == [f"c_{kind}" for kind in kinds] + ["n"]
        assert [column.kind for column in columns[:-1]] == kinds
        assert all(column.native for column in columns)

    @pytest.mark.parametrize(
        "around",
        [
            "{}",
            "{};",
            "  {} ; -- done",
            "{} -- done",
            "/* ; */ {} /* a /* b */ c */",
            "-- first\n{}\n;\n;",
            "({})",
        ],
    )
    def test_comments_and_semicolons_around_a_statement_do_no_harm(self, source: Source, around: str) -> None:
        one = source.dialect.select_one("';' AS text")
        sql = around.format(f"WITH a AS ({one}) SELECT text, '--' AS dash FROM a")
        assert [column.name for column in source.describe(sql)] == ["text", "dash"]
        assert source.preview(sql, 5).to_pylist() == [{"text": ";", "dash": "--"}]

    @pytest.mark.parametrize(
        "sql",
        [
            "",
            "-- nothing",
            "SELEC 1",
            "SELECT 1; SELECT 2",
            "SELECT no_such_column",
            "SELECT * FROM no_such_table",
            "SELECT 'open",
            "SELECT 1) AS x, (SELECT 2",
            "DELETE FROM some_table",
            "CREATE TABLE some_table (a integer)",
            "SELECT * FROM {{ ref('customers') }}",
        ],
    )
    def test_what_is_no_query_is_an_error_of_the_model(self, source: Source, sql: str) -> None:
        with pytest.raises((ModelError, SourceError)) as caught:
            source.describe(sql)
        assert caught.value.hint
        assert caught.value.code in ("source_missing",) or isinstance(caught.value, ModelError)

    def test_a_preview_is_as_long_as_asked(self, source: Source) -> None:
        assert source.preview(f"SELECT n FROM ({self.numbers(100)}) AS x", 7).num_rows == 7
        assert source.preview(f"SELECT n FROM ({self.numbers(3)}) AS x", 7).num_rows == 3

    def test_repeated_columns_are_found(self, source: Source) -> None:
        with pytest.raises(ModelError):
            check_model(source.describe(source.dialect.select_one("1 AS a, 2 AS a")), ["a"], source.limits)

    def test_a_key_is_found_whatever_its_case(self, source: Source) -> None:
        columns = source.describe(source.dialect.select_one(f"{self.value(Kind.TEXT, 'x')} AS customer_id"))
        (key,) = check_model(columns, ["Customer_ID"], source.limits)
        assert key.name.lower() == "customer_id"

    def test_names_may_be_strange_and_as_long_as_the_limit(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        longest = "L" * managed.limits.identifier_bytes
        names = [*STRANGE, longest]
        name = table(*((n, "text") for n in names), name="T" * managed.limits.identifier_bytes)
        with managed.session() as session:
            found = session.rows(managed.dialect.table_columns(managed.schema, name))
            assert [str(row[0]) for row in found] == names
            assert name in {row[0] for row in session.rows(managed.dialect.list_tables(managed.schema))}
        table(("a", "text"), name='strange "name"; --')
        assert self.count(managed, 'strange "name"; --') == 0

    def test_only_marked_tables_are_ours(self, managed: Source, table: Callable[..., str]) -> None:
        ours, other = table(("a", "text")), table(("a", "text"))
        dialect = managed.dialect
        with managed.session() as session:
            session.execute(dialect.mark(self.full(managed, ours)))
            session.execute(dialect.add_column(self.full(managed, ours), "b", dialect.type_of("bigint")))
            marks = dict(session.rows(dialect.list_tables(managed.schema)))
            columns = [row[0] for row in session.rows(dialect.table_columns(managed.schema, ours))]
        assert dialect.is_marked(marks[ours])
        assert not dialect.is_marked(marks[other])
        assert columns == ["a", "b"]

    def test_dropping_a_table_twice_is_no_error(self, managed: Source) -> None:
        with managed.session() as session:
            for _ in range(2):
                session.execute(managed.dialect.drop_table(self.full(managed, "kit_gone")))
