"""What a person does beside a sync: resend, give up; nothing is sent or deleted that must not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.e2e.project import Project, sending

from tailrace.clock import Clock
from tailrace.errors import SourceUnavailable, StoreError
from tailrace.runtime import fenced
from tailrace.runtime.lease import LeaseKeeper
from tailrace.sources.base import Job
from tailrace.sources.registry import source_type
from tailrace.state import commit, lease, seal
from tailrace.state.lease import Taken
from tailrace.store.syncs import Syncs


def test_resend_marks_nothing_that_was_never_delivered(project: Project) -> None:
    project.edit(first_sync="skip")
    project.many(3)
    assert project.ok().counts.not_sent == 3
    with project.opened() as workspace:
        assert workspace.resend(project.mapping, []).records == 0
    project.data("DELETE FROM people WHERE id = 3")
    document = project.ok()
    assert (document.counts.planned, document.counts.unchanged) == (0, 2)
    assert project.receiver.stats()["arrived"] == 0


def test_a_plan_whose_mapping_cannot_be_read_is_given_up_and_planned_anew(project: Project) -> None:
    project.many(12)
    project.sync(stop="crash")
    project.state("""UPDATE {checkpoints} SET spec = '{"layout": 99}'""")
    given_up, planned = project.syncs()
    assert (given_up.status, planned.status) == ("superseded", "success")
    assert "cannot be read" in given_up.warnings[0]
    assert len(project.held) == 12


def test_r17_an_earlier_version_in_another_form_asks_for_a_choice(project: Project) -> None:
    project.many(3)
    project.ok()
    ((stored,),) = project.state("SELECT spec FROM {checkpoints}")
    spec = json.dumps(json.loads(stored) | {"rendered_before": {"fingerprint": "old"}}).replace("'", "''")
    project.state(f"UPDATE {{checkpoints}} SET spec = '{spec}'")
    document = project.sync()
    assert document.error is not None
    assert (document.status, document.error.code) == ("blocked", "state_unreadable")
    project.edit(on_change="keep")
    assert project.ok().counts.unchanged == 3
    project.edit(on_change=None)
    assert project.ok().counts.unchanged == 3


@pytest.mark.parametrize("obstacle", ["age", "none"])
def test_a_resume_that_cannot_be_ended_is_told_of_and_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    project.many(12)
    project.sync(stop="crash")
    if obstacle == "age":
        project.state("UPDATE {checkpoints} SET planned_at = now() - INTERVAL '2 hours'")

    def away(*_: Any) -> Any:
        raise SourceUnavailable("The warehouse is away.")

    with monkeypatch.context() as patch:
        for ending in ("finish", "discard"):
            patch.setattr(commit, ending, away)
        document = project.sync()
    assert document.error is not None
    assert (document.status, document.error.code) == ("interrupted", "source_unavailable")
    ended, after = project.syncs()
    assert (ended.sync, after.status) == (document.sync, "success")
    assert len(project.held) == 12


def test_a_discard_that_fails_leaves_an_interrupted_sync(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.many(12)
    sync = project.sync(stop="crash").sync

    def away(*_: Any) -> Any:
        raise SourceUnavailable("The warehouse is away.")

    with project.opened() as workspace:
        with monkeypatch.context() as patch:
            patch.setattr(commit, "discard", away)
            with pytest.raises(SourceUnavailable):
                workspace.discard(sync)
        assert workspace.show(sync).sync.status == "interrupted"
        workspace.discard(sync)
        assert workspace.show(sync).sync.status == "discarded"


def test_a_seal_whose_answer_was_lost_keeps_its_plan(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.many(12)
    genuine = seal.seal

    def lost(*arguments: Any, **named: Any) -> None:
        genuine(*arguments, **named)
        raise SourceUnavailable("The connection was lost.")

    with monkeypatch.context() as patch:
        patch.setattr(seal, "seal", lost)
        assert project.sync().status == "failed"
    assert project.finish().counts.delivered == 12


def test_a_renewal_does_not_hang_on_the_store(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    renewals: list[Callable[[], None]] = []

    class Keeper(LeaseKeeper):
        def __init__(self, renew: Callable[[], None], ttl: float, clock: Clock) -> None:
            super().__init__(renew, ttl, clock)
            renewals.append(renew)

    def locked(*_: Any) -> Any:
        raise StoreError("The control store is locked.")

    monkeypatch.setattr(fenced, "LeaseKeeper", Keeper)
    monkeypatch.setattr(Syncs, "renew", locked)
    project.many(3)
    project.ok(watch=lambda event: renewals[0]() if sending(event) else None)


def test_r26_a_changed_row_count_blocks_a_resume_too(project: Project) -> None:
    project.many(12)
    project.ok()
    project.data("UPDATE people SET name = 'new'")
    sync = project.sync(stop="crash").sync
    project.state("DELETE FROM {records} WHERE record_id = '2'")
    document = project.sync()
    assert document.error is not None
    assert (document.sync, document.status, document.error.code) == (sync, "blocked", "state_damaged")
    with project.opened() as workspace:
        workspace.accept(project.mapping)
    assert project.finish().counts.delivered == 12
    assert [key for key, *_ in project.records()] == sorted(str(key) for key in range(1, 13))


@pytest.mark.parametrize("first", [True, False], ids=["adopted", "moved"])
def test_r02_a_commit_whose_answer_was_lost_is_read_back(
    project: Project, monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    project.many(12)
    if not first:
        project.ok()
        project.data("UPDATE people SET name = 'new'")
    genuine = commit.finish
    lost: list[int] = []

    def answerless(*arguments: Any) -> int:
        rows = genuine(*arguments)
        if not lost:
            lost.append(rows)
            raise SourceUnavailable("The connection was lost.")
        return rows

    monkeypatch.setattr(commit, "finish", answerless)
    assert project.ok().counts.delivered == 12
    assert lost == [12]
    assert len(project.records()) == 12
    assert project.state("SELECT count(*) FROM {log}") == [(1 if first else 2,)]
    assert project.ok().counts.unchanged == 12


def test_r02_a_take_whose_answer_was_lost_is_read_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.many(3)
    genuine = lease.take
    lost: list[Taken] = []

    def answerless(*arguments: Any, **named: Any) -> Taken:
        taken = genuine(*arguments, **named)
        if not lost:
            lost.append(taken)
            raise SourceUnavailable("The connection was lost.")
        return taken

    monkeypatch.setattr(lease, "take", answerless)
    assert project.ok().counts.delivered == 3
    assert project.state("SELECT fence, owner FROM {checkpoints}") == [(1, None)]


def test_r03_a_job_that_cannot_be_cancelled_leaves_no_lease_behind(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.many(3)
    genuine = lease.take

    def with_job(*arguments: Any, **named: Any) -> Taken:
        return replace(genuine(*arguments, **named), previous_job=Job("none", {}))

    def away(*_: Any) -> None:
        raise SourceUnavailable("The warehouse is away.")

    with monkeypatch.context() as patch:
        patch.setattr(lease, "take", with_job)
        patch.setattr(source_type(project.warehouse.kind), "cancel", away)
        with pytest.raises(SourceUnavailable):
            project.sync()
    assert project.ok().counts.delivered == 3
