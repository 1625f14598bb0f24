"""R3: a sync that lost its lease ends at once, whatever runs for it in the warehouse at that moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.project import SCHEMA, PostgresWarehouse, Project
from tests.e2e.waiting import until
from tests.servers.postgres import Database

from tailrace.runtime import lease, planning, sending
from tailrace.service.documents import SyncDocument
from tailrace.service.holding import mapping_state
from tailrace.testing.receiver import Receiver

ENDLESS = {
    "duckdb": "SELECT * FROM people WHERE (SELECT sum(a.range ^ b.range) FROM range(10000000) AS a,"
    " range(10000000) AS b) IS NOT NULL",
    "postgres": "SELECT * FROM people WHERE pg_sleep(3600) IS NOT NULL",
}
GENEROUS = 60.0


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a timeout of a second, so that what a lease does is seen in one, not in 30."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3.0)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_database: Database, receiver: Receiver) -> Project:
    """There, a lock holds a statement as long as a test likes."""
    made = Project(tmp_path, PostgresWarehouse(postgres_database), receiver)
    made.aim(timeout="1s")
    made.many(3)
    return made


def steal(project: Project) -> None:
    """Take the fence as another process does, but without its cleaning up."""
    with project.opened() as workspace:
        source, _ = mapping_state(workspace, project.mapping)
        table = source.dialect.table(source.schema, project.table("checkpoints").split(".")[1])
        with source.session() as session:
            session.execute(f"UPDATE {table} SET owner = 'them', fence = fence + 1")


@contextmanager
def locked(
    project: Project, database: Database, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
) -> Iterator[Callable[[], object]]:
    """From this step on, nobody can read the plan's table; gives whether a statement waits for that."""
    genuine = getattr(module, step)
    with database.connect() as holder:
        holder.autocommit = False

        def stuck(*arguments: Any) -> Any:
            (table,) = {name for name in project.tables() if name.startswith("changes_")}
            holder.execute(f"LOCK TABLE {SCHEMA}.{table} IN ACCESS EXCLUSIVE MODE".encode())
            return genuine(*arguments)

        monkeypatch.setattr(module, step, stuck)
        try:
            yield lambda: database.sql("SELECT 1 FROM pg_locks WHERE NOT granted")
        finally:
            holder.rollback()


def check_lost(document: SyncDocument, status: str, message: str) -> None:
    assert document.error is not None
    assert (document.status, document.error.code) == (status, "fence_lost")
    assert message in document.error.message


def test_r03_a_model_that_runs_when_the_fence_is_taken_is_cancelled(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.aim(timeout="1s")
    project.source = {"statement_timeout": "2m"}  # should it not be
    project.many(3)
    project.sql = ENDLESS[project.warehouse.kind]
    genuine, began = planning.create_plan, threading.Event()

    def create_plan(*arguments: Any) -> None:
        began.set()
        genuine(*arguments)

    monkeypatch.setattr(planning, "create_plan", create_plan)
    with ThreadPoolExecutor(1) as beside:
        sync = beside.submit(project.sync)
        assert began.wait(GENEROUS)
        steal(project)
        check_lost(sync.result(GENEROUS), "failed", "took this mapping over")
    assert project.receiver.stats()["arrived"] == 0
    assert not [name for name in project.tables() if name.startswith("changes_")]


@pytest.mark.parametrize(
    ("module", "step", "status"),
    [
        pytest.param(planning, "count_plan", "failed", id="statement"),
        pytest.param(planning, "rerender", "failed", id="stream"),
        pytest.param(sending, "read_unit", "interrupted", id="unit"),
    ],
)
def test_r03_what_waits_for_a_lock_when_the_fence_is_taken_is_cancelled(
    on_postgres: Project,
    postgres_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
    status: str,
) -> None:
    project = on_postgres
    project.ok()
    project.edit(fields={"id": "$id", "name": "{{ name | upcase }}"})
    with (
        ThreadPoolExecutor(1) as beside,
        locked(project, postgres_database, monkeypatch, module, step) as waits,
    ):
        sync = beside.submit(project.sync)
        until(waits, lambda: not sync.done())
        steal(project)
        check_lost(sync.result(GENEROUS), status, "took this mapping over")
    assert project.receiver.stats()["arrived"] == 3, "the first sync alone sent"


def test_r03_a_lease_that_ran_out_ends_a_plan_too(
    on_postgres: Project, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can connect any more, to renew it say; the connection of what runs stands."""
    project, server = on_postgres, postgres_database.server
    database = f'ALTER DATABASE "{postgres_database.name}" ALLOW_CONNECTIONS'
    with (
        ThreadPoolExecutor(1) as beside,
        locked(project, postgres_database, monkeypatch, planning, "count_plan") as waits,
    ):
        sync = beside.submit(project.sync)
        until(waits, lambda: not sync.done())
        server.sql(f"{database} false", database="postgres")
        try:
            check_lost(sync.result(GENEROUS), "failed", "ran out before it could be renewed")
        finally:
            server.sql(f"{database} true", database="postgres")
    assert project.receiver.stats()["arrived"] == 0
