"""Columns of models and managed tables: a name, the logical kind, and the warehouse's own type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The logical type of a column, the same for every warehouse."""

    BOOL = "bool"
    INT = "int"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    ARRAY = "array"
    STRUCT = "struct"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a model or of a managed table: its name, logical kind and the warehouse's own type."""

    name: str
    kind: Kind
    native: str
