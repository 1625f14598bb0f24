"""Types as BigQuery's API writes them, in the words of its SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "RECORD": "STRUCT",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}


def native_type(column: Mapping[str, Any]) -> str:
    """A column of a schema (https://cloud.google.com/bigquery/docs/reference/rest/v2/tables) as SQL names its type."""
    inner = _single(column)
    return f"ARRAY<{inner}>" if column.get("mode") == "REPEATED" else inner


def _single(column: Mapping[str, Any]) -> str:
    word = str(column["type"]).upper()
    word = _WORDS.get(word, word)
    if word == "STRUCT":
        inside = ", ".join(f"{field['name']} {native_type(field)}" for field in column.get("fields", ()))
        return f"STRUCT<{inside}>"
    if word == "RANGE":
        return f"RANGE<{column.get('rangeElementType', {}).get('type', 'DATE')}>"
    sizes = [column[name] for name in ("precision", "scale", "maxLength") if name in column]
    if sizes:
        word = f"{word}({', '.join(map(str, sizes))})"
    return f"{word} COLLATE {column['collation']}" if column.get("collation") else word
