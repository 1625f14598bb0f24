"""A control store that fails in the middle: what it did not take is never told to the warehouse as delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.e2e.project import Project

from tailrace.errors import SourceUnavailable, StoreError
from tailrace.runtime import resuming
from tailrace.store import retention
from tailrace.store.ledger import LedgerWriter
from tailrace.testing.faults import Fault


def test_r25_a_refusal_that_the_store_did_not_take_is_not_committed_as_delivered(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.aim(batch=1, concurrency=1)
    project.many(4)
    genuine = LedgerWriter._store  # pyright: ignore[reportPrivateUsage]

    def full(self: LedgerWriter, connection: Any, changed: Any, listed: list[dict[str, Any]]) -> None:
        if listed:
            raise StoreError("The disk is full.", code="store_busy")
        genuine(self, connection, changed, listed)

    with monkeypatch.context() as patch:
        patch.setattr(LedgerWriter, "_store", full)
        broken = project.sync(Fault(kind="status", status=422, keys=("2",)))
    assert broken.status == "interrupted"
    assert broken.error is not None
    assert broken.error.code == "store_busy"
    resumed, _ = project.syncs(Fault(kind="status", status=422, keys=("2",)))
    assert (resumed.counts.delivered, resumed.counts.rejected) == (3, 1)
    assert [key for key, _, _ in project.records()] == ["1", "3", "4"]


def test_r25_a_resume_that_fails_keeps_the_ledger(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.aim(batch=1, concurrency=1)
    project.many(30)
    project.sync(stop="crash", at=lambda event: getattr(event, "done", 0) >= 20)
    arrived = project.receiver.stats()["arrived"]

    def unavailable(*_: Any, **__: Any) -> Any:
        raise SourceUnavailable("The warehouse is away.")

    with monkeypatch.context() as patch:
        patch.setattr(resuming, "commit_progress", unavailable)
        assert project.sync().status == "interrupted"
    assert project.finish().counts.delivered == 30
    assert project.receiver.stats()["arrived"] - arrived <= 11, "what was acknowledged is not sent again"


def test_old_syncs_are_forgotten_when_new_ones_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention.purge, "__defaults__", (timedelta(0), 2))
    project.many(1)
    for _ in range(4):
        project.ok()
    with project.opened() as workspace:
        assert len(workspace.syncs(project.mapping, 10).syncs) == 3, "the newest two, and what ran since"
