"""The grants of a Db2 source: an order that runs as printed, and one GRANT for each table of the models."""

from __future__ import annotations

import pytest

from tailrace.errors import ModelError
from tailrace.sources.db2.source import Db2Source
from tailrace.sources.db2.tables import tables_of

SETTINGS = {"hostname": "db.example.com", "database": "SHOP", "username": "segment", "password": "p"}


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM shop.orders", {("SHOP", "ORDERS")}),
        ("SELECT * FROM orders", {("HOME", "ORDERS")}),
        ('SELECT * FROM "Shop"."My Orders" AS o', {("Shop", "My Orders")}),
        ("WITH a AS (SELECT * FROM s.t) SELECT * FROM a JOIN s.u ON a.x = u.x", {("S", "T"), ("S", "U")}),
        (
            "SELECT * FROM s.t WHERE x IN (SELECT y FROM s.v) UNION ALL SELECT * FROM s.t",
            {("S", "T"), ("S", "V")},
        ),
        ("SELECT 1 AS x FROM SYSIBM.SYSDUMMY1", set()),
        ("SELECT * FROM s.t FETCH FIRST 10 ROWS ONLY", {("S", "T")}),
        ("SELECT * FROM shop.orders WHERE day > CURRENT DATE - 7 DAYS + 1 MONTH", {("SHOP", "ORDERS")}),
        ("SELECT a CONCAT b AS c, CAST(d AS CHAR(8) FOR BIT DATA) AS d FROM s.t", {("S", "T")}),
        ("SELECT XMLSERIALIZE(doc AS VARCHAR(9)) AS d FROM s.t OPTIMIZE FOR 9 ROWS", {("S", "T")}),
        ("SELECT * FROM s.t# o, s.\"T\"\"2\", db.s.x$y@ AS z(a, b)", {("S", "T#"), ("S", 'T"2'), ("S", "X$Y@")}),
        ("SELECT a, b FROM s.t MINUS SELECT a, b FROM s.u WHERE a = b ORDER BY a, b", {("S", "T"), ("S", "U")}),
        ("SELECT * FROM (s.t JOIN s.u ON t.a = u.a, s.w) LEFT JOIN s.v USING (a, b)",
         {("S", "T"), ("S", "U"), ("S", "V"), ("S", "W")}),
        ("SELECT * FROM s.t, LATERAL (SELECT * FROM s.u) AS l, TABLE(s.f(1)) AS f, s.v AS OF",
         {("S", "T"), ("S", "U"), ("S", "V")}),
        ("SELECT * FROM (VALUES 1, 2) AS v(a), s.t, (WITH x AS (SELECT 1 FROM s.u) SELECT * FROM x) AS w",
         {("S", "T"), ("S", "U")}),
        ("SELECT TRIM(LEADING '0' FROM a), EXTRACT(YEAR FROM b), values, w FROM s.t", {("S", "T")}),
        ("SELECT a FROM s.t WHERE a IS DISTINCT FROM b, c", {("S", "T")}),
        ("SELECT t.order, u.a FROM s.t JOIN s.u ON t.order = u.where, s.v", {("S", "T"), ("S", "U"), ("S", "V")}),
        ("WITH t (n) AS (SELECT 1 FROM s.t UNION ALL SELECT n + 1 FROM t WHERE n < 5), \"U\" AS (SELECT * FROM t)"
         " SELECT n FROM u, s.u", {("S", "T"), ("S", "U")}),
        ("SELECT a -- FROM s.u\nFROM s.t /* , s.v */ WHERE a = ' FROM s.w'", {("S", "T")}),
        ("VALUES (1, 'a')", set()),
        ("SELECT ((( FROM", set()),
    ],
)  # fmt: skip
def test_the_tables_of_a_model_are_found(sql: str, tables: set[tuple[str, str]]) -> None:
    assert tables_of(sql, "HOME") == tables


def test_a_text_that_is_not_closed_hides_its_tables() -> None:
    with pytest.raises(ModelError):
        tables_of("SELECT * FROM s.t WHERE a = 'b", "HOME")


def test_the_schema_is_made_before_rights_on_it_are_granted() -> None:
    text = Db2Source("w", SETTINGS).grants("segment", None, [])
    statements = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert statements == [
        'GRANT CONNECT, CREATETAB ON DATABASE TO USER "SEGMENT";',
        'CREATE SCHEMA "SEGMENT_REVERSE_ETL";',
        'GRANT CREATEIN, DROPIN ON SCHEMA "SEGMENT_REVERSE_ETL" TO USER "SEGMENT";',
    ]
    assert "User management" in text


def test_each_table_has_a_grant_of_its_own() -> None:
    models = ["SELECT * FROM shop.b", "SELECT * FROM shop.a", "SELECT '"]
    lines = Db2Source("w", SETTINGS).table_grants(models, None, None).splitlines()
    assert [line for line in lines if not line.startswith("--") and line] == [
        'GRANT SELECT ON TABLE "SHOP"."A" TO USER "SEGMENT";',
        'GRANT SELECT ON TABLE "SHOP"."B" TO USER "SEGMENT";',
    ]
    assert any("could not be understood" in line for line in lines)


def test_a_role_takes_the_place_of_the_user() -> None:
    source = Db2Source("w", SETTINGS)
    text = source.grants(None, "readers", ["shop"])
    assert 'CREATE ROLE "READERS";' in text
    assert 'GRANT ROLE "READERS" TO USER "SEGMENT";' in text
    assert 'GRANT SELECTIN ON SCHEMA "SHOP" TO ROLE "READERS";' in text
    assert 'TO ROLE "READERS"' in source.table_grants(["SELECT 1 AS a FROM s.t"], None, "readers")
