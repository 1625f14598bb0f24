"""Rows of IBM's driver as Arrow: exact decimals, and lists that Db2 has no type for."""

from __future__ import annotations

from datetime import date, datetime

from tailrace.sources.db2.rows import arrow_schema, batch_of
from tailrace.sources.db2.wire import Field


def test_values_keep_all_that_the_driver_gives() -> None:
    fields = [
        Field("ID", "bigint", 19, 0, 20, 20),
        Field("TOTAL", "decimal", 31, 10, 33, 33),
        Field("SEEN", "timestamp", 26, 6, 26, 26),
        Field("DAY", "date", 10, 0, 10, 10),
        Field("YES", "boolean", 1, 0, 1, 1),
        Field("RAW", "string", 4, 0, 4, 8),
    ]
    row = (
        2**62,
        "1234567890123456789.0123456789",
        datetime(2026, 1, 2, 3, 4, 5, 6),
        date(2026, 1, 2),
        1,
        b"\0a",
    )
    batch = batch_of([row, (None,) * 6], arrow_schema(fields))
    assert batch.schema.names == ["id", "total", "seen", "day", "yes", "raw"]
    assert batch.to_pylist() == [
        dict(zip(batch.schema.names, (*row[:4], True, row[5]), strict=True)),
        dict.fromkeys(batch.schema.names),
    ]


def test_a_list_with_commas_is_an_array_of_texts() -> None:
    schema = arrow_schema([Field("TAGS_ARRAY", "string", 100, 0, 100, 100)])
    values = [("a, b",), ('["a","b, c"]',), ("",), (None,), ('x"y',)]
    found = batch_of(values, schema).column("tags_array").to_pylist()
    assert found == ['["a", "b"]', '["a","b, c"]', "[]", None, '["x\\"y"]']
