"""Values of BigQuery's types on their way to the wire, exactly, and no change where nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import Project
from tests.servers.bigquery import Dataset

from tailrace.testing.receiver import Received, Receiver

VALUES: dict[str, tuple[str, Any]] = {
    "whole": ("CAST(9007199254740993 AS INT64)", 9007199254740993),
    "exact": ("CAST('12345678901234567890.123456789' AS NUMERIC)", "12345678901234567890.123456789"),
    "wide": ("CAST('0.000000000000000001' AS BIGNUMERIC)", "0.000000000000000001"),
    "half": ("CAST(0.1 AS FLOAT64)", 0.1),
    "yes": ("TRUE", True),
    "word": ("'it''s \\\\ \"quoted\" 🦦'".replace("''", "\\'"), "it's \\ \"quoted\" 🦦"),
    "raw": ("FROM_HEX('00ff10')", "AP8Q"),
    "day": ("DATE '2026-02-28'", "2026-02-28"),
    "clock": ("TIME '12:34:56.5'", "12:34:56.5"),
    "local": ("DATETIME '2026-03-29 01:30:00.123456'", "2026-03-29T01:30:00.123456Z"),
    "moment": ("TIMESTAMP '2026-03-29 01:30:00.123456+02'", "2026-03-28T23:30:00.123456Z"),
    "document": ("JSON '{\"a\": [1, null, \"x\"]}'", {"a": [1, None, "x"]}),
    "numbers": ("[1, 2, 3]", [1, 2, 3]),
    "place": ("STRUCT('Rome' AS city, 41.9 AS lat, ['a', 'b'] AS tags)", {"city": "Rome", "lat": 41.9, "tags": ["a", "b"]}),
    "people": ("[STRUCT(1 AS n), STRUCT(2 AS n)]", [{"n": 1}, {"n": 2}]),
    "nothing": ("CAST(NULL AS STRING)", None),
    "no_list": ("CAST(NULL AS JSON)", None),
}  # fmt: skip


class Listening(Receiver):
    """Remembers the last request to the byte: numbers in JSON have more digits than a float."""

    body = b""

    def parse(self, body: bytes, headers: dict[str, str]) -> list[Received]:
        self.body = body
        return super().parse(body, headers)


@pytest.fixture
def receiver() -> Iterator[Listening]:
    with Listening() as running:
        yield running


@pytest.fixture
def typed(bigquery_dataset: Dataset, tmp_path: Path, receiver: Listening) -> Project:
    listed = ", ".join(f"{sql} AS {name}" for name, (sql, _) in VALUES.items())
    warehouse = BigQueryWarehouse(bigquery_dataset)
    made = Project(
        tmp_path, warehouse, receiver, sql=f"SELECT id, t.* EXCLUDE (id) FROM {DATASET}.typed AS t"
    )
    bigquery_dataset.sql(f"CREATE TABLE typed AS SELECT 1 AS id, {listed}")
    return made


DATASET = "shop"


def test_every_type_arrives_exactly_and_is_no_change_the_next_time(
    typed: Project, receiver: Listening
) -> None:
    typed.ok()
    record = typed.held["1"]
    text = typed.receiver.history("1")[-1]
    assert text.operation == "added"
    for name, (_, wanted) in VALUES.items():
        found = record[name]
        if name in ("exact", "wide"):
            assert f'"{name}":{wanted},'.encode() in receiver.body
        else:
            assert found == wanted, name
    assert typed.ok().counts.planned == 0


def test_fields_of_a_struct_are_mapped_by_path(typed: Project) -> None:
    typed.edit(fields={"id": "$id", "city": "$place.city", "first": "$numbers[0]", "deep": "$document.a[2]"})
    typed.ok()
    assert typed.held["1"] == {"id": 1, "city": "Rome", "first": 1, "deep": "x"}
