"""One pool: its data in a DuckDB of its own, and what its sessions share."""

from __future__ import annotations

import duckdb


class Database:
    """A database of the server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.duck = duckdb.connect(":memory:", config={"threads": "2"})
        self.statements: list[str] = []
        self.slots = 4

    def close(self) -> None:
        self.duck.close()
