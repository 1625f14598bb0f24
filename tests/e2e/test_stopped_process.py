"""A process that is killed, or stopped while it waits: what the next command sees of it, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.chaos.process import SyncProcess
from tests.e2e.project import DuckDBWarehouse, Project, first_answer

from tailrace.errors import ConfigError
from tailrace.runtime.events import Event
from tailrace.sources.duckdb import files
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

_HOLD = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def shop(tmp_path: Path, receiver: Receiver) -> Project:
    made = Project(tmp_path, DuckDBWarehouse(tmp_path), receiver)
    made.many(20)
    made.aim(retry_for="15m")
    made.write()
    return made


@contextmanager
def held(file: Path) -> Iterator[int]:
    """Another process that has the file open; its pid."""
    command = [sys.executable, "-c", _HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


def statuses(shop: Project) -> set[str]:
    """What `ls`, `syncs` and `show` say of the last sync."""
    with shop.opened() as workspace:
        last = workspace.mappings().mappings[0].last
        assert last is not None
        (listed,) = workspace.syncs(None, 5).syncs
        return {last.status, listed.status, workspace.show(last.sync).sync.status}


def test_a_killed_sync_is_seen_as_interrupted_at_once_and_finished_by_the_next(shop: Project) -> None:
    shop.receiver.fail(Fault(kind="status"))
    with SyncProcess(shop.folder) as process:
        assert process.wait_for("sending")
        assert statuses(shop) == {"running"}
        assert process.signal(signal.SIGKILL)
        process.join()
    assert statuses(shop) == {"interrupted"}
    with shop.opened() as workspace:
        sync = workspace.syncs(None, 1).syncs[0].sync
        with pytest.raises(ConfigError, match="it is interrupted") as refused:
            workspace.cancel(sync)
        assert f"tailrace discard {sync}" in refused.value.hint
    assert shop.finish().sync == sync


@pytest.mark.parametrize(
    ("number", "file", "times"),
    [(signal.SIGINT, "shop.duckdb", 1), (signal.SIGTERM, "shop.tailrace.duckdb", 2)],
)
def test_r29_a_signal_ends_the_wait_for_a_locked_file(
    shop: Project, number: signal.Signals, file: str, times: int
) -> None:
    with held(shop.folder / file) as pid, SyncProcess(shop.folder) as process:
        assert process.says(f"{file} is in use by process {pid}")
        for said in ("stopping: ", "stopping at once")[:times]:
            assert process.signal(number)
            assert process.says(said)
        assert process.join() == 130
    assert process.document is not None
    assert process.document["error"]["code"] == "cancelled"


def test_r29_a_cancel_that_cannot_be_committed_is_an_interruption_and_says_why(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_HURRIED", 0.2)
    shop.aim(batch=1, concurrency=1)
    holders: list[int] = []
    with ExitStack() as until_it_ended:

        def hold(event: Event) -> None:
            if first_answer(event) and not holders:
                holders.append(until_it_ended.enter_context(held(shop.folder / "shop.tailrace.duckdb")))

        ended = shop.sync(watch=hold, stop="cancel")
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("interrupted", "cancelled")
    assert f"shop.tailrace.duckdb is in use by process {holders[0]}" in ended.error.message
    assert "goes on where it stopped" in ended.error.hint
