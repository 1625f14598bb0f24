"""Keys: canonical text, and which cannot be used (R6), on both warehouses."""

from __future__ import annotations

import json

import pytest
from tests.integration.state.seen import set_aside
from tests.integration.state.shop import Shop, check

from tailrace.errors import ModelError
from tailrace.sources.dialect import WHITE_SPACE, check_key


def keys(shop: Shop, *values: str, key: str | list[str] = "id") -> list[str | None]:
    """The record ids of a model whose key is each of these expressions in turn."""
    model = " UNION ALL ".join(f"SELECT {value} AS id, 'x' AS name" for value in values)
    return [row["_key"] for row in sorted(shop.preview(model, key), key=lambda row: str(row["_key"]))]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("CAST(1 AS smallint)", "1"),
        ("CAST(-1 AS integer)", "-1"),
        ("CAST(4294967296 AS bigint)", "4294967296"),
        ("CAST(9223372036854775807 AS bigint)", "9223372036854775807"),
        ("CAST(1 AS decimal(20, 2))", "1"),
        ("CAST(1.0 AS decimal(10, 1))", "1"),
        ("CAST(1.50 AS decimal(10, 2))", "1.5"),
        ("CAST(100 AS decimal(10, 0))", "100"),
        ("CAST(0 AS decimal(10, 4))", "0"),
        ("CAST(-0.50 AS decimal(10, 2))", "-0.5"),
        ("CAST('12345678901234567890123456789012345.678' AS decimal(38, 3))", "12345678901234567890123456789012345.678"),
        ("'a'", "a"),
        ("'A '", "A "),
        ("' a'", " a"),
        ("'50E8400-E29B'", "50E8400-E29B"),
        ("CAST('550E8400-E29B-41D4-A716-446655440000' AS uuid)", "550e8400-e29b-41d4-a716-446655440000"),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("TIMESTAMP '2024-02-29 10:00:00'", "2024-02-29T10:00:00"),
        ("TIMESTAMP '2024-02-29 10:00:00.120'", "2024-02-29T10:00:00.12"),
        ("CAST('2024-02-29 10:00:00.5+02' AS timestamp with time zone)", "2024-02-29T08:00:00.5Z"),
        ("CAST('2024-02-29 10:00:00+00' AS timestamp with time zone)", "2024-02-29T10:00:00Z"),
        ("TIME '10:00:00.50'", "10:00:00.5"),
    ],
)  # fmt: skip
def test_r06_canonical_text(shop: Shop, value: str, text: str) -> None:
    assert keys(shop, value) == [text]


@pytest.mark.parametrize("types", [["integer", "bigint", "decimal(20, 2)"], ["char(5)", "char(10)", "text"]])
def test_r06_a_wider_key_type_changes_nothing(shop: Shop, types: list[str]) -> None:
    shop.run(
        f"CREATE TABLE customers (id {types[0]}, name text)",
        "INSERT INTO customers VALUES ('12', 'a'), ('7', 'b')",
    )
    model = "SELECT id, name FROM customers"
    shop.sync(model)
    for wider in types[1:]:
        planned = shop.sync(f"SELECT CAST(id AS {wider}) AS id, name FROM customers")
        assert planned.changes() == {}
        assert planned.counts.counts.unchanged == 2


def test_r06_keys_compare_byte_by_byte(shop: Shop) -> None:
    shop.run(
        "CREATE TABLE customers (id text, name text)",
        "INSERT INTO customers VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('ä', '4')",
    )
    planned = shop.sync("SELECT id, name FROM customers")
    assert planned.changes() == {"added": ["A", "a", "a ", "ä"]}
    shop.run("DELETE FROM customers WHERE id = 'A'")
    assert shop.plan("SELECT id, name FROM customers").changes() == {"deleted": ["A"]}


def test_r06_a_case_blind_collation_makes_no_keys_equal(shop: Shop) -> None:
    if shop.postgres:
        shop.run(
            "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE customers (id text COLLATE blind, name text COLLATE blind)",
        )
    else:
        shop.run("CREATE TABLE customers (id text COLLATE NOCASE, name text COLLATE NOCASE)")
    shop.run("INSERT INTO customers VALUES ('a', 'x'), ('A', 'y')")
    planned = shop.sync("SELECT id, name FROM customers")
    assert planned.changes() == {"added": ["A", "a"]}
    shop.run("UPDATE customers SET name = 'X' WHERE name = 'x'")
    assert shop.plan("SELECT id, name FROM customers").changes() == {"updated": ["a"]}


