"""Columns that come, go and change their type, and mappings that change (R14–R17), on both warehouses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from tests.integration.state.shop import UPSERT, Shop, add, check

from tailrace.state.plan_table import count_plan
from tailrace.state.rerender import keep_candidates, read_candidates

MODEL = "SELECT id, name FROM customers"

pytestmark = pytest.mark.usefixtures("customers")


def kinds(shop: Shop, model: str, **more: object) -> list[tuple[str, str]]:
    return [(step.kind, step.column) for step in shop.evolve(model, apply=False, **more).steps]  # type: ignore[arg-type]


def test_r16_an_added_column_sends_only_records_that_have_it(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync(MODEL)
    model = "SELECT id, name, CASE WHEN id = 2 THEN 'x' END AS extra FROM customers"
    assert kinds(shop, model) == [("added", "extra")]
    rows = [row for row in shop.preview(model) if row["_operation"] == "updated"]
    assert [(row["_key"], row["extra"], row["_old_extra"]) for row in rows] == [("2", "x", None)]
    planned = shop.sync(model)
    assert planned.changes() == {"updated": ["2"]}
    assert kinds(shop, model) == []
    assert shop.plan(model).changes() == {}


def test_r16_a_removed_column_sends_nothing_and_stays(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync(MODEL)
    without = "SELECT id FROM customers"
    assert kinds(shop, without) == [("removed", "name")]
    assert shop.sync(without).changes() == {}
    assert kinds(shop, without) == []
    names = shop.rows(f"SELECT name FROM {shop.records} ORDER BY name")
    assert names == [("a",), ("b",)]
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2")
    assert kinds(shop, MODEL) == [("added", "name")]
    assert shop.sync(MODEL).changes() == {"updated": ["2"]}
    assert shop.plan(MODEL).changes() == {}


def test_r15_widened_in_place_and_never_narrowed(shop: Shop) -> None:
    add(shop, (1, "a"))
    narrow, wide = (
        "SELECT id, CAST(7 AS integer) AS v FROM customers",
        "SELECT id, CAST(7 AS bigint) AS v FROM customers",
    )
    shop.sync(narrow)
    assert kinds(shop, wide) == [("widened", "v")]
    assert shop.preview(wide)[0]["_operation"] == "count"
    assert shop.sync(wide).changes() == {}
    assert kinds(shop, narrow) == []
    assert shop.sync(narrow).changes() == {}
    with shop.source.session() as session:
        types = dict(session.rows(shop.dialect.table_columns(shop.names.schema, shop.names.records)))
    assert types["v"].lower() == "bigint"
    assert shop.sync("SELECT id, CAST(9007199254740993 AS bigint) AS v FROM customers").changes() == {
        "updated": ["1"]
    }


def test_r15_an_unfinished_widening_is_taken_up_again(shop: Shop) -> None:
    add(shop, (1, "a"))
    shop.sync("SELECT id, CAST(7 AS integer) AS v FROM customers")
    wide = "SELECT id, CAST(7 AS decimal(20, 2)) AS v FROM customers"
    shop.evolve(wide)
    assert shop.plan("SELECT id, CAST(7 AS integer) AS v FROM customers").changes() == {}
    assert shop.sync(wide).changes() == {}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("CAST(12 AS integer)", "CAST(12 AS text)", {}),
        ("'12'", "CAST(12 AS integer)", {}),
        ("'x'", "CAST(12 AS integer)", {"updated": ["1"]}),
        ("CAST(12 AS integer)", "TRUE", {"updated": ["1"]}),
        (
            "'550e8400-e29b-41d4-a716-446655440000'",
            "CAST('550e8400-e29b-41d4-a716-446655440000' AS uuid)",
            {},
        ),
        ("DATE '2024-01-01'", "'2024-01-01'", {}),
        ("CAST(1.50 AS decimal(10, 2))", "'1.5'", {}),
    ],
)
def test_r15_another_class_of_type_gets_a_place_of_its_own(
    shop: Shop, before: str, after: str, changes: dict[str, list[str]]
) -> None:
    add(shop, (1, "a"))
    old, new = (f"SELECT id, {value} AS v FROM customers" for value in (before, after))
    shop.sync(old)
    held = shop.stored
    assert held is not None
    assert kinds(shop, new) == [("converted", "v")]
    shown = {row["_key"]: [row["_key"]] for row in shop.preview(new) if row["_operation"] == "updated"}
    planned = shop.plan(new)
    assert planned.changes() == changes == ({"updated": ["1"]} if shown else {})
    again = shop.plan(new)
    assert again.changes() == changes, "an attempt that was not sealed is repeated"
    again.deliver()
    assert [(column.stored, column.retired) for column in shop.stored or () if column.name == "v"] == [
        ("v_2", False),
        ("v", True),
    ]
    assert shop.plan(new).changes() == {}


def test_r15_values_are_taken_from_the_place_that_was_used_last(shop: Shop) -> None:
    add(shop, (1, "a"))
    for value in ("CAST(1 AS integer)", "'x'"):
        shop.sync(f"SELECT id, {value} AS v FROM customers")
    assert shop.plan("SELECT id, TRUE AS v FROM customers").changes() == {"updated": ["1"]}


def test_r15_widened_beside_where_it_cannot_be_in_place(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.dialect, "alters", lambda *_: False, raising=False)
    add(shop, (1, "a"))
    narrow, wide = (f"SELECT id, CAST(7 AS {native}) AS v FROM customers" for native in ("integer", "bigint"))
    shop.sync(narrow)
    assert kinds(shop, wide) == [("converted", "v")]
    assert shop.preview(wide)[0]["_operation"] == "count"
    assert shop.plan(wide).changes() == {}, "an attempt that was not sealed is repeated"
    assert shop.sync(wide).changes() == {}
    assert [(column.stored, column.retired) for column in shop.stored or () if column.name == "v"] == [
        ("v_2", False),
        ("v", True),
    ]
    for model in (wide, narrow):
        assert kinds(shop, model) == []
        assert shop.sync(model).changes() == {}


EVOLUTIONS = {
    "widened": "SELECT id, name, CAST(id AS bigint) AS v FROM customers",
    "converted": "SELECT id, name, CAST(id AS text) AS v FROM customers",
    "added": "SELECT id, name, id AS v, CAST(NULL AS text) AS more FROM customers",
    "checksum": "SELECT id, name, id AS v FROM customers",
}


@pytest.mark.parametrize("kind", EVOLUTIONS)
def test_r04_an_evolution_that_dies_anywhere_is_taken_up_again(shop: Shop, kind: str) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync("SELECT id, name, id AS v FROM customers")
    shop.remember = "checksum" if kind == "checksum" else "values"
    model = EVOLUTIONS[kind]
    deaths = 0
    while True:
        dying = Dying(deaths)
        try:
            shop.evolve(model, through=dying.session)
            break
        except Died:
            deaths += 1
            assert [row["_operation"] for row in shop.preview(model)] == ["count", "count"]
    assert deaths
    assert shop.sync(model).changes() == {}
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2")
    assert shop.plan(model).changes() == {"updated": ["2"]}


class Died(Exception):
    """The process is gone."""


@dataclass(slots=True)
class Dying:
    """Sessions of a process that dies after so many statements that changed something."""

    left: int
    _inner: Any = field(default=None, init=False)

    def session(self, session: Any) -> Any:
        self._inner = session
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def execute(self, statement: str) -> int:
        if not self.left:
            raise Died
        self.left -= 1
        return int(self._inner.execute(statement))


def test_r16_columns_named_like_ours_or_each_other(shop: Shop) -> None:
    add(shop, (1, "a"))
    model = (
        """SELECT id, name AS seq, name AS "OPERATION", name AS record_id, name AS "n ""q" FROM customers"""
    )
    planned = shop.sync(model)
    assert planned.send()[0]["seq"] == planned.send()[0]["OPERATION"] == planned.send()[0]['n "q'] == "a"
    shop.run("UPDATE customers SET name = 'b'")
    planned = shop.sync(model)
    assert [(row["_operation"], row["record_id"]) for row in planned.send()] == [("updated", "b")]


def test_r14_values_give_way_to_checksums_and_come_back(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"), (3, "c"))
    shop.sync(MODEL)
    shop.remember = "checksum"
    assert kinds(shop, MODEL) == [("checksum", "")]
    assert [row["_operation"] for row in shop.preview(MODEL) if row["_operation"] != "count"] == []
    planned = shop.sync(MODEL)
    assert planned.changes() == {}
    with shop.source.session() as session:
        columns = [
            name
            for name, _ in session.rows(shop.dialect.table_columns(shop.names.schema, shop.names.records))
        ]
    assert "name" not in columns, "nothing but key and checksum is kept"
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    planned = shop.plan(MODEL)
    assert {(row["_operation"], row["_key"], row["name"]) for row in planned.send()} == {
        ("updated", "2", "B"),
        ("deleted", "3", None),
    }
    check(planned, 2)
    shop.remember = "values"
    assert set(kinds(shop, MODEL)) == {("values", "id"), ("values", "name")}
    planned = shop.plan(MODEL)
    assert planned.changes() == {"fill": ["1"], "updated": ["2"], "deleted": ["3"]}
    check(planned, 2)
    assert planned.counts.fills == planned.counts.counts.unchanged == 1
    planned.deliver()
    assert shop.plan(MODEL).changes() == {}
    assert shop.rows(f"SELECT name FROM {shop.records} ORDER BY 1") == [("B",), ("a",)]


def test_r17_unchanged_records_are_candidates_and_only_the_kept_ones_are_sent(shop: Shop) -> None:
    add(shop, *((number, "a") for number in range(10)))
    first = shop.sync(MODEL)
    old_columns = first.request.columns
    shop.run("UPDATE customers SET name = 'B' WHERE id = 2", "DELETE FROM customers WHERE id = 3")
    planned = shop.plan(MODEL, candidates=True)
    changes = planned.changes()
    assert changes == {"candidate": list("01456789"), "deleted": ["3"], "updated": ["2"]}
    check(planned, 9)
    assert planned.counts.counts.unchanged == 8
    d, names = shop.dialect, shop.names
    with shop.source.session() as session:
        seen = read_candidates(
            session, d, names, planned.table, planned.request.columns, old_columns
        ).read_all()
        rows = seen.to_pylist()
        assert len({row["_seq"] for row in rows}) == 8
        assert all((row["name"], row["_old_name"]) == ("a", "a") for row in rows)
        kept = [row for row in rows if row["_key"] in ("5", "7")]
        seqs = pa.table({"seq": pa.array([row["_seq"] for row in kept], pa.int64())})
        assert keep_candidates(session, d, names, planned.table, seqs) == 2
        counts = count_plan(session, d, names, planned.table).counts
    assert (counts.updated, counts.unchanged, counts.deleted, counts.model_rows) == (3, 6, 1, 9)
    sent = planned.send()
    assert sorted(row["_key"] for row in sent if row["_operation"] == "updated") == ["2", "5", "7"]
    assert [row["_seq"] for row in sent] == sorted(row["_seq"] for row in sent)


def test_r17_a_mode_without_updates_has_no_candidates(shop: Shop) -> None:
    add(shop, (1, "a"))
    shop.operations = frozenset({"added"})
    shop.sync(MODEL)
    planned = shop.plan(MODEL, candidates=True)
    assert planned.changes() == {}
    assert planned.counts.counts.unchanged == 1


def test_r17_resend_sends_all_that_was_delivered(shop: Shop) -> None:
    add(shop, (1, "a"), (2, "b"))
    shop.sync(MODEL, first_sync_skip=False)
    shop.operations = UPSERT
    planned = shop.plan(MODEL, resend=True)
    assert planned.changes() == {"updated": ["1", "2"]}
    check(planned, 2)
