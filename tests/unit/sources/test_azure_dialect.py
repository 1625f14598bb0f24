"""T-SQL as the dialect writes it, where no database is needed to see that it is right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.session import labelled
from tailrace.sources.azure.syntax import renamed
from tailrace.sources.azure.types import described
from tailrace.sources.base import Column, Kind

DIALECT = AzureDialect()


def test_names_and_texts_are_quoted() -> None:
    assert DIALECT.table("a]b", 'c"d') == '[a]]b].[c"d]'
    assert DIALECT.literal("it's ü") == "N'it''s ü'"
    assert DIALECT.literal(True) == "CAST(1 AS BIT)"
    assert DIALECT.literal(None) == "NULL"
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert DIALECT.literal(moment) == "CAST('2026-01-02 03:04:05.000006+00:00' AS DATETIMEOFFSET(6))"
    with pytest.raises(ValueError, match="NUL"):
        DIALECT.literal("\0")


def test_tables_say_how_they_are_spread_and_are_heaps() -> None:
    made = DIALECT.create_table("[s].[t]", [("record_id", "nvarchar(max)"), ("n", "bigint")])
    assert made == (
        "CREATE TABLE [s].[t] ([record_id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [n] bigint NULL)"
        " WITH (DISTRIBUTION = HASH([record_id]), HEAP)"
    )
    assert "DISTRIBUTION = ROUND_ROBIN, HEAP) AS\nSELECT" in DIALECT.create_table_as(
        "[s].[t]", "SELECT 1 AS n"
    )


def test_a_marked_table_is_made_in_one_statement() -> None:
    (made,) = DIALECT.create_marked("[s].[t]", [("n", "bigint")])
    assert "[tailrace:1] bit NULL" in made
    (made_as,) = DIALECT.create_marked_as("[s].[t]", "WITH a AS (SELECT 1 AS n) SELECT n FROM a")
    assert "AS\nWITH a AS (SELECT 1 AS n)\nSELECT made.*, CAST(NULL AS BIT) AS [tailrace:1]" in made_as


def test_a_stage_is_a_temporary_table_with_the_types_asked_for() -> None:
    statements = DIALECT.fill_stage(
        "x_1", [("record_id", "nvarchar(max)"), ("c0", "decimal(38,2)")], "SELECT 1 AS record_id, 2 AS c0"
    )
    assert statements[-1].startswith(
        "CREATE TABLE #x_1 WITH (DISTRIBUTION = HASH([record_id]), HEAP) AS\nSELECT CAST("
    )
    assert "CAST(staged.[record_id] AS nvarchar(4000)) COLLATE" in statements[-1]
    assert DIALECT.stage("a b") == "[#a b]"


def test_a_changed_table_has_no_alias() -> None:
    condition = "r.a = 'r.a' AND [r.b] IS NULL AND EXISTS (SELECT 1 FROM x AS xr WHERE xr.k = r.k)"
    assert DIALECT.delete_from("[s].[t]", "r", condition) == (
        "DELETE FROM [s].[t] WHERE [t].a = 'r.a' AND [r.b] IS NULL"
        " AND EXISTS (SELECT 1 FROM x AS xr WHERE xr.k = [t].k)"
    )
    assert renamed("r.[a] + 'it''s r.x'", "r", "[s].[t]") == "[t].[a] + 'it''s r.x'"


def test_an_update_joins_only_where_it_takes_a_value_over() -> None:
    taken = DIALECT.update_from("[s].[t]", "r", {"[a]": "c.a"}, "SELECT 1 AS a", "c", "r.k = c.k")
    assert taken == "UPDATE [s].[t] SET [a] = c.a FROM (\nSELECT 1 AS a\n) AS c WHERE [t].k = c.k"
    constant = DIALECT.update_from("[s].[t]", "r", {"[a]": "1"}, "SELECT 1 AS k", "c", "r.k = c.k")
    assert constant.startswith("UPDATE [s].[t] SET [a] = 1 WHERE EXISTS (SELECT 1 FROM (")


@pytest.mark.parametrize(
    ("statement", "has_one"),
    [
        ("SELECT 1", True),
        ("with a as (select 1 as x) select x from a", True),
        ("INSERT INTO t SELECT 1", True),
        ("UPDATE t SET a = 1", True),
        ("DELETE FROM t", True),
        ("CREATE TABLE t WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS\nSELECT 1 AS a", True),
        ("CREATE TABLE t (a int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)", False),
        ("IF OBJECT_ID(N't') IS NOT NULL DROP TABLE t", False),
        ("BEGIN TRANSACTION", False),
        ("COMMIT TRANSACTION", False),
        ("RENAME OBJECT a TO b", False),
        ("KILL 'SID1'", False),
    ],
)
def test_every_statement_that_can_have_one_has_a_label(statement: str, has_one: bool) -> None:
    assert labelled(statement).endswith("OPTION (LABEL = N'tailrace')") is has_one


@pytest.mark.parametrize(
    ("left", "right", "wide"),
    [
        ("int", "bigint", "bigint"),
        ("decimal(8,2)", "decimal(20,6)", "decimal(20,6)"),
        ("int", "decimal(12,2)", "decimal(12,2)"),
        ("decimal(38,0)", "decimal(38,10)", "float"),
        ("bigint", "float", "float"),
        ("nvarchar(5)", "nvarchar(max)", "nvarchar(max)"),
        ("nvarchar(5)", "nvarchar(50)", "nvarchar(50)"),
        ("date", "datetime2(6)", "datetime2(6)"),
        ("datetime2(6)", "datetimeoffset(6)", "datetimeoffset(6)"),
    ],
)
def test_a_wider_type_holds_both(left: str, right: str, wide: str) -> None:
    for one, other in ((left, right), (right, left)):
        stored, wanted = (Column("c", DIALECT.kind_of(each), each) for each in (one, other))
        found = DIALECT.widen(stored, wanted)
        assert found is not None
        assert found.native == wide


def test_another_class_of_type_has_no_wider_one() -> None:
    assert DIALECT.widen(Column("c", Kind.INT, "int"), Column("c", Kind.TEXT, "nvarchar(9)")) is None


@pytest.mark.parametrize(
    ("native", "kind", "stored"),
    [
        ("tinyint", Kind.INT, "tinyint"),
        ("money", Kind.DECIMAL, "decimal(19,4)"),
        ("real", Kind.FLOAT, "real"),
        ("varchar(8000)", Kind.TEXT, "nvarchar(max)"),
        ("nchar(10)", Kind.TEXT, "nvarchar(10)"),
        ("varbinary(16)", Kind.BYTES, "varbinary(16)"),
        ("smalldatetime", Kind.TIMESTAMP, "datetime2(6)"),
        ("datetimeoffset(7)", Kind.TIMESTAMPTZ, "datetimeoffset(6)"),
        ("time(7)", Kind.TIME, "nvarchar(16)"),
        ("uniqueidentifier", Kind.UUID, "uniqueidentifier"),
        ("sql_variant", Kind.OTHER, "nvarchar(max)"),
    ],
)
def test_values_are_kept_in_a_form_that_holds_them(native: str, kind: Kind, stored: str) -> None:
    assert DIALECT.kind_of(native) is kind
    assert DIALECT.storage(Column("c", kind, native)).native == stored


def test_odbc_describes_the_types() -> None:
    columns = [
        ("a", -9, 20, 0),
        ("b", -9, 0, 0),
        ("c", 3, 38, 10),
        ("d", -155, 33, 6),
        ("e", 12, 8000, 0),
        ("f", -4, 0, 0),
    ]
    description = [(name, None, None, size, size, scale, True) for name, _, size, scale in columns]
    assert described(description, [code for _, code, _, _ in columns]) == [
        ("a", "nvarchar(20)"),
        ("b", "nvarchar(max)"),
        ("c", "decimal(38,10)"),
        ("d", "datetimeoffset(6)"),
        ("e", "varchar(8000)"),
        ("f", "varbinary(max)"),
    ]
