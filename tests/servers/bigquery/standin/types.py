"""DuckDB's types as BigQuery's REST API names them."""

from __future__ import annotations

from typing import Any

import duckdb

_SCALARS = {
    "boolean": "BOOLEAN",
    "float": "FLOAT",
    "double": "FLOAT",
    "varchar": "STRING",
    "blob": "BYTES",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "DATETIME",
    "timestamp with time zone": "TIMESTAMP",
    "interval": "INTERVAL",
    "uuid": "STRING",
}
_WIDER = {"FLOAT": "DOUBLE", "UUID": "VARCHAR", "HUGEINT": "BIGINT", '"NULL"': "BIGINT"}
_NUMERIC_SCALE = 9

CLUSTERABLE = {"BOOLEAN", "DATE", "DATETIME", "INTEGER", "NUMERIC", "BIGNUMERIC", "STRING", "TIMESTAMP"}
"""https://cloud.google.com/bigquery/docs/clustered-tables: the types that may be clustered by."""

SQL_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
"""What GoogleSQL calls the types that the REST API names otherwise."""

COERCED = {
    "INT64": {"NUMERIC", "BIGNUMERIC", "FLOAT64"},
    "NUMERIC": {"BIGNUMERIC", "FLOAT64"},
    "BIGNUMERIC": {"FLOAT64"},
    "DATE": {"DATETIME"},
}
"""https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules: what becomes what by itself."""

WIDTHS = {
    "INTEGER": 8,
    "FLOAT": 8,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
    "BOOLEAN": 1,
    "DATE": 8,
    "DATETIME": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "INTERVAL": 16,
}
"""Bytes of a value, NULL having none: https://cloud.google.com/bigquery/pricing#data (data size calculation)."""


def field(name: str, kind: Any, *, required: bool = False) -> dict[str, Any]:
    """A column or nested field in a schema."""
    mode = "REQUIRED" if required else "NULLABLE"
    if kind.id == "list":
        return {**field(name, kind.children[0][1]), "mode": "REPEATED"}
    if kind.id == "struct":
        nested = [field(each, child) for each, child in kind.children]
        return {"name": name, "type": "RECORD", "mode": mode, "fields": nested}
    return {"name": name, "type": scalar(kind), "mode": mode}


def scalar(kind: Any) -> str:
    text = str(kind)
    if text == "JSON":
        return "JSON"
    if kind.id == "decimal":
        scale = dict(kind.children)["scale"]
        return "NUMERIC" if scale <= _NUMERIC_SCALE else "BIGNUMERIC"
    return _SCALARS.get(str(kind.id).replace("_", " "), _SCALARS.get(text.lower(), "INTEGER"))


def fields(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The schema of the statement that a connection has just run."""
    return [field(str(column[0]), column[1]) for column in connection.description or []]


def widened(kind: Any) -> str | None:
    """The type a column must have instead, for one that BigQuery does not know; None where it does."""
    text = str(kind)
    if kind.id == "decimal":
        scale = dict(kind.children)["scale"]
        wanted = "DECIMAL(38,9)" if scale <= _NUMERIC_SCALE else "DECIMAL(38,18)"
        return None if text == wanted else wanted
    if text in _WIDER:
        return _WIDER[text]
    return "BIGINT" if text.endswith(("INT", "INTEGER")) and text != "BIGINT" else None
