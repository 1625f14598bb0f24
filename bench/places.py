"""A source to measure on: a folder with a project, its data, and ways to change and forget."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import python

_PROJECT = """\
version: 1
project: bench
sources:
  warehouse: {source}
models:
  users: {{source: warehouse, key: id, sql: SELECT * FROM users}}
  some: {{source: warehouse, key: id, sql: SELECT * FROM users WHERE id <= {some}}}
destinations:
  batches: {{type: webhook, url: "{url}", batch: 1000, concurrency: 4}}
  singly: {{type: webhook, url: "{url}", batch: 1, concurrency: 64}}
mappings:
  users:
    model: users
    destination: batches
    action: send
    mode: mirror
    fields: &fields
{fields}
  one_by_one:
    model: some
    destination: singly
    action: send
    mode: mirror
    enabled: false
    fields: *fields
"""


class Place(ABC):
    """A source with data in it."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def _settings(self) -> str: ...

    @property
    @abstractmethod
    def _address(self) -> str: ...

    @property
    @abstractmethod
    def profile(self) -> dict[str, object]:
        """How drt reaches it (bench/peer.py)."""

    @abstractmethod
    def forget(self) -> None:
        """Remove all state, as before the very first sync."""

    def write(self, url: str, some: int) -> None:
        """Write the project's files."""
        from bench.fixtures import FIELDS

        text = _PROJECT.format(source=self._settings, url=url, some=some, fields=FIELDS)
        (self.folder / "tailrace.yml").write_text(text)

    def fill(self, rows: int) -> None:
        """Make the table."""
        python("bench.fixtures", "make", self.name, self._address, str(rows))

    def edit(self, rest: int) -> None:
        """Change every hundredth row."""
        python("bench.fixtures", "edit", self.name, self._address, str(rest))


class DuckDBPlace(Place):
    """A file of the user's."""

    name = "duckdb"

    @property
    def _settings(self) -> str:
        return "{type: duckdb, path: shop.duckdb}"

    @property
    def _address(self) -> str:
        return str(self.folder / "shop.duckdb")

    @property
    def profile(self) -> dict[str, object]:
        return {"type": "duckdb", "database": self._address}

    def forget(self) -> None:
        (self.folder / "shop.tailrace.duckdb").unlink(missing_ok=True)
        shutil.rmtree(self.folder / ".tailrace", ignore_errors=True)


class PostgresPlace(Place):
    """A cluster of its own on loopback, with the settings of the tests (no fsync)."""

    name = "postgres"

    def __init__(self, folder: Path, database: object) -> None:
        super().__init__(folder)
        self._database = database

    @property
    def _given(self) -> dict[str, object]:
        return self._database.settings()  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def _settings(self) -> str:
        import json

        return json.dumps({"type": "postgres", **self._given})

    @property
    def _address(self) -> str:
        from urllib.parse import quote

        given = self._given
        user, password = (quote(str(given[name]), safe="") for name in ("username", "password"))
        return f"postgresql://{user}:{password}@{given['host']}:{given['port']}/{given['database']}"

    @property
    def profile(self) -> dict[str, object]:
        given = self._given
        same = {name: given[name] for name in ("host", "port", "password")}
        return {"type": "postgres", "dbname": given["database"], "user": given["username"], **same}

    def forget(self) -> None:
        self._database.sql('DROP SCHEMA IF EXISTS "__segment_reverse_etl" CASCADE', "CHECKPOINT")  # pyright: ignore[reportAttributeAccessIssue]
        shutil.rmtree(self.folder / ".tailrace", ignore_errors=True)


@contextmanager
def place(name: str, folder: Path) -> Iterator[Place]:
    """A source of this type, gone at the end."""
    if name == "duckdb":
        yield DuckDBPlace(folder)
        return
    from tests.servers.postgres import PostgresServer

    server = PostgresServer()
    server.start()
    try:
        with server.database() as database:
            yield PostgresPlace(folder, database)
    finally:
        server.stop()
