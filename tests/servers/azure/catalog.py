"""What a pool knows of its schemas, tables and views, as T-SQL declares them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.servers.azure.types import SqlType

COLUMNSTORE = "CLUSTERED COLUMNSTORE"
HEAP = "HEAP"
BUILT_IN = ("dbo", "sys", "INFORMATION_SCHEMA")
_numbers = itertools.count(1_000_001)


@dataclass(frozen=True)
class Column:
    """A column as it was declared."""

    name: str
    type: SqlType
    identity: bool = False


@dataclass
class Table:
    """A table, view or temporary table."""

    schema: str
    name: str
    columns: list[Column]
    distribution: str = "ROUND_ROBIN"
    hashed: tuple[str, ...] = ()
    index: str = COLUMNSTORE
    kind: str = "U"
    number: int = field(default_factory=lambda: next(_numbers))
    created: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    @property
    def temporary(self) -> bool:
        return self.name.startswith("#")

    @property
    def key(self) -> tuple[str, str]:
        return self.schema.lower(), self.name.lower()

    @property
    def stored(self) -> str:
        """Its name in the engine."""
        name = '"' + self.name.replace('"', '""') + '"'
        return f"temp.main.{name}" if self.temporary else f'"{self.schema}".{name}'

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name.lower() == name.lower()), None)


@dataclass
class Schema:
    """A schema and its owner."""

    name: str
    owner: str
    number: int = field(default_factory=lambda: next(_numbers))


class Catalog:
    """The permanent objects of a pool."""

    def __init__(self) -> None:
        self.schemas = {name.lower(): Schema(name, "dbo") for name in BUILT_IN}
        self.tables: dict[tuple[str, str], Table] = {}

    def schema(self, name: str) -> Schema | None:
        return self.schemas.get(name.lower())

    def table(self, schema: str, name: str) -> Table | None:
        return self.tables.get((schema.lower(), name.lower()))

    def add(self, table: Table) -> None:
        self.tables[table.key] = table

    def remove(self, table: Table) -> None:
        self.tables.pop(table.key, None)

    def within(self, schema: str) -> Sequence[Table]:
        return [each for each in self.tables.values() if each.schema.lower() == schema.lower()]
