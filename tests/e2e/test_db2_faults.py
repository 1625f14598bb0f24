"""Whole syncs over a Db2 that is lost at every moment, or whose driver hangs or crashes: nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project, command_environment, sending
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2.faults import DEADLOCK, LOG_FULL

from tailrace.runtime.events import Event
from tailrace.sources.db2 import pool
from tailrace.testing.receiver import Receiver

ROWS = 2_000
"""So many that a unit does not come in one answer of the server."""

NAMES = {str(number): "a name of some length" for number in range(1, ROWS + 1)}


@pytest.fixture
def shop(db2_database: Database, tmp_path: Path, receiver: Receiver) -> Project:
    """A project whose source gives up soon where nobody answers."""
    made = Project(tmp_path, Db2Warehouse(db2_database), receiver, source={"connect_timeout": 2})
    made.aim(batch=500)
    made.many(ROWS, name="a name of some length")
    return made


def _made_good(shop: Project) -> None:
    """The next run goes on; then all is as if nothing had happened."""
    assert {document.status for document in shop.syncs()} == {"success"}
    assert shop.names == NAMES
    assert len(shop.records()) == ROWS
    assert {row[1:] for row in shop.records()} == {(True, False)}
    assert not [table for table in shop.tables() if table.startswith("changes_")]


FAULTS: dict[str, Callable[[Db2Server], object]] = {
    "lost when it was read, before the answer": lambda db2: db2.drop("statement", matching=r"INTO SESSION\S+MODEL"),
    "lost in the commit of the plan's table": lambda db2: db2.drop("commit", matching=r"COMMENT ON \S+ \S+CHANGES_"),
    "lost when the plan was sealed, before the answer": lambda db2: db2.drop("commit", matching="'planned'"),
    "lost while a unit is read": lambda db2: db2.drop("fetch", matching=r"SELECT p\.seq AS"),
    "lost while rows are moved": lambda db2: db2.drop("statement", matching=r"INSERT INTO \S+RECORDS_"),
    "lost before the last commit": lambda db2: db2.drop("commit", before=True, matching='"CHECKPOINT" ='),
    "lost after the last commit, before the answer": lambda db2: db2.drop("commit", matching='"CHECKPOINT" ='),
    "deadlock while rows are moved": lambda db2: db2.fail(DEADLOCK, matching=r"INSERT INTO \S+RECORDS_"),
    "log full while rows are moved": lambda db2: db2.fail(LOG_FULL, matching=r"INSERT INTO \S+RECORDS_"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_whatever_is_lost_the_next_sync_makes_good(shop: Project, db2: Db2Server, fault: str) -> None:
    injected = FAULTS[fault](db2)
    code, document = shop.cli("sync")
    assert injected.happened.is_set()
    ended = document["syncs"][-1] if "syncs" in document else document
    assert (code == 0) == (ended["error"] is None)
    assert ended["error"] is None or ended["error"]["code"].startswith("source_"), document
    _made_good(shop)
    assert shop.receiver.stats()["arrived"] == ROWS, "none was sent twice"


def test_connections_that_were_lost_while_idle_are_made_anew(
    shop: Project, db2: Db2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "FRESH", 0.0)  # as if it had been idle for longer
    database = shop.warehouse.database  # type: ignore[attr-defined]
    dropped: list[Event] = []

    def drop(event: Event) -> None:
        if sending(event):
            dropped.append(event)
            db2.drop_links(database)

    assert shop.ok(watch=drop).counts.delivered == ROWS
    assert dropped
    _made_good(shop)
    assert shop.receiver.stats()["arrived"] == ROWS, "none was sent twice"


def _drivers(process: int) -> list[int]:
    """The processes of IBM's driver that a process has."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        int(pid)
        for pid in listed
        if b"tailrace.sources.db2.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def _wait_until_gone(pids: list[int]) -> None:
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
            threading.Event().wait(0.02)


@pytest.mark.parametrize(
    ("struck", "statement"),
    [
        ("driver", r"INTO SESSION\S+MODEL"),
        ("driver", r"SELECT p\.seq AS"),
        ("driver", r"INSERT INTO \S+RECORDS_"),
        ("sync", r"INSERT INTO \S+RECORDS_"),
    ],
)
def test_a_driver_or_a_sync_that_dies_in_mid_statement_costs_nothing(
    shop: Project, db2: Db2Server, struck: str, statement: str
) -> None:
    slow = db2.slow(600, matching=statement)
    shop.write()
    command = [sys.executable, "-m", "tailrace.cli", "sync", "--json"]
    with subprocess.Popen(
        command,
        cwd=shop.folder,
        env=command_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as sync:
        while not slow.happened.wait(0.1):
            assert sync.poll() is None
        drivers = _drivers(sync.pid)
        assert drivers
        if struck == "sync":
            sync.kill()
        for pid in drivers if struck == "driver" else ():
            os.kill(pid, signal.SIGSEGV)
    _wait_until_gone(drivers)
    _made_good(shop)
    assert shop.receiver.stats()["arrived"] <= ROWS + 2 * 500


def test_a_server_that_never_answers_the_hello_of_tls_ends_the_command(shop: Project, db2: Db2Server) -> None:
    with db2.silent():
        code, document = shop.cli("sync")
    assert (code, document["error"]["code"]) == (1, "source_unavailable")
    _made_good(shop)


def test_a_server_that_falls_silent_in_mid_sync_ends_it(shop: Project, db2: Db2Server) -> None:
    with ExitStack() as silence:

        def fall_silent(event: Event) -> None:
            if sending(event):
                silence.enter_context(db2.silent())
                db2.drop_links(shop.warehouse.database)  # type: ignore[attr-defined]

        document = shop.sync(watch=fall_silent)
    assert document.status in ("failed", "interrupted")
    assert document.error is not None
    assert document.error.code == "source_unavailable"
    shop.state("UPDATE {checkpoints} SET lease_until = now() - INTERVAL '2 hours'")  # it could not be let go
    _made_good(shop)