def test_r06_bad_keys_are_set_aside_with_samples_and_stop_nobody(shop: Shop) -> None:
    shop.run("CREATE TABLE customers (id text, name text)")
    d = shop.dialect
    for key in (None, None, "", " ", WHITE_SPACE, "twice", "twice", "good"):
        shop.run(f"INSERT INTO customers VALUES ({d.literal(key)}, 'x')")
    model = "SELECT id, name FROM customers"
    for expected in ({"added": ["good"]}, {}):
        planned = shop.plan(model)
        changes = planned.changes()
        assert len(changes.pop("set_aside")) == 7
        assert changes == expected
        check(planned, 8)
        assert planned.counts.counts.set_aside == 7
        assert set_aside(shop, model) == {
            ("blank", " "): 1,
            ("blank", WHITE_SPACE): 1,
            ("empty", ""): 1,
            ("null", None): 2,
            ("repeated", "twice"): 2,
        }
        planned.deliver()
    assert shop.rows(f"SELECT record_id FROM {shop.records}") == [("good",)]


def test_r06_only_null_keys_are_never_sent(shop: Shop) -> None:
    shop.run(
        "CREATE TABLE customers (id integer, name text)",
        "INSERT INTO customers VALUES (NULL, 'a'), (NULL, 'b')",
    )
    for _ in range(2):
        planned = shop.sync("SELECT id, name FROM customers")
        assert planned.changes() == {"set_aside": [None, None]}
        check(planned, 2)


def test_r06_composite_keys_are_one_json_array(shop: Shop) -> None:
    shop.run("CREATE TABLE customers (a integer, b text)")
    d = shop.dialect
    parts = ['x"y', "x\\y", "é\n\t\x01", "x/y", ","]
    for part in parts:
        shop.run(f"INSERT INTO customers VALUES (1, {d.literal(part)})")
    shop.run("INSERT INTO customers VALUES (NULL, 'x'), (2, NULL), (3, ''), (4, ' ')")
    planned = shop.plan("SELECT a, b FROM customers", ["a", "b"])
    check(planned, 9)
    sent = [row["_key"] for row in planned.send()]
    assert sorted(json.loads(key) for key in sent) == sorted(["1", part] for part in parts)
    assert all(": " not in key and ", " not in key for key in sent)
    assert planned.counts.counts.set_aside == 4
    found = set_aside(shop, "SELECT a, b FROM customers", ["a", "b"])
    assert sorted((reason, rows) for (reason, _), rows in found.items()) == [
        ("blank", 1),
        ("empty", 1),
        ("null", 2),
    ]


def test_r06_parts_of_a_composite_key_do_not_run_into_each_other(shop: Shop) -> None:
    model = "SELECT 'a' AS a, 'b,c' AS b UNION ALL SELECT 'a,b', 'c'"
    assert {row["_key"] for row in shop.preview(model, ["a", "b"])} == {'["a","b,c"]', '["a,b","c"]'}


@pytest.mark.parametrize("value", ["CAST(1.5 AS double precision)", "TRUE", "CAST('{}' AS json)"])
def test_r06_keys_without_a_canonical_text_are_refused(shop: Shop, value: str) -> None:
    columns = shop.source.describe(f"SELECT {value} AS id")
    with pytest.raises(ModelError, match="'id'"):
        check_key(columns)


def test_r06_session_settings_do_not_matter_for_keys(shop: Shop) -> None:
    model = "SELECT CAST('2024-06-01 00:30:00+02' AS timestamp with time zone) AS id, 1 AS x"
    if shop.postgres:
        shop.run(
            "ALTER ROLE CURRENT_USER SET TimeZone = 'Asia/Kolkata'",
            "ALTER ROLE CURRENT_USER SET DateStyle = 'German'",
        )
    try:
        assert [row["_key"] for row in shop.preview(model)] == ["2024-05-31T22:30:00Z"]
    finally:
        if shop.postgres:
            shop.run("ALTER ROLE CURRENT_USER RESET ALL")
