"""A model as the user writes it: one SELECT on a source, and its unique identifier."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from tailrace.spec.types import Name, Spec

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".\s][^".]*)')


def _key(value: Any) -> tuple[str, ...]:
    columns = (value,) if isinstance(value, str) else value
    if not isinstance(columns, list | tuple) or not columns:
        raise ValueError("write the name of one column, or a list such as [a, b]")
    for column in columns:
        if not isinstance(column, str):
            raise ValueError(f'a column name is text; put quotes around it: "{column}"')
        if not column.strip():
            raise ValueError("a column name cannot be empty; write one between the quotes")
    if len(set(columns)) < len(columns):
        raise ValueError("the same column stands here twice; remove one of them")
    return tuple(columns)


def select_all(table: str) -> str:
    """The statement that reads a whole table, every part of its name quoted; ValueError if it names no table.

    >>> select_all("main.customers")
    'SELECT * FROM "main"."customers"'
    """
    parts: list[str] = []
    rest = table.strip()
    while match := _PART.match(rest):
        parts.append((match[1] or "").replace('""', '"') or match[2].strip())
        rest = rest[match.end() :].lstrip()
        if not rest.startswith("."):
            break
        rest = rest[1:].lstrip() or "."
    if rest or not 1 <= len(parts) <= 3:
        raise ValueError(
            f"{table!r} does not name a table; write table, schema.table or catalog.schema.table"
        )
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
    return f"SELECT * FROM {quoted}"


class ModelSpec(Spec):
    """One SELECT on a source, and its unique identifier."""

    name: Name
    source: Name = Field(description="The source that the statement runs on.")
    key: Annotated[
        tuple[str, ...],
        BeforeValidator(_key),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
                ]
            }
        ),
    ] = Field(description="The unique identifier: a column, or several as a list.")
    sql: Annotated[str, Field(min_length=1)] = Field(description="The SELECT statement.")
    """Set also where the statement came from a file or a table's name."""
    sql_file: str | None = Field(
        default=None, description="A file that holds the SELECT statement, relative to the project folder."
    )
    table: str | None = Field(
        default=None, description="A table or view that is read whole, such as main.customers."
    )
