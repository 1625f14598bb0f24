"""The grants of a Db2 source: an order that runs as printed, and one GRANT for each table of the models."""

from __future__ import annotations

import pytest

from tailrace.sources.db2.grants import tables_of
from tailrace.sources.db2.source import Db2Source

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
        ("SELECT ((( FROM", None),
    ],
)
def test_the_tables_of_a_model_are_found(sql: str, tables: set[tuple[str, str]] | None) -> None:
    assert tables_of(sql, "HOME") == tables


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
    models = ["SELECT * FROM shop.b", "SELECT * FROM shop.a", "(((("]
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
