"""The two warehouses as chaos needs them: change the model's data, and look at the state that a sync left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import duckdb
from tests.servers.postgres import Database

SCHEMA = "__segment_reverse_etl"


class Warehouse(Protocol):
    """Where the model's table and the managed schema stand."""

    def settings(self) -> dict[str, Any]:
        """The source's settings in `tailrace.yml`."""
        ...

    def model(self, sql: str) -> str:
        """A model's SQL as this warehouse writes it."""
        ...

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the user's own tables; the rows of the last."""
        ...

    def state(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the managed schema, while no sync runs."""
        ...


class DuckDBWarehouse:
    """Two files in the project's folder."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "shop.duckdb"
        self._state = folder / "shop.tailrace.duckdb"

    def settings(self) -> dict[str, Any]:
        return {"type": "duckdb", "path": self._data.name}

    def model(self, sql: str) -> str:
        return sql

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self._data) as connection:
            for statement in statements:
                connection.execute(statement)
            return connection.fetchall()

    def state(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self._state) as connection:
            return connection.execute(query).fetchall()


class PostgresWarehouse:
    """A database of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settings(self) -> dict[str, Any]:
        return {"type": "postgres", **self._database.settings()}

    def model(self, sql: str) -> str:
        return sql

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        return self._database.sql(*statements)

    def state(self, query: str) -> list[tuple[Any, ...]]:
        return self._database.sql(query)
