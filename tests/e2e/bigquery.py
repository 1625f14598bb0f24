"""BigQuery's stand-in as the end-to-end tests need it: statements written for all warehouses, in its own words."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from tests.servers.bigquery import Dataset

_RECORDS = re.compile(r"(?<=FROM )(\S+\.records_\w+)", re.IGNORECASE)
_TABLES = re.compile(r"SELECT table_name FROM information_schema\.tables WHERE table_schema = '(\w+)'")
_COMMENT = re.compile(r"COMMENT ON TABLE (\S+) IS '(.*)'")
_LATER = re.compile(r"now\(\) (?:\+ )?(-?)\s*INTERVAL '(\d+) (millisecond|second|hour)s?'")
_BETWEEN = re.compile(r"extract\(epoch FROM (\w+) - (\w+)\)")
_SERIES = re.compile(r"(UNNEST\(GENERATE_ARRAY\([^)]*\)\)) AS g\b")
_SIZED = re.compile(r"\bNUMERIC\((\d+), (\d+)\)")
_SCALE, _WHOLE = 9, 29
"""What a NUMERIC has room for, after the point and before it; a BIGNUMERIC has more."""


class BigQueryWarehouse:
    """A project of its own with one dataset; tables without a dataset are in it."""

    kind = "bigquery"

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def settings(self) -> dict[str, Any]:
        return {"type": "bigquery", **self.dataset.settings()}

    def model(self, sql: str) -> str:
        """A model's SQL: a source has no dataset that names stand in by default."""
        return re.sub(r"\bFROM (people|customers)\b", rf"FROM {self.dataset.name}.\1", _translated(sql))

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.dataset.sql(*map(_translated, statements))

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.dataset.sql(*map(_of_state, statements))


def _translated(statement: str) -> str:
    """The same in GoogleSQL."""
    (found,) = sqlglot.transpile(statement, read="duckdb", write="bigquery")
    return _whole(_SIZED.sub(_sized, _SERIES.sub(r"\1 AS i", found)))


def _sized(found: re.Match[str]) -> str:
    precision, scale = int(found[1]), int(found[2])
    fits = scale <= _SCALE and precision - scale <= _WHOLE
    return found[0] if fits else f"BIG{found[0]}"


def _whole(statement: str) -> str:
    """BigQuery changes all rows of a table only if that is said."""
    changes = statement.startswith(("UPDATE ", "DELETE ")) and " WHERE " not in statement
    return f"{statement} WHERE TRUE" if changes else statement


def _of_state(statement: str) -> str:
    """Records are read as the state knows them: the newest row of each key (R28)."""
    if listed := _TABLES.fullmatch(statement):
        return f"SELECT table_name FROM `{listed[1]}`.INFORMATION_SCHEMA.TABLES"
    if marked := _COMMENT.fullmatch(statement):
        name, _, value = marked[2].partition(":")
        return f"ALTER TABLE {marked[1]} SET OPTIONS (labels = [('{name}', '{value}')])"
    if statement.startswith("CREATE TABLE "):
        return _translated(statement)
    if statement.startswith("UPDATE "):
        timed = _LATER.sub(r"TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL \1\2 \3)", statement)
        return _whole(timed)
    statement = _BETWEEN.sub(r"TIMESTAMP_DIFF(\1, \2, SECOND)", statement)
    newest = (
        r"(SELECT * FROM \1 WHERE TRUE QUALIFY record_version ="
        r" MAX(record_version) OVER (PARTITION BY record_id) AND NOT record_removed)"
    )
    return _RECORDS.sub(newest, statement) if statement.startswith("SELECT") else statement
