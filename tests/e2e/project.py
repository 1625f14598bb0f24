"""A project over a real warehouse and a receiver, edited and synced in this process, and its state looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
from tests.servers.postgres import Database

from tailrace.ids import state_id
from tailrace.runtime.events import Event, PhaseStarted, Progress
from tailrace.runtime.stop import StopSignal
from tailrace.service.documents import PlanDocument, SyncDocument
from tailrace.service.workspace import Workspace
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

SCHEMA = "__segment_reverse_etl"
MAPPING = "people"
_NAMED = re.compile(r"\{(records|checkpoints|progress|rejections|log|meta)\}")
Stop = Literal["cancel", "crash"]
Moment = Callable[[Event], bool]


def command_environment() -> dict[str, str]:
    """What a command of ours is started with: no settings of the developer's, but the addresses of the stand-ins."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAILRACE_") or name.startswith(("TAILRACE_BIGQUERY_", "TAILRACE_ENTRA_"))
    }


def sending(event: Event) -> bool:
    """The moment at which a sync begins to send."""
    return isinstance(event, PhaseStarted) and event.phase == "send"


def first_answer(event: Event) -> bool:
    """The moment at which the first outcomes are stored."""
    return isinstance(event, Progress)


class Warehouse(Protocol):
    """Where the model's tables and the managed schema stand."""

    kind: str

    def settings(self) -> dict[str, Any]:
        """The source's settings in `tailrace.yml`."""
        ...

    def model(self, sql: str) -> str:
        """A model's SQL as this warehouse writes it."""
        ...

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the user's own tables; the rows of the last."""
        ...

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the managed schema, while no sync runs; the rows of the last."""
        ...


class DuckDBWarehouse:
    """Two files in a folder."""

    kind = "duckdb"

    def __init__(self, folder: Path) -> None:
        self._data = folder / "shop.duckdb"
        self._state = folder / "shop.tailrace.duckdb"
        self.data("SELECT 1")  # makes the file

    def settings(self) -> dict[str, Any]:
        return {"type": "duckdb", "path": str(self._data)}

    def model(self, sql: str) -> str:
        return sql

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        return self._run(self._data, statements)

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        return self._run(self._state, statements)

    @staticmethod
    def _run(path: Path, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        with duckdb.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
            return connection.fetchall()


class PostgresWarehouse:
    """A database of its own."""

    kind = "postgres"

    def __init__(self, database: Database) -> None:
        self.database = database

    def settings(self) -> dict[str, Any]:
        return {"type": "postgres", **self.database.settings()}

    def model(self, sql: str) -> str:
        return sql

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.database.sql(*statements)


@dataclass
class Project:
    """A project with one mapping, as its files stand now; every run reads them anew."""

    folder: Path
    warehouse: Warehouse
    receiver: Receiver
    name: str = "shop"
    mapping: str = MAPPING
    environment: str | None = None
    sql: str = "SELECT * FROM people"
    key: str | list[str] = "id"
    source: dict[str, Any] = field(default_factory=dict)
    destination: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the mapping, beside model, destination and action; merged over `mode: mirror` and no percent guards."""
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of further mappings of the same model to the same destination, by name."""
    events: list[Event] = field(default_factory=list)

    # -- the model

    def people(self, *rows: tuple[Any, ...], columns: str = "id bigint, name text") -> None:
        """Make the model's table anew, with these rows."""
        self.warehouse.data("DROP TABLE IF EXISTS people", f"CREATE TABLE people ({columns})")
        if rows:
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            self.warehouse.data(f"INSERT INTO people VALUES {values}")

    def many(self, count: int, name: str = "old") -> None:
        """Make the model's table anew with so many rows of this name, keys from 1 on."""
        self.people()
        self.data(f"INSERT INTO people SELECT i, '{name}' FROM generate_series(1, {count}) AS g(i)")

    def data(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the user's own tables; the rows of the last."""
        return self.warehouse.data(*statements)

    # -- the files

    def edit(self, **settings: Any) -> None:
        """Change the mapping's settings; None takes one out."""
        merged = self.settings | settings
        self.settings = {name: value for name, value in merged.items() if value is not None}

    def aim(self, **settings: Any) -> None:
        """Change the destination's settings."""
        self.destination = self.destination | settings

    def beside(self, folder: str, **changes: Any) -> Project:
        """Another project, in a folder of its own, over the same warehouse and receiver."""
        (self.folder / folder).mkdir(exist_ok=True)
        return replace(self, folder=self.folder / folder, events=[], **changes)

    def write(self) -> None:
        """Write `tailrace.yml` as things stand now."""
        webhook = {
            "type": "webhook",
            "url": self.receiver.url,
            "batch": 5,
            "concurrency": 2,
            "retry_for": "1ms",
        }
        guards = {"max_delete_percent": "off", "max_set_aside_percent": "off", "max_rejected_percent": "off"}
        settings = {"mode": "mirror", **self.settings}
        settings["guards"] = guards | settings.get("guards", {})
        document = {
            "version": 1,
            "project": self.name,
            "sources": {"warehouse": self.warehouse.settings() | self.source},
            "models": {
                "people": {"source": "warehouse", "key": self.key, "sql": self.warehouse.model(self.sql)}
            },
            "destinations": {"crm": webhook | self.destination},
            "mappings": {
                name: {"model": "people", "destination": "crm", "action": "send", **each}
                for name, each in {self.mapping: settings, **self.others}.items()
            },
        }
        (self.folder / "tailrace.yml").write_text(json.dumps(document))

    # -- runs

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        """The project's use cases."""
        self.write()
        with Workspace.open(self.folder, self.environment, {}) as workspace:
            yield workspace

    def syncs(
        self,
        *faults: Fault,
        stop: Stop | None = None,
        at: Moment = first_answer,
        limit: int | None = None,
        plan_id: str | None = None,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> list[SyncDocument]:
        """Run it once, against a receiver with these faults; `stop` ends it at a moment."""
        self.receiver.fail(*faults)
        signal = StopSignal()

        def seen(event: Event) -> None:
            self.events.append(event)
            watch(event)
            if stop is not None and not signal.graceful and at(event):
                for _ in range(2 if stop == "crash" else 1):
                    signal.request()

        with self.opened() as workspace:
            return list(
                workspace.sync([self.mapping], plan_id=plan_id, limit=limit, on_event=seen, stop=signal)
            )

    def sync(self, *faults: Fault, **options: Any) -> SyncDocument:
        """Run it once; the only sync of that run."""
        (document,) = self.syncs(*faults, **options)
        return document

    def ok(self, *faults: Fault, **options: Any) -> SyncDocument:
        """Run it once; the only sync of that run, which must be a success."""
        document = self.sync(*faults, **options)
        assert document.status == "success", document
        return document

    def finish(self, *faults: Fault, **options: Any) -> SyncDocument:
        """Run it once where a sync was interrupted: that sync, which must be a success now; the next finds nothing."""
        resumed, after = self.syncs(*faults, **options)
        assert (resumed.status, resumed.resumed) == ("success", True), resumed
        assert (after.status, after.counts.planned) == ("success", 0), after
        return resumed

    def plan(self, samples: int = 100) -> PlanDocument:
        """What a sync would send now."""
        with self.opened() as workspace:
            (document,) = workspace.plan([self.mapping], statements=True, samples=samples)
            return document

    def cli(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run the real command with `--json`: its exit code, and its document."""
        self.write()
        environ = command_environment()
        ended = subprocess.run(
            [sys.executable, "-m", "tailrace.cli", *arguments, "--json"],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.returncode, json.loads(ended.stdout)

    def forget_store(self) -> None:
        """Lose the control store, as a CI runner does."""
        shutil.rmtree(self.folder / ".tailrace", ignore_errors=True)

    # -- what is there

    @property
    def held(self) -> dict[str, Any]:
        """What the receiver holds."""
        return self.receiver.state()

    @property
    def names(self) -> dict[str, Any]:
        """Who has which name at the receiver."""
        return {key: record["name"] for key, record in self.held.items()}

    def operations(self, key: str) -> list[str]:
        """The operations that were accepted for a key."""
        return [each.operation for each in self.receiver.history(key)]

    def table(self, kind: str) -> str:
        """A managed table of this mapping, qualified."""
        return f"{SCHEMA}.{kind}_{state_id(self.name, self.environment, self.mapping)}"

    def state(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the managed schema; `{records}` and the like name this mapping's tables."""
        tables = {kind: self.table(kind) for kind in ("records", "checkpoints", "progress", "rejections")}
        tables |= {"log": f"{SCHEMA}.sync_log", "meta": f"{SCHEMA}.tailrace_meta"}
        filled = [_NAMED.sub(lambda found: tables[found[1]], statement) for statement in statements]
        return self.warehouse.state(*filled)

    def records(self, columns: str = "record_id, delivered, uncertain") -> list[tuple[Any, ...]]:
        """The state's rows, by key."""
        return self.state(f"SELECT {columns} FROM {{records}} ORDER BY record_id")

    def tables(self) -> set[str]:
        """Every table in the managed schema."""
        found = self.state(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
        )
        return {name for (name,) in found}


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
