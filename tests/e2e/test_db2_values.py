"""Every type that Db2 and its stand-in share, from a column to the receiver, and a change of each."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project
from tests.servers.db2 import Database

from tailrace.testing.receiver import Receiver

COLUMNS = {
    "note": ("CLOB(100K)", "'a long note'", "'another note'"),
    "photo": ("BLOB(100K)", "CAST(X'00FF' AS BLOB)", "CAST(X'00FE' AS BLOB)"),
    "extra_json": ("VARCHAR(200)", """'{"a": [1, null]}'""", """'{"a": [2, null]}'"""),
    "more_json": ("CLOB(10K)", """'{"b": "x"}'""", """'{"b": "y"}'"""),
    "tags_array": ("VARCHAR(100)", "'red, green'", "'red'"),
    "list_array": ("VARCHAR(100)", "'[1, 2]'", "'[1]'"),
    "code": ("CHAR(8)", "'ab'", "'abc'"),
    "bits": ("VARCHAR(10) FOR BIT DATA", "X'0102'", "X'0103'"),
    "price": ("DECIMAL(31,10)", "12345678901234567890.0000000001", "12345678901234567890.0000000002"),
    "share": ("DOUBLE", "0.1", "0.2"),
    "day": ("DATE", "'2026-02-28'", "'2026-03-01'"),
    "clock": ("TIME", "'23:59:58'", "'23:59:59'"),
    "moment": ("TIMESTAMP", "'2026-02-28 23:59:58.123456'", "'2026-02-28 23:59:58.123457'"),
}
"""Each with its type, a value and another."""


@pytest.fixture
def shop(db2_database: Database, tmp_path: Path, receiver: Receiver) -> Project:
    made = Project(tmp_path, Db2Warehouse(db2_database), receiver)
    body = ", ".join(f"{name} {native}" for name, (native, _, _) in COLUMNS.items())
    made.data(f"CREATE TABLE people (id BIGINT, {body})")
    return made


def test_every_type_arrives_as_it_is_and_a_change_of_each_is_one(shop: Project) -> None:
    values = ", ".join(value for _, value, _ in COLUMNS.values())
    for number in range(len(COLUMNS)):
        shop.data(f"INSERT INTO people VALUES ({number}, {values})")
    assert shop.ok().counts.added == len(COLUMNS)
    assert shop.held["0"] == {
        "id": 0,
        "note": "a long note",
        "photo": base64.b64encode(b"\0\xff").decode(),
        "extra_json": {"a": [1, None]},
        "more_json": {"b": "x"},
        "tags_array": ["red", "green"],
        "list_array": [1, 2],
        "code": "ab",
        "bits": base64.b64encode(b"\1\2").decode(),
        "price": pytest.approx(12345678901234567890),
        "share": 0.1,
        "day": "2026-02-28",
        "clock": "23:59:58",
        "moment": "2026-02-28T23:59:58.123456Z",
    }
    for number, (name, (_, _, other)) in enumerate(COLUMNS.items()):
        shop.data(f"UPDATE people SET {name} = {other} WHERE id = {number}")
    assert shop.ok().counts.updated == len(COLUMNS)
    assert shop.held["4"]["tags_array"] == ["red"]
    assert shop.ok().counts.unchanged == len(COLUMNS)


def test_a_large_object_that_fits_no_text_is_refused_by_name_and_nothing_else(shop: Project) -> None:
    shop.data("INSERT INTO people (id, note) VALUES (1, 'short'), (2, 'short')")
    shop.data(
        f"UPDATE people SET note = CAST('{'x' * 30_000}' AS CLOB(100K)) || '{'x' * 3_000}' WHERE id = 2"
    )
    document = shop.sync()
    assert (document.counts.delivered, document.counts.rejected) == (1, 1)
    assert "note" in str(shop.cli("why", shop.mapping, "2"))
    assert shop.sync().counts.rejected == 1
