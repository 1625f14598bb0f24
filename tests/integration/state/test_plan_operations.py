"""Which records a plan sends, holds back, sets aside or drops (R5–R9, R21, R32), on both warehouses."""

from __future__ import annotations

import pytest

from tailrace.sources.base import Source
from tailrace.state.counts import assert_plan
from tests.integration.state.shop import MIRROR, Planned, Shop, make_shop

MODEL = "SELECT id, name FROM customers"


@pytest.fixture
def shop(source: Source, request: pytest.FixtureRequest) -> Shop:
    database = request.getfixturevalue("postgres_database") if source.type == "postgres" else None
    made = make_shop(source, database)
    made.run("CREATE TABLE customers (id integer, name text)")
    return made


def add(shop: Shop, *rows: tuple[object, object]) -> None:
    literal = shop.dialect.literal
    shop.run(*(f"INSERT INTO customers VALUES ({literal(a)}, {literal(b)})" for a, b in rows))


def check(planned: Planned, model_rows: int) -> None:
    assert planned.counts.counts.model_rows == model_rows
    assert_plan(planned.counts.counts)
    assert_plan(planned.counts.unlimited)


def test_r05_first_sync_then_changes(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    first = shop.sync(MODEL)
    assert first.changes() == {"added": ["1", "2", "3"]}
    check(first, 3)
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    add(shop, (4, "d"))
    second = shop.plan(MODEL)
    assert second.changes() == {"added": ["4"], "updated": ["2"], "deleted": ["3"]}
    check(second, 3)
    assert {(row["_operation"], row["_key"], row["name"]) for row in second.send()} == {
        ("added", "4", "d"),
        ("updated", "2", "B"),
        ("deleted", "3", "c"),
    }
    second.deliver()
    third = shop.plan(MODEL)
    assert third.changes() == {}
    assert third.counts.counts.unchanged == 3
    check(third, 3)
