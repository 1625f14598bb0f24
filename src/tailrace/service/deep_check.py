"""Proves a source by doing all that a sync does: synthetic records, through the managed schema, to this machine.

Only tables of its own are made, and they are dropped at the end. No table of the user's is read.
"""

from __future__ import annotations

import json
import platform
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.clock import SystemClock
from tailrace.errors import LeaseHeld, TailraceError
from tailrace.runtime.events import Event, Progress
from tailrace.runtime.fenced import hold
from tailrace.runtime.planning import Options
from tailrace.runtime.prepared import prepare, project_source
from tailrace.runtime.stop import StopSignal
from tailrace.runtime.sync import Surroundings, run_mapping
from tailrace.service.documents import CheckStepDocument
from tailrace.service.listener import Listener, listening
from tailrace.sources.registry import packages
from tailrace.sources.samples import samples_of
from tailrace.spec.destination import DestinationSpec
from tailrace.spec.mapping import MappingSpec
from tailrace.spec.model import ModelSpec
from tailrace.spec.project import Project
from tailrace.state.names import META, SYNC_LOG, StateNames
from tailrace.state.tables import find_schema, ours

if TYPE_CHECKING:
    from tailrace.sources.base import Source
    from tailrace.store.rows import SyncRow

NAME = "tailrace_deep_check"
RECORDS = 995
_GUARDS = {"max_delete_percent": "off", "max_set_aside_percent": "off", "max_rejected_percent": "off"}


class Unexpected(Exception):
    """A step came to something else than it must; the message says what."""


def versions(type_name: str) -> str:
    """What runs here, for a report: Tailrace, Python, the system, and the warehouse's drivers."""
    found = [f"Tailrace {metadata.version('tailrace')}", f"Python {platform.python_version()}"]
    for package in (*packages(type_name), "pyarrow"):
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{package} {metadata.version(package)}")
    return ", ".join([*found, platform.platform(terse=True)])


def deep_check(project: Project, name: str, environ: Mapping[str, str]) -> Iterator[CheckStepDocument]:
    """Each step of the check with its seconds; after one that failed, only the tables are cleaned up."""
    spec = project.sources[name]
    yield CheckStepDocument(name="versions", status="passed", detail=versions(spec.type))
    with tempfile.TemporaryDirectory(prefix="tailrace-") as folder, listening() as listener:
        check = _DeepCheck(project, name, environ, Path(folder), listener)
        try:
            for title, act in check.steps():
                step = _done(title, act)
                yield step
                if step.status == "failed":
                    break
        finally:
            check.close()
        yield _done("clean-up", check.clean_up)


def _done(title: str, act: Callable[[], str]) -> CheckStepDocument:
    before = time.monotonic()
    try:
        said = act()
    except Unexpected as error:
        hint = "Report this with the output of `tailrace check --deep --json`; no data of yours is in it."
        return CheckStepDocument(name=title, status="failed", detail=str(error), remedy=hint)
    except TailraceError as error:
        return CheckStepDocument(name=title, status="failed", detail=error.message, remedy=error.hint)
    detail = f"{said} ({time.monotonic() - before:.1f} s)"
    return CheckStepDocument(name=title, status="passed", detail=detail)


