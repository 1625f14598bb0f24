"""Types of the user's own and values at the borders, as each warehouse has them."""

from __future__ import annotations

import duckdb
import pytest
from tests.integration.state.shop import Shop

from tailrace.outcomes import Span
from tailrace.state.plan_read import read_unit, units


@pytest.fixture
def postgresql(shop: Shop) -> Shop:
    if not shop.postgres:
        pytest.skip("PostgreSQL's types")
    return shop


@pytest.fixture
def duck(shop: Shop) -> Shop:
    if shop.postgres:
        pytest.skip("DuckDB's types")
    return shop


def test_state_depends_on_no_type_of_the_users(postgresql: Shop) -> None:
    postgresql.run(
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE TYPE address AS (street text, number integer)",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        "CREATE TABLE people (id positive, m mood, a address, l mood[], r address[])",
        "INSERT INTO people VALUES (1, 'sad', ROW('Main', 1), ARRAY['sad']::mood[], ARRAY[ROW('x', 2)]::address[])",
    )
    model = "SELECT * FROM people"
    row = postgresql.sync(model).send()[0]
    assert (row["_key"], row["m"], row["l"]) == ("1", "sad", '["sad"]')
    assert row["r"] == '[{"number": 2, "street": "x"}]'
    assert postgresql.plan(model).changes() == {}
    postgresql.run("ALTER TYPE address RENAME ATTRIBUTE street TO road")
    assert postgresql.plan(model).changes() == {"updated": ["1"]}, "a renamed field is a change"
    postgresql.run("DROP TABLE people", "DROP TYPE mood", "DROP TYPE address", "DROP DOMAIN positive")


def test_infinite_times_do_not_stop_a_sync(postgresql: Shop) -> None:
    model = (
        "SELECT 1 AS id, timestamp 'infinity' AS t, timestamptz '-infinity' AS z, date 'infinity' AS d"
        " UNION ALL SELECT 2, timestamp '2024-01-01', timestamptz '2024-01-01 00:00+00', date '2024-01-01'"
        " UNION ALL SELECT 3, NULL, NULL, NULL"
    )
    planned = postgresql.sync(model)
    with postgresql.source.session() as session:
        columns = planned.request.columns
        span = Span(0, 2**62)
        rows = read_unit(session, postgresql.dialect, postgresql.names, planned.table, span, columns)
    duckdb.register("rows", rows)
    found = duckdb.sql(
        "SELECT _key, isfinite(t), isfinite(z), year(d) > 9999 FROM rows ORDER BY _key"
    ).fetchall()
    assert found == [("1", False, False, True), ("2", True, True, False), ("3", None, None, None)]
    assert postgresql.plan(model).changes() == {}


def test_money_and_other_types_go_as_text(postgresql: Shop) -> None:
    model = "SELECT 1 AS id, '12.50'::money AS m, inet '10.0.0.1' AS i, '101'::bit(3) AS b, 7::oid AS o"
    row = postgresql.sync(model).send()[0]
    assert (row["m"], row["i"], row["b"], row["o"]) == ("12.50", "10.0.0.1/32", "101", 7)
    assert postgresql.plan(model).changes() == {}


def test_types_of_duckdb(duck: Shop) -> None:
    model = (
        "SELECT 1 AS id, CAST(170141183460469231731687303715884105727 AS hugeint) AS h, CAST(200 AS utinyint) AS u,"
        " CAST(4000000000 AS uinteger) AS ui, CAST(18446744073709551615 AS ubigint) AS ub, MAP {'a': 1} AS m,"
        " {'a': [1, 2], 'b': NULL} AS s, CAST('x' AS ENUM('x', 'y')) AS e, union_value(n := 1) AS n,"
        " CAST('2024-01-01 00:00:00' AS timestamp_s) AS ts, CAST('101' AS bit) AS b, TIME '10:00:00' AS t"
    )
    row = duck.sync(model).send()[0]
    assert (row["h"], row["u"], row["ui"]) == ("170141183460469231731687303715884105727", 200, 4000000000)
    assert (row["ub"], row["m"], row["s"]) == ("18446744073709551615", '{"a":1}', '{"a":[1,2],"b":null}')
    assert (row["e"], row["b"], row["t"], str(row["ts"])) == ("x", "101", "10:00:00", "2024-01-01 00:00:00")
    assert duck.plan(model).changes() == {}


def test_infinite_times_of_duckdb(duck: Shop) -> None:
    model = "SELECT 1 AS id, CAST('infinity' AS timestamp) AS t, CAST('-infinity' AS timestamptz) AS z"
    duck.sync(model)
    assert duck.plan(model).changes() == {}


def test_nan_inside_nested_values_is_compared(duck: Shop) -> None:
    duck.sync("SELECT 1 AS id, [CAST('NaN' AS double), 1] AS a")
    assert duck.plan("SELECT 1 AS id, [CAST('NaN' AS double), 1] AS a").changes() == {}
    assert duck.plan("SELECT 1 AS id, [CAST('NaN' AS double), 2] AS a").changes() == {"updated": ["1"]}


def test_a_model_with_comments_semicolons_and_ctes(shop: Shop) -> None:
    shop.run("CREATE TABLE customers (id integer, name text)", "INSERT INTO customers VALUES (1, 'a')")
    model = "WITH c AS (SELECT id, name FROM customers) SELECT id, name FROM c ORDER BY id LIMIT 5 -- all; of them"
    assert shop.sync(model).changes() == {"added": ["1"]}
    assert shop.plan(model).changes() == {}


def test_three_hundred_columns(shop: Shop) -> None:
    columns = ", ".join(f"CAST({number} AS integer) AS c{number}" for number in range(300))
    shop.sync(f"SELECT 1 AS id, {columns}")
    planned = shop.plan(f"SELECT 1 AS id, {columns.replace('CAST(299', 'CAST(0')}")
    assert planned.changes() == {"updated": ["1"]}


@pytest.mark.parametrize("native", ["json", "jsonb"])
def test_r10_a_document_counts_with_its_size_not_that_of_its_compressed_form(
    postgresql: Shop, native: str
) -> None:
    postgresql.run(
        f"CREATE TABLE documents AS SELECT i AS id, CAST('{{\"a\":\"' || repeat('x', 40000) || '\"}}' AS {native})"
        " AS doc FROM generate_series(1, 300) AS i"
    )
    planned = postgresql.plan("SELECT id, doc FROM documents")
    with postgresql.source.session() as session:
        d, names, columns = postgresql.dialect, postgresql.names, planned.request.columns
        made = units(session, d, names, planned.table, columns, max_bytes=1_000_000)
    assert len(made) > 12
    assert sum(unit.records for unit in made) == 300
