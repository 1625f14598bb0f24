"""The rules of plans on the stand-ins of Azure, BigQuery and Db2: what their SQL writes differently means the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.integration.state.seen import set_aside
from tests.integration.state.shop import Shop, check

from tailrace.errors import TailraceError
from tailrace.sources.azure.source import AzureSource
from tailrace.sources.base import Source
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.sources.db2.source import Db2Source
from tailrace.state.plan_table import count_plan
from tailrace.state.rerender import keep_candidates, read_candidates

TYPES = {
    "azure": {"text": "nvarchar(50)", "int": "int", "wide": "bigint"},
    "bigquery": {"text": "STRING", "int": "NUMERIC", "wide": "BIGNUMERIC"},
    "db2": {"text": "varchar(50)", "int": "integer", "wide": "bigint"},
}


def open_source(kind: str, fixture: Callable[[str], Any], folder: Path) -> Source:
    if kind == "azure":
        return AzureSource("warehouse", fixture("azure_pool").settings(), folder=folder)
    if kind == "db2":
        return Db2Source("warehouse", fixture("db2_database").settings(), folder=folder)
    settings, environ = fixture("bigquery_dataset").settings(), fixture("bigquery").environment()
    return BigQuerySource("warehouse", settings, folder=folder, environ=environ)


@pytest.fixture(params=TYPES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return Shop(open_source(request.param, request.getfixturevalue, tmp_path), None)


def model(shop: Shop, *rows: tuple[str | None, Any], value: str = "text") -> str:
    """A statement of these keys and values."""
    d, types = shop.dialect, TYPES[shop.source.type]

    def one(row: tuple[str | None, Any]) -> str:
        key, name = (d.literal(each) for each in row)
        text, native = types["text"], types[value]
        selected = f"CAST({key} AS {text}) AS {d.quote('id')}, CAST({name} AS {native}) AS {d.quote('name')}"
        return str(d.select_one(selected))

    return " UNION ALL ".join(map(one, rows))


def test_r05_r07_records_come_change_and_go(shop: Shop) -> None:
    keys = ["1", "a", "a ", "A", "ä", "日本", "x'y"]
    first = shop.sync(model(shop, *((key, "v") for key in keys)))
    assert first.changes() == {"added": sorted(keys)}
    check(first, len(keys))
    assert [row["_key"] for row in first.send()] == [row["_key"] for row in first.send()]
    changed = model(shop, ("1", None), ("a ", "v"), ("A", "v "), ("ä", "V"), ("x'y", "v"), ("new", "v"))
    second = shop.plan(changed)
    assert second.changes() == {"added": ["new"], "updated": ["1", "A", "ä"], "deleted": ["a", "日本"]}
    check(second, 6)
    sent = {row["_key"]: (row["_operation"], row["name"]) for row in second.send()}
    assert sent["1"] == ("updated", None)
    assert (sent["a"], sent["A"], sent["ä"]) == (("deleted", "v"), ("updated", "v "), ("updated", "V"))
    seen = [row for row in shop.preview(changed) if row["_seq"] is not None]
    assert [(row["_operation"], row["_key"], row["name"]) for row in seen] == [
        (row["_operation"], row["_key"], row["name"]) for row in second.send()
    ]
    assert {row["_key"]: row["_old_name"] for row in seen if row["_operation"] == "updated"} == {
        "1": "v",
        "A": "v",
        "ä": "v",
    }
    second.deliver()
    third = shop.plan(changed)
    assert third.changes() == {}
    assert third.counts.counts.unchanged == 6
    check(third, 6)


def test_r06_r07_keys_that_cannot_be_used_are_set_aside(shop: Shop) -> None:
    shop.sync(model(shop, ("a", "v"), ("b", "v"), ("c", "v")))
    rows = [
        ("a", "v"),
        ("a", "w"),
        ("b", "v"),
        ("b ", "v"),
        (None, "v"),
        ("", "v"),
        (" \t", "v"),
        ("d", "v"),
        ("d", "v"),
    ]
    planned = shop.plan(model(shop, *rows))
    assert planned.changes() == {
        "added": ["b "],
        "deleted": ["c"],
        "set_aside": ["", " \t", None, "a", "a", "d", "d"],
    }
    check(planned, len(rows))
    assert set_aside(shop, model(shop, *rows)) == {
        ("repeated", "a"): 2,
        ("repeated", "d"): 2,
        ("null", None): 1,
        ("empty", ""): 1,
        ("blank", " \t"): 1,
    }
    shop.forget()
    first = shop.plan(model(shop, *rows))
    assert first.changes() == {
        "added": ["b", "b "],
        "set_aside": ["", " \t", None, "a", "a", "d", "d"],
    }
    check(first, len(rows))


def test_r08_r32_modes_limits_and_candidates(shop: Shop) -> None:
    shop.sync(model(shop, *((str(number), "v") for number in range(20))))
    changed = model(shop, *((str(number), "w" if number < 5 else "v") for number in range(1, 25)))
    limited = shop.plan(changed, limit=3)
    assert limited.counts.counts.planned == len(limited.send()) == 3
    assert limited.counts.unlimited.planned == 4 + 5 + 1
    check(limited, 24)
    shop.operations = frozenset({"updated"})
    some = shop.plan(changed)
    assert some.counts.counts.updated == 4
    assert some.counts.counts.not_sent == 5
    check(some, 24)
    planned = shop.plan(changed, candidates=True)
    d, names = shop.dialect, shop.names
    with shop.source.session() as session:
        stored = planned.request.columns
        seen = read_candidates(session, d, names, planned.table, stored, stored).read_all()
        assert {(row["name"], row["_old_name"]) for row in seen.to_pylist()} == {("v", "v")}
        assert seen.num_rows == 15
        kept = pa.table({"seq": seen.column("_seq").slice(0, 2)})
        assert keep_candidates(session, d, names, planned.table, kept) == 2
        assert count_plan(session, d, names, planned.table).counts.updated == 6
    assert len(planned.send()) == 6


def test_r15_r16_the_state_follows_the_columns(shop: Shop) -> None:
    rows = (("1", 7), ("2", 8))
    shop.sync(model(shop, *rows, value="int"))
    wide = model(shop, *rows, value="wide")
    assert shop.sync(wide).changes() == {}
    as_text = model(shop, ("1", "7"), ("2", "9"))
    assert shop.sync(as_text).changes() == {"updated": ["2"]}
    shop.remember = "checksum"
    assert shop.sync(as_text).changes() == {}
    assert shop.plan(model(shop, ("1", "7"), ("3", "9"))).changes() == {"added": ["3"], "deleted": ["2"]}
    shop.remember = "values"
    filled = shop.plan(as_text)
    assert filled.changes() == {"fill": ["1", "2"]}
    filled.deliver()
    assert shop.sync(as_text).changes() == {}


def test_r23_what_waits_is_not_sent(shop: Shop) -> None:
    rows = (("1", "v"), ("2", "v"))
    planned = shop.plan(model(shop, *rows))
    d, rejections = shop.dialect, shop.table(shop.names.rejections)
    later = d.plus_seconds(d.now(), 3600)
    shop.execute(
        f"INSERT INTO {rejections} (record_id, operation, checksum, attempts, next_try_at, fingerprint)"
        f" SELECT c.record_id, c.operation, {planned.checksum('c')}, 3, {later}, 'settings'"
        f" FROM {shop.table(planned.table)} AS c WHERE seq IS NOT NULL"
    )
    again = model(shop, ("1", "v"), ("2", "w"))
    held = shop.plan(again, quarantine=True, fingerprint="settings")
    assert held.changes() == {"added": ["2"], "quarantined": ["1"]}
    check(held, 2)


def test_r05_a_model_that_fails_leaves_nothing_in_the_way(shop: Shop) -> None:
    good = model(shop, ("1", "v"), ("x", "w"))
    shop.sync(good)
    d, number = shop.dialect, TYPES[shop.source.type]["int"]
    bad = f"SELECT {d.quote('id')}, CAST({d.quote('id')} AS {number}) AS {d.quote('name')} FROM ({good}) AS m"
    for make in (shop.plan, shop.preview):
        with pytest.raises(TailraceError):
            make(bad)
        make(good)
