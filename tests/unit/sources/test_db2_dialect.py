"""Db2's SQL where it needs no server: names, types, literals, statements in steps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.sources.base import Column, Kind
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.sources.db2.names import swapped
from tailrace.sources.db2.statements import steps, together, unless
from tailrace.sources.db2.types import native_of
from tailrace.sources.db2.wire import Field
from tailrace.state.columns import StoredColumn

DIALECT = Db2Dialect()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("id", "ID"),
        ("record_id", "RECORD_ID"),
        ("Mixed Case", "Mixed Case"),
        ("ID", "id"),
        ("größe", "größe"),
        ("水", "水"),
        ("100%", "100%"),
        ("_seq", "_SEQ"),
    ],
)
def test_names_that_db2_folded_are_lower_case_for_us(ours: str, theirs: str) -> None:
    assert swapped(theirs) == ours
    assert DIALECT.quote(ours) == f'"{theirs}"'


def test_a_schema_is_named_as_db2_has_it() -> None:
    assert DIALECT.table("SEGMENT_REVERSE_ETL", "sync_log") == '"SEGMENT_REVERSE_ETL"."SYNC_LOG"'


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 7, 1, 2, tzinfo=UTC)
    assert DIALECT.literal(moment) == "TIMESTAMP('2026-07-01 02:00:00.000000')"
    assert DIALECT.literal(True) == "TRUE"
    assert DIALECT.literal("it's") == "'it''s'"


@pytest.mark.parametrize(
    ("field", "native"),
    [
        (Field("A", "int", 5, 0, 6, 6), "SMALLINT"),
        (Field("A", "int", 10, 0, 11, 11), "INTEGER"),
        (Field("A", "bigint", 19, 0, 20, 20), "BIGINT"),
        (Field("A", "real", 7, 0, 13, 13), "REAL"),
        (Field("A", "real", 15, 0, 22, 22), "DOUBLE"),
        (Field("A", "real", 34, 0, 42, 42), "DECFLOAT"),
        (Field("A", "decimal", 10, 2, 12, 12), "DECIMAL(10,2)"),
        (Field("A", "string", 7, 0, 7, 7), "VARCHAR(7)"),
        (Field("A", "string", 7, 0, 7, 14), "VARCHAR(7) FOR BIT DATA"),
        (Field("A", "timestamp", 26, 6, 26, 26), "TIMESTAMP"),
        (Field("A", "timestamp", 32, 12, 32, 32), "TIMESTAMP(12)"),
        (Field("A", "clob", 1_000_000, 0, 1_000_000, 1_000_000), "CLOB(1000000)"),
        (Field("A", "int", 1, 0, 1, 1), "BOOLEAN"),
    ],
)
def test_types_are_read_from_the_drivers_description(field: Field, native: str) -> None:
    assert native_of(field) == native


@pytest.mark.parametrize(
    ("native", "stored"),
    [
        ("SMALLINT", "BIGINT"),
        ("INTEGER", "BIGINT"),
        ("REAL", "DOUBLE"),
        ("DECIMAL(10,2)", "DECIMAL(10,2)"),
        ("DECFLOAT", "DECFLOAT"),
        ("CHAR(5)", "VARCHAR(5)"),
        ("VARCHAR(70)", "VARCHAR(70)"),
        ("CLOB(1000000)", "VARCHAR(32672)"),
        ("VARGRAPHIC(100)", "VARCHAR(300)"),
        ("XML", "VARCHAR(32672)"),
        ("VARCHAR(4) FOR BIT DATA", "VARCHAR(4) FOR BIT DATA"),
        ("BLOB(1000)", "VARCHAR(32672) FOR BIT DATA"),
        ("TIME", "VARCHAR(8)"),
        ("TIMESTAMP(12)", "TIMESTAMP(12)"),
    ],
)
def test_values_are_stored_in_types_that_compare(native: str, stored: str) -> None:
    column = Column("a", DIALECT.kind_of(native), native)
    assert DIALECT.storage(column).native == stored


@pytest.mark.parametrize(
    ("left", "right", "wide"),
    [
        ("VARCHAR(5)", "VARCHAR(70)", "VARCHAR(70)"),
        ("BIGINT", "DECIMAL(10,2)", "DECIMAL(21,2)"),
        ("DECIMAL(31,0)", "DECIMAL(31,10)", "DECFLOAT"),
        ("BIGINT", "DOUBLE", "DOUBLE"),
        ("DATE", "TIMESTAMP", "TIMESTAMP"),
        ("TIMESTAMP", "TIMESTAMP(12)", "TIMESTAMP(12)"),
        ("VARCHAR(5) FOR BIT DATA", "VARCHAR(9) FOR BIT DATA", "VARCHAR(9) FOR BIT DATA"),
    ],
)
def test_a_wider_type_holds_both(left: str, right: str, wide: str) -> None:
    columns = [Column("a", DIALECT.kind_of(native), native) for native in (left, right)]
    for first, second in (columns, columns[::-1]):
        found = DIALECT.widen(first, second)
        assert found is not None
        assert found.native == wide
        assert found.kind is DIALECT.kind_of(wide)


def test_a_whole_number_in_the_place_of_a_decimal_is_cast_to_it() -> None:
    place = StoredColumn("a", "a", Kind.DECIMAL, "DECIMAL(21,2)", model="INTEGER")
    assert place.from_model(DIALECT, "m.a") == "CAST(CAST(m.a AS BIGINT) AS DECIMAL(21,2))"


def test_another_class_of_type_is_no_wider_one() -> None:
    assert DIALECT.widen(Column("a", Kind.INT, "BIGINT"), Column("a", Kind.TEXT, "VARCHAR(5)")) is None


def test_statements_go_together_and_may_have_nothing_to_do() -> None:
    text = together("A", unless("B", "42704", "42S02"))
    assert list(steps(text)) == [("A", frozenset()), ("B", frozenset({"42704", "42S02"}))]
    assert list(steps("/* any */ SELECT 1")) == [("/* any */ SELECT 1", frozenset())]


def test_the_form_is_asked_for_once_and_only_when_it_matters() -> None:
    asked: list[int] = []

    def ask() -> bool:
        asked.append(1)
        return False

    dialect = Db2Dialect(ask)
    dialect.drop_table("t")
    assert asked == []
    assert not dialect.joins_fully
    assert "OVER ()" in dialect.numbered("SELECT 1 AS a FROM t", ["a"], "pos")
    assert asked == [1]
    assert "OVER (ORDER BY" in DIALECT.numbered("SELECT 1 AS a FROM t", ["a"], "pos")


def test_a_long_text_is_written_in_constants_that_db2_takes() -> None:
    pieces = DIALECT.literal("ü'" * 10_000).split(" || ")
    assert pieces[0].startswith("CAST('ü''")
    assert pieces[0].endswith(" AS CLOB(2M))")
    assert all(len(piece.encode()) <= 32_672 for piece in pieces)
    assert DIALECT.literal("x" * 8_000) == f"'{'x' * 8_000}'"


def test_columns_of_ours_are_as_wide_as_they_must_be_and_no_wider() -> None:
    types = {name: DIALECT.own_column(name, "text") for name in ("record_id", "message", "phase", "spec")}
    assert types == {
        "record_id": "VARCHAR(4000)",
        "message": "VARCHAR(4000)",
        "phase": "VARCHAR(255)",
        "spec": "CLOB(2M)",
    }
    assert DIALECT.own_column("n", "bigint") == "BIGINT"


def test_the_digests_of_any_number_of_columns_fit_into_a_text() -> None:
    def checksum(columns: int) -> str:
        return DIALECT.checksum(
            [(f"c{number}", Column("a", Kind.INT, "BIGINT")) for number in range(columns)]
        )

    assert checksum(128).count("HASH(") == 129
    assert checksum(1_000).count("HASH(") == 1_000 + 8 + 1
    assert checksum(1).endswith(" AS VARCHAR(8192)), 2)))")
