"""R1 to R4, R26: leases, take-overs, plans that nobody sealed, a damaged or foreign schema."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.e2e.project import SCHEMA, Project, command_environment, sending
from tests.e2e.waiting import until

from tailrace.errors import LeaseHeld, StateError
from tailrace.ids import state_id
from tailrace.runtime import planning
from tailrace.runtime.events import Event, Waiting
from tailrace.testing.faults import Fault


def _once(moment: Callable[[Event], bool], do: Callable[[], Any]) -> Callable[[Event], None]:
    done: list[bool] = []

    def watch(event: Event) -> None:
        if moment(event) and not done:
            done.append(True)
            do()

    return watch


def _killed(project: Project) -> None:
    """A real process, killed while it waits to send its first requests again."""
    project.aim(retry_for="5m")
    project.write()
    project.receiver.fail(Fault(kind="status", status=503, headers={"Retry-After": "60"}))
    environ = command_environment()
    with subprocess.Popen(
        [sys.executable, "-m", "tailrace.cli", "sync", "--json"],
        cwd=project.folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: project.receiver.stats()["requests"], lambda: process.poll() is None)
        process.send_signal(signal.SIGKILL)


def test_r01_a_live_lease_refuses_with_exit_5_and_names_its_holder(project: Project) -> None:
    project.many(3)
    other = project.beside("other machine")
    seen: list[tuple[int, dict[str, Any]]] = []
    project.ok(watch=_once(sending, lambda: seen.append(other.cli("sync"))))
    ((code, document),) = seen
    assert code == 5
    assert document["error"]["code"] == "lease_held"
    assert str(os.getpid()) in document["error"]["message"]
    assert other.ok().counts.unchanged == 3


def test_r01_a_killed_process_of_this_host_is_taken_over_at_once(project: Project) -> None:
    project.many(30)
    _killed(project)
    before = project.state("SELECT fence, n, sync_id FROM {checkpoints}")[0]
    document = project.finish()
    after = project.state("SELECT fence, n, sync_id, owner FROM {checkpoints}")[0]
    assert (document.sync, document.counts.delivered) == (before[2], 30)
    assert (after[0], after[3]) == (before[0] + 1, None)
    assert not [event for event in project.events if isinstance(event, Waiting)]
    assert len(project.held) == 30


def test_r01_another_store_resumes_under_the_same_sync_id(project: Project) -> None:
    project.many(30)
    first = project.sync(stop="crash")
    assert first.status == "interrupted"
    document = project.beside("other machine").finish()
    assert (document.sync, document.counts.added) == (first.sync, 30)
    assert len(project.held) == 30


@pytest.mark.parametrize(
    "step",
    [
        "create_plan",
        pytest.param("count_plan", marks=pytest.mark.core),
        pytest.param("units", marks=pytest.mark.core),
    ],
)
def test_r02_a_planner_that_finishes_after_its_takeover_seals_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    project.many(3)
    other = project.beside("other machine")
    genuine = getattr(planning, step)
    meanwhile: list[Any] = []

    def slow(*arguments: Any) -> Any:
        result = genuine(*arguments)
        if not meanwhile:
            monkeypatch.setattr(planning, step, genuine)
            _expire(project)
            meanwhile.append(other.ok())
        return result

    monkeypatch.setattr(planning, step, slow)
    document = project.sync()
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "fence_lost")
    assert meanwhile[0].counts.delivered == 3
    assert project.receiver.stats()["arrived"] == 3, "only the new owner sent"
    assert project.ok().counts.planned == 0


def _expire(project: Project) -> None:
    """The lease of whoever holds it ended long ago, and so did all its requests."""
    with project.opened() as workspace:
        from tailrace.service.holding import mapping_state

        source, _ = mapping_state(workspace, project.mapping)
        d = source.dialect
        past = d.plus_seconds(d.now(), -10_000_000)
        checkpoints = d.table(source.schema, project.table("checkpoints").split(".")[1])
        with source.session() as session:
            session.execute(d.update_rows(checkpoints, "c", {"lease_until": past}))


def test_r02_a_sender_that_lost_its_fence_stores_nothing_more(project: Project) -> None:
    project.many(3)
    other = project.beside("other machine")
    taken: list[Any] = []

    def take_over() -> None:
        _expire(project)
        taken.append(other.finish())

    document = project.sync(watch=_once(sending, take_over))
    assert document.error is not None
    assert document.error.code == "fence_lost"
    assert (taken[0].sync, taken[0].counts.delivered) == (document.sync, 3)
    assert project.records() == [("1", True, False), ("2", True, False), ("3", True, False)]
    assert project.ok().counts.planned == 0


def test_r03_requests_of_an_owner_that_may_live_are_waited_out(project: Project) -> None:
    project.aim(timeout="4s")
    project.many(3)
    project.sync(stop="crash", at=sending)
    elsewhere = {
        "store": "s",
        "host": "elsewhere",
        "boot_id": "b",
        "pid_namespace": "p",
        "pid": 1,
        "started": "1",
    }
    holder = project.state("SELECT holder FROM {checkpoints}")[0][0]
    known = json.loads(holder)
    assert set(elsewhere) <= set(known), known
    text = json.dumps(known | elsewhere | {"http_timeout": 4.0})
    project.state(
        f"UPDATE {{checkpoints}} SET owner = 'them', holder = '{text}', lease_until = now() - INTERVAL '100 milliseconds'"
    )
    project.finish()
    assert [
        event for event in project.events if isinstance(event, Waiting) and "previous run" in event.reason
    ]
    project.state(
        f"UPDATE {{checkpoints}} SET owner = 'them', holder = '{text}', lease_until = now() + INTERVAL '1 hour'"
    )
    with pytest.raises(LeaseHeld, match="elsewhere"):
        project.sync()


def test_r04_plans_that_nobody_sealed_are_dropped_and_other_tables_are_not(project: Project) -> None:
    project.many(3)
    project.ok()
    mapping = state_id(project.name, None, project.mapping)
    ours, theirs, alien = f"changes_{mapping}_7_9", "changes_other_12345678_7_9", f"changes_{mapping}_8_9"
    for name in (ours, theirs, alien):
        project.state(f"CREATE TABLE {SCHEMA}.{name} (operation text)")
    for name in (ours, theirs):
        project.state(f"COMMENT ON TABLE {SCHEMA}.{name} IS 'tailrace:1'")
    project.ok()
    assert ours not in project.tables()
    assert {theirs, alien} <= project.tables()


@pytest.mark.core
def test_r04_a_plan_that_fails_leaves_nothing_behind(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.many(3)
    project.ok()
    project.data("UPDATE people SET name = 'new'")
    before = project.tables()

    def die(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(planning, "count_plan", die)
        with pytest.raises(KeyboardInterrupt):
            project.sync()
    assert project.tables() == before
    assert project.state("SELECT phase FROM {checkpoints}") == [("idle",)]
    assert project.ok().counts.updated == 3


def test_r26_a_changed_row_count_blocks_until_reset_or_accepted(project: Project) -> None:
    project.many(4)
    project.ok()
    project.state("DELETE FROM {records} WHERE record_id = '2'")
    code, document = project.cli("sync")
    (sync,) = document["syncs"]
    assert (code, sync["status"], sync["error"]["code"]) == (4, "blocked", "state_damaged")
    assert "--accept" in sync["error"]["hint"]
    code, document = project.cli("reset", project.mapping, "--accept", "--yes")
    assert (code, document["action"], document["records"]) == (0, "reset", 3)
    assert project.ok().counts.added == 1
    project.state("DELETE FROM {records} WHERE record_id = '3'")
    assert project.sync().status == "blocked"
    with project.opened() as workspace:
        workspace.reset(project.mapping)
    assert project.ok().counts.added == 4


@pytest.mark.core
def test_r26_a_newer_layout_is_refused_politely(project: Project) -> None:
    project.many(1)
    project.ok()
    project.state("UPDATE {meta} SET layout = 99")
    with pytest.raises(StateError, match="newer version") as raised:
        project.sync()
    assert raised.value.code == "state_newer"
    assert raised.value.hint
    project.state("UPDATE {meta} SET layout = 1")
    assert project.ok().counts.unchanged == 1


def test_r26_the_control_store_deleted_at_40_percent(project: Project) -> None:
    project.source = {"commit_interval": "10ms"}
    project.aim(retry_for="20s", batch=2, concurrency=1)
    project.many(50)
    crashed = project.sync(
        Fault(kind="latency", seconds=0.2), stop="crash", at=lambda event: getattr(event, "done", 0) >= 20
    )
    assert crashed.status == "interrupted"
    before = project.receiver.stats()
    assert 20 <= len(project.held) < 50
    project.forget_store()
    document = project.finish()
    assert document.sync == crashed.sync
    assert (document.counts.delivered, document.counts.planned) == (50, 50)
    assert len(project.held) == 50
    again = project.receiver.stats()["arrived"] - before["arrived"] - 30
    assert again < 30, "it went on, and did not begin again"
    assert all(each == ["added"] * len(each) for each in map(project.operations, project.held))
    assert project.ok().counts.planned == 0


def test_r26_progress_comes_to_the_warehouse_while_a_sync_sends(project: Project) -> None:
    project.source = {"commit_interval": "1ms"}
    project.aim(batch=1, concurrency=1)
    project.many(30)
    project.sync(
        Fault(kind="latency", seconds=0.2), stop="crash", at=lambda event: getattr(event, "done", 0) >= 25
    )
    kinds = dict(project.state("SELECT kind, count(*) FROM {progress} GROUP BY kind"))
    assert kinds["resolved"] >= 1
    assert kinds["ceiling"] >= 1


@pytest.mark.core
def test_r26_the_warehouse_wins_over_a_restored_store(project: Project) -> None:
    project.many(30)
    project.sync(stop="crash", at=sending)
    saved = project.folder / ".tailrace"
    saved.rename(project.folder / "backup")
    assert project.beside("other machine").finish().counts.delivered == 30
    project.data("UPDATE people SET name = 'new' WHERE id <= 3")
    (project.folder / "backup").rename(saved)
    assert project.ok().counts.updated == 3
    assert sum(1 for name in project.names.values() if name == "new") == 3