@dataclass
class _DeepCheck:
    project: Project
    name: str
    environ: Mapping[str, str]
    folder: Path
    listener: Listener
    id: str = field(default_factory=lambda: f"{NAME}_{secrets.token_hex(3)}")
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the listener holds by now, by key."""

    def __post_init__(self) -> None:
        from tailrace.store.store import open_store

        self.source: Source = project_source(self.project, self.name, self.environ)
        self.samples = samples_of(self.source)
        address = {"TAILRACE_STORE": str(self.folder / "store.db")}
        self.store = open_store(self.folder, {**self.environ, **address}, SystemClock())
        self.before: set[str] = set()

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What is done, in order."""
        yield "managed schema", self.look
        yield "first sync", self.first_sync
        yield "values", self.values
        yield "nothing changed", self.nothing_changed
        yield "changes", self.changes
        yield "another writer", self.another_writer
        yield "crash and resume", self.crash_and_resume

    def close(self) -> None:
        self.store.close()

    # -- the model

    def model(self, *, first: int, last: int, news: tuple[int, int] = (0, 0), twice: int = 0) -> str:
        """Records `first` to `last`, those in `news` with another label, one of them in two rows."""
        d = self.source.dialect
        digits = [[str(digit)] for digit in range(10)]
        ones, tens, hundreds = (d.constants(alias, ["x"], digits) for alias in ("a", "b", "c"))
        numbers = (
            f"SELECT a.x + 10 * b.x + 100 * c.x + 1 AS n FROM {ones} CROSS JOIN {tens} CROSS JOIN {hundreds}"
        )
        label = f"CASE WHEN n BETWEEN {news[0]} AND {news[1]} THEN 'new' ELSE 'old' END"
        values = "".join(f", {sample.expression} AS {sample.name}" for sample in self.samples)
        rows = f"SELECT n AS id, {label} AS label{values} FROM ({numbers}) AS numbers WHERE n"
        again = f" UNION ALL {rows} = {twice}" if twice else ""
        return f"{rows} BETWEEN {first} AND {last}{again}"

    def run(self, sql: str, *, crash: bool = False) -> list[SyncRow]:
        """Sync a model's statement once."""
        stop = StopSignal()

        def seen(event: Event) -> None:
            if crash and isinstance(event, Progress) and not stop.graceful:
                stop.request()
                stop.request()

        around = Surroundings(self.made(sql), self.environ, self.store, SystemClock(), stop, seen)
        rows = list(run_mapping(around, self.id, Options()))
        for body in self.listener.take():
            for record in json.loads(body, parse_float=str, parse_int=str)["records"]:
                if record["operation"] == "deleted":
                    self.held.pop(record["key"], None)
                else:
                    self.held[record["key"]] = record["record"]
        return rows

    def made(self, sql: str) -> Project:
        """The project with nothing in it but the source, this model, and a mapping to the listener."""
        settings = {"url": self.listener.url, "batch": 100, "concurrency": 2, "retry_for": "10s"}
        destination = DestinationSpec(name=NAME, type="webhook", settings=settings)
        model = ModelSpec(name=NAME, source=self.name, key=("id",), sql=sql)
        mapping = MappingSpec.model_validate(
            {
                "name": self.id,
                "id": self.id,
                "model": NAME,
                "destination": NAME,
                "action": "send",
                "mode": "mirror",
                "guards": _GUARDS,
            }
        )
        parts = {"models": {NAME: model}, "destinations": {NAME: destination}, "mappings": {self.id: mapping}}
        return self.project.model_copy(update=parts)

    # -- steps

    def look(self) -> str:
        with self.source.session() as session:
            schema = find_schema(session, self.source.dialect, self.source.schema)
            if schema is None:
                return f"{self.source.schema} will be made"
            self.before = ours(session, self.source.dialect, schema)
            return f"{schema} is there, with {len(self.before)} tables of Tailrace's"

    def first_sync(self) -> str:
        row = self._success(self.run(self.model(first=1, last=RECORDS)))
        self._expect(row.counts, {"model_rows": RECORDS, "added": RECORDS, "delivered": RECORDS})
        rate = RECORDS / max(sum(row.phases.values()), 0.001)
        return f"{RECORDS} records sent and remembered, {rate:,.0f} a second"

    def values(self) -> str:
        arrived = self.held.get("1", {})
        wrong = []
        for sample in self.samples:
            wanted = json.loads(sample.json, parse_float=str, parse_int=str)
            if arrived.get(sample.name, "nothing") != wanted:
                wrong.append(f"{sample.name}: {arrived.get(sample.name, 'nothing')!r} instead of {wanted!r}")
        if wrong:
            raise Unexpected(f"values arrived changed: {'; '.join(wrong)}")
        return f"{len(self.samples)} types arrived exactly"

    def nothing_changed(self) -> str:
        row = self._success(self.run(self.model(first=1, last=RECORDS)))
        self._expect(row.counts, {"unchanged": RECORDS, "planned": 0})
        return "nothing was sent"

    def changes(self) -> str:
        row = self._success(self.run(self.model(first=6, last=1000, news=(6, 15), twice=20)))
        wanted = {"added": 5, "updated": 10, "deleted": 5, "set_aside": 2, "unchanged": 979, "delivered": 20}
        self._expect(row.counts, wanted)
        self._holds({str(number): "new" if number <= 15 else "old" for number in range(6, 1001)})
        return "5 added, 10 updated, 5 deleted, 2 rows of one key set aside"

    def another_writer(self) -> str:
        sql = self.model(first=6, last=1000)
        prepared = prepare(self.made(sql), self.id, self.environ)
        with hold(prepared, self.store.id, SystemClock(), http_timeout=30.0, renewed=lambda until: None):
            try:
                self.run(sql)
            except LeaseHeld:
                return "refused while the first one holds the lease"
        raise Unexpected("two writers held the lease of one mapping")

    def crash_and_resume(self) -> str:
        sql = self.model(first=6, last=1000, news=(6, 1000))
        stopped = self.run(sql, crash=True)
        if [row.status for row in stopped] != ["interrupted"]:
            raise Unexpected(f"the sync was not interrupted: {', '.join(row.status for row in stopped)}")
        resumed, after = self.run(sql)
        self._success([resumed])
        self._expect(after.counts, {"planned": 0, "unchanged": 995})
        self._holds({str(number): "new" for number in range(6, 1001)})
        return f"{resumed.counts['delivered']} records, none lost"

    def clean_up(self) -> str:
        """Drop what was made here, and nothing else."""
        d = self.source.dialect
        with self.source.session() as session:
            schema = find_schema(session, d, self.source.schema)
            if schema is None:
                return "nothing was made"
            mapping = self.made("SELECT 1").mappings[self.id]
            state = self.project.state_id(mapping)
            names = StateNames(schema, state)
            found = ours(session, d, schema)
            own = {name for name in found if state.lower() in name.lower()}
            shared = {name for name in found if name.lower() in (META, SYNC_LOG)}
            if not self.before and found == own | shared:
                own = found
            elif any(name.lower() == SYNC_LOG for name in shared):
                log = d.table(schema, names.sync_log)
                session.execute(f"DELETE FROM {log} WHERE state_id = {d.literal(names.id)}")
            for name in sorted(own):
                session.execute(d.drop_table(d.table(schema, name)))
        return f"{len(own)} tables dropped"

    # -- what must hold

    def _success(self, rows: list[SyncRow]) -> SyncRow:
        (row,) = rows
        if row.status != "success":
            said = row.error["message"] if row.error else f"counts {row.counts}"
            raise Unexpected(f"the sync ended as {row.status}: {said}")
        return row

    def _expect(self, counts: Mapping[str, int], wanted: Mapping[str, int]) -> None:
        found = {name: counts[name] for name in wanted}
        if found != dict(wanted):
            raise Unexpected(f"counts are {found} instead of {dict(wanted)}")

    def _holds(self, labels: Mapping[str, str]) -> None:
        found = {key: record["label"] for key, record in self.held.items() if key in labels}
        if found != dict(labels):
            wrong = [key for key in labels if found.get(key) != labels[key]]
            raise Unexpected(f"{len(wrong)} records arrived wrong, {', '.join(wrong[:5])} for example")
