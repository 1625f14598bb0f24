"""A small world to be synced again and again in this process: a table, a project, a receiver with faults."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
from tests.servers.postgres import Database

from tailrace.runtime.events import Event, PhaseStarted, Progress
from tailrace.runtime.stop import StopSignal
from tailrace.service.documents import PlanDocument, SyncDocument
from tailrace.service.workspace import Workspace
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

MAPPING = "people"
Row = tuple[str | None, str, str | None]
"""Key, name and plan."""
Stop = Literal["crash", "cancel", "crash at once", "cancel at once"]

FIELDS: dict[str, dict[str, Any]] = {
    "plain": {"id": "$k", "name": "$name"},
    "upper": {"id": "$k", "name": "{{ name | upper }}"},
    "plan": {"id": "$k", "name": "$name", "plan": "$plan"},
}


def rendered(fields: str, row: Row) -> dict[str, Any]:
    """What the receiver gets of a row."""
    key, name, plan = row
    match fields:
        case "upper":
            return {"id": key, "name": name.upper()}
        case "plan":
            return {"id": key, "name": name, "plan": plan}
        case _:
            return {"id": key, "name": name}


class Source(Protocol):
    """Where the table stands."""

    def settings(self) -> dict[str, Any]: ...

    def put(self, rows: Sequence[Row]) -> None: ...


class DuckDBSource:
    """A file in the project's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "data.duckdb"

    def settings(self) -> dict[str, Any]:
        return {"type": "duckdb", "path": self._path.name}

    def put(self, rows: Sequence[Row]) -> None:
        with duckdb.connect(self._path) as connection:
            connection.execute("CREATE OR REPLACE TABLE people (k text, name text, plan text)")
            if rows:
                connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)


class PostgresSource:
    """A database of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settings(self) -> dict[str, Any]:
        return {"type": "postgres", **self._database.settings()}

    def put(self, rows: Sequence[Row]) -> None:
        with self._database.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS people (k text, name text, plan text)")
            connection.execute("DELETE FROM people")
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO people VALUES (%s, %s, %s)", rows)


@dataclass
class World:
    """The project as it stands now; `sync` runs it."""

    folder: Path
    source: Source
    receiver: Receiver
    rows: Sequence[Row] = ()
    mode: str | list[str] = "mirror"
    fields: str = "plain"
    batch: int = 3
    events: list[Event] = field(default_factory=list)

    def put(self, rows: Sequence[Row]) -> None:
        """Replace the model's data."""
        self.rows = rows
        self.source.put(rows)

    @property
    def held(self) -> dict[str, Any]:
        """What the receiver holds."""
        return self.receiver.state()

    def sync(self, *faults: Fault, stop: Stop | None = None) -> list[SyncDocument]:
        """Run it once with these faults; `stop` ends it as soon as it sends, or after its first answers."""
        self._write()
        self.receiver.fail(*faults)
        signal = StopSignal()
        moment: Callable[[Event], bool] = lambda event: isinstance(event, Progress)  # noqa: E731
        if stop is not None and stop.endswith("at once"):
            moment = lambda event: isinstance(event, PhaseStarted) and event.phase == "send"  # noqa: E731

        def watch(event: Event) -> None:
            self.events.append(event)
            if stop is not None and moment(event):
                for _ in range(2 if stop.startswith("crash") else 1):
                    signal.request()

        with Workspace.open(self.folder, None, {}) as workspace:
            found = workspace.sync([MAPPING], plan_id=None, limit=None, on_event=watch, stop=signal)
            return list(found)

    def plan(self) -> PlanDocument:
        """What the next sync would do."""
        self._write()
        with Workspace.open(self.folder, None, {}) as workspace:
            (document,) = workspace.plan([MAPPING], statements=False, samples=3)
            assert document.error is None, document.error
            return document

    def release(self) -> None:
        """Let every quarantined record go."""
        self._write()
        with Workspace.open(self.folder, None, {}) as workspace:
            workspace.release(MAPPING, None)

    def forget_store(self) -> None:
        """Lose the control store, as a CI runner does."""
        shutil.rmtree(self.folder / ".tailrace", ignore_errors=True)

    def _write(self) -> None:
        webhook = {
            "type": "webhook",
            "url": self.receiver.url,
            "batch": self.batch,
            "concurrency": 2,
            "retry_for": "1ms",
        }
        guards = {
            "max_delete_percent": "off",
            "max_set_aside_percent": "off",
            "max_rejected_percent": "off",
            "allow_empty_model": True,
        }
        mapping = {
            "model": MAPPING,
            "destination": "crm",
            "action": "send",
            "mode": self.mode,
            "fields": FIELDS[self.fields],
            "guards": guards,
        }
        document = {
            "version": 1,
            "project": "property",
            "sources": {"warehouse": self.source.settings()},
            "models": {
                MAPPING: {"source": "warehouse", "key": "k", "sql": "SELECT k, name, plan FROM people"}
            },
            "destinations": {"crm": webhook},
            "mappings": {MAPPING: mapping},
        }
        (self.folder / "tailrace.yml").write_text(json.dumps(document))


def good(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows whose key names exactly one of them."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row[0] is not None and row[0].strip():
            found.setdefault(row[0], []).append(row)
    return {key: same[0] for key, same in found.items() if len(same) == 1}


def occurring(rows: Iterable[Row]) -> set[str]:
    """Every key that stands in the model, however often."""
    return {row[0] for row in rows if row[0] is not None}
