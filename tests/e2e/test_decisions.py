"""R18, R23, R29 to R32: what stops a sync, who decides, and whether every count adds up."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.project import Project, first_answer, sending

from tailrace.errors import StateError
from tailrace.service.documents import SyncDocument
from tailrace.service.workspace import Workspace
from tailrace.testing.faults import Fault


def _approve(project: Project, sync: str) -> None:
    with project.opened() as workspace:
        workspace.approve(sync)


def _blocked(document: SyncDocument, code: str) -> SyncDocument:
    assert document.error is not None, document
    assert (document.status, document.error.code) == ("blocked", code)
    assert document.error.hint
    return document


# -- the destination's identity


def test_r18_another_address_blocks_until_it_is_approved_and_keeps_what_is_known(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.aim(url=project.receiver.url + "/moved")
    blocked = _blocked(project.sync(), "destination_changed")
    assert project.plan().blocked
    _approve(project, blocked.sync)
    assert project.ok().counts.unchanged == 2
    project.data("UPDATE people SET name = 'new' WHERE id = 1")
    assert project.ok().counts.updated == 1
    assert set(project.receiver.state("/hook/moved")) == {"1"}


def test_r18_another_address_and_a_reset_send_everything_anew(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.aim(url=project.receiver.url + "/moved")
    assert project.sync().status == "blocked"
    with project.opened() as workspace:
        workspace.reset(project.mapping)
    assert project.ok().counts.added == 2
    assert set(project.receiver.state("/hook/moved")) == {"1", "2"}


def test_r18_a_query_or_another_secret_is_the_same_destination(project: Project) -> None:
    project.people((1, "a"))
    project.ok()
    project.aim(url=project.receiver.url + "?token=2", headers={"Authorization": "Bearer 2"})
    assert project.ok().counts.unchanged == 1


def test_r18_a_changed_address_cancels_the_interrupted_sync(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("UPDATE people SET name = 'new'")
    project.sync(stop="crash", at=sending)
    project.aim(url=project.receiver.url + "/moved")
    given_up, blocked = project.syncs()
    assert given_up.status == "superseded"
    _blocked(blocked, "destination_changed")
    assert project.receiver.state("/hook/moved") == {}


def test_r18_the_same_mapping_name_in_two_projects_and_environments(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    (project.folder / "tailrace.prod.yml").write_text("{}")
    for other in (project.beside("other", name="other"), project):
        if other is project:
            other.environment = "prod"
        assert other.ok().counts.added == 2
        assert other.ok().counts.unchanged == 2
    project.environment = None
    assert project.ok().counts.unchanged == 2


def test_r18_a_renamed_mapping_keeps_its_state(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.mapping = "persons"
    project.edit(previously="people")
    assert project.plan().counts.unchanged == 2
    project.data("DELETE FROM people WHERE id = 2")
    counts = project.ok().counts
    assert (counts.added, counts.unchanged, counts.deleted) == (0, 1, 1)
    moved = project.beside("moved", name="renamed")
    moved.edit(previously="shop/people")
    assert moved.ok().counts.unchanged == 1


def test_r18_a_mapping_that_is_renamed_again_and_again_keeps_its_state(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    past = [project.ok().sync]
    for before, now in (("people", "persons"), ("persons", "humans"), ("humans", "users")):
        project.mapping = now
        project.edit(previously=before)
        assert project.plan().counts.unchanged == 2
        with project.opened() as workspace:
            assert [each.sync for each in workspace.syncs(now, 10).syncs] == past
            assert [each.last and each.last.sync for each in workspace.mappings().mappings] == past[:1]
        past.insert(0, project.ok().sync)
    project.data("DELETE FROM people WHERE id = 2")
    counts = project.ok().counts
    assert (counts.added, counts.unchanged, counts.deleted) == (0, 1, 1)
    elsewhere = project.beside("elsewhere", environment="other")
    (elsewhere.folder / "tailrace.other.yml").write_text("{}")
    (warning,) = elsewhere.plan().warnings
    assert "No state of `humans` was found" in warning
    assert elsewhere.ok().warnings == [warning]


def test_r18_a_new_mapping_cannot_take_the_first_name_of_one_renamed_twice(project: Project) -> None:
    project.people((1, "a"))
    project.ok()
    for before, now in (("people", "persons"), ("persons", "humans")):
        project.mapping = now
        project.edit(previously=before)
        project.ok()
    project.mapping, previously = "people", project.settings["previously"]
    project.edit(previously=None)
    project.others = {"humans": {"previously": previously}}
    with project.opened() as workspace:
        acts = (lambda: workspace.reset("people"), project.plan, project.sync)
        for act in acts:
            with pytest.raises(StateError, match="`people` and `humans` would share one state") as raised:
                act()
            assert raised.value.code == "state_shared"
    project.edit(id="new")
    assert project.plan().counts.added == 1


# -- quarantine


def test_r23_a_record_refused_three_times_waits_and_climbs_a_ladder(project: Project) -> None:
    project.people((1, "bad"), (2, "good"))
    refuse = Fault(kind="results", keys=("1",))
    waits = []
    for _ in range(3):
        assert project.sync(refuse).counts.rejected == 1
    for _ in range(3):
        document = project.ok(refuse)
        assert (document.counts.quarantined, document.counts.planned) == (1, 0)
        ((seconds, attempts),) = project.state(
            "SELECT extract(epoch FROM next_try_at - last_at), attempts FROM {rejections}"
        )
        waits.append((round(seconds / 3600), attempts))
        project.state("UPDATE {rejections} SET next_try_at = now() - INTERVAL '1 second'")
        assert project.sync(refuse).counts.rejected == 1
    assert waits == [(1, 3), (4, 4), (24, 5)]
    project.state("UPDATE {rejections} SET next_try_at = now() - INTERVAL '1 second'")
    assert project.ok().counts.added == 1
    assert project.state("SELECT count(*) FROM {rejections}") == [(0,)]


@pytest.mark.parametrize("change", ["values", "mapping", "settings", "release"])
def test_r23_a_change_lets_a_waiting_record_go_at_once(project: Project, change: str) -> None:
    project.edit(fields={"id": "$id", "name": "$name"})
    project.people((1, "bad"), (2, "good"))
    for _ in range(3):
        project.sync(Fault(kind="results", keys=("1",)))
    assert project.ok().counts.quarantined == 1
    match change:
        case "values":
            project.data("UPDATE people SET name = 'better' WHERE id = 1")
        case "mapping":
            project.edit(fields={"id": "$id", "name": "{{ name | trim }}"})
        case "settings":
            project.aim(headers={"X-Version": "2"})
        case _:
            with project.opened() as workspace:
                assert workspace.release(project.mapping, "1").records == 1
    document = project.ok()
    assert (document.counts.added, document.counts.quarantined) == (1, 0)
    assert set(project.held) == {"1", "2"}


def test_r23_a_waiting_record_that_vanishes_is_purged(project: Project) -> None:
    project.people((1, "bad"), (2, "good"))
    for _ in range(3):
        project.sync(Fault(kind="results", keys=("1",)))
    project.data("DELETE FROM people WHERE id = 1")
    assert project.ok().counts.planned == 0
    assert project.state("SELECT count(*) FROM {rejections}") == [(0,)]


# -- cancel


def test_r29_a_cancel_waits_for_what_is_in_flight_commits_and_aborts_the_rest(project: Project) -> None:
    project.aim(batch=2, concurrency=1)
    project.many(40)
    document = project.sync(Fault(kind="latency", seconds=0.2), stop="cancel")
    counts = document.counts
    assert document.status == "cancelled"
    assert (counts.unknown, counts.delivered + counts.aborted) == (0, 40)
    assert 0 < counts.delivered < 40
    assert {row[0] for row in project.records()} == set(project.held)
    after = project.ok()
    assert not after.resumed
    assert after.counts.added == counts.aborted


def test_r29_a_cancel_by_the_store_from_another_process(project: Project) -> None:
    project.aim(batch=1, concurrency=1)
    project.many(200)
    asked: list[str] = []

    def ask(event: Any) -> None:
        if first_answer(event) and not asked:
            asked.append(event.sync)
            with Workspace.open(project.folder, None, {}) as other:
                other.cancel(event.sync)

    document = project.sync(Fault(kind="latency", seconds=0.05), watch=ask)
    assert (document.status, document.sync) == ("cancelled", asked[0])
    assert document.counts.unknown == 0
    assert document.counts.delivered < 200
    project.aim(batch=100)
    assert project.ok().counts.added == document.counts.aborted


def test_r29_stopping_twice_stops_at_once_and_is_resumable(project: Project) -> None:
    project.aim(batch=2, concurrency=1)
    project.many(20)
    document = project.sync(Fault(kind="latency", seconds=0.2, skip=2), stop="crash")
    assert document.status == "interrupted"
    resumed = project.finish()
    assert (resumed.sync, resumed.counts.delivered) == (document.sync, 20)


def test_r29_an_interrupted_sync_can_be_discarded(project: Project) -> None:
    project.aim(batch=2, concurrency=1)
    project.many(20)
    interrupted = project.sync(Fault(kind="latency", seconds=0.2), stop="crash")
    with project.opened() as workspace:
        done = workspace.discard(interrupted.sync)
        assert done.records is not None
        assert 0 < done.records < 20
        with pytest.raises(StateError):
            workspace.discard(interrupted.sync)
    project.ok()
    assert len(project.held) == 20


# -- guards


def _stops(project: Project, code: str, guards: dict[str, Any]) -> SyncDocument:
    """The plan is blocked with exit code 4, and nothing is sent."""
    project.edit(guards=guards)
    before = project.receiver.stats()["requests"]
    document = _blocked(project.sync(), code)
    assert project.receiver.stats()["requests"] == before
    assert project.plan().blocked
    return document


def test_r30_max_deletes(project: Project) -> None:
    project.many(10)
    project.ok()
    project.data("DELETE FROM people WHERE id > 7")
    _stops(project, "max_deletes", {"max_deletes": 2})
    project.edit(guards={"max_deletes": 3})
    assert project.ok().counts.deleted == 3


def test_r30_max_delete_percent_against_the_largest_count_of_the_day(project: Project) -> None:
    project.many(100)
    project.ok()
    limit = {"max_delete_percent": 25}
    project.edit(guards=limit)
    project.data("DELETE FROM people WHERE id > 90")
    assert project.ok().counts.deleted == 10
    project.data("DELETE FROM people WHERE id > 80")
    assert project.ok().counts.deleted == 10
    project.data("DELETE FROM people WHERE id > 72")
    _stops(project, "max_delete_percent", limit)


def test_r30_few_deletes_are_no_landslide(project: Project) -> None:
    project.edit(guards={"max_delete_percent": 25})
    project.many(20)
    project.ok()
    project.data("DELETE FROM people WHERE id > 1")
    assert project.ok().counts.deleted == 19


def test_r30_an_empty_model_over_a_state(project: Project) -> None:
    project.people()
    assert project.ok().counts.planned == 0, "there is nothing to lose yet"
    project.many(3)
    project.ok()
    project.data("DELETE FROM people")
    _stops(project, "empty_model", {})
    project.edit(guards={"allow_empty_model": True})
    assert project.ok().counts.deleted == 3


def test_r30_max_set_aside_percent(project: Project) -> None:
    project.many(100)
    project.ok()
    project.data("INSERT INTO people SELECT NULL, 'x' FROM generate_series(1, 20) AS g(i)")
    _stops(project, "max_set_aside_percent", {"max_set_aside_percent": 10})
    project.edit(guards={"max_set_aside_percent": 20})
    assert project.ok().counts.set_aside == 20


def test_r30_max_changes(project: Project) -> None:
    project.many(5)
    _stops(project, "max_changes", {"max_changes": 4})
    project.edit(guards={"max_changes": 5})
    assert project.ok().counts.added == 5


def test_r30_max_rejected_percent_keeps_what_was_delivered_and_counts_no_attempt(project: Project) -> None:
    project.many(40)
    project.edit(guards={"max_rejected_percent": 50})
    refused = tuple(str(number) for number in range(1, 31))
    document = _blocked(project.sync(Fault(kind="results", keys=refused)), "max_rejected_percent")
    assert (document.counts.delivered, document.counts.rejected) == (10, 30)
    assert len(project.records()) == 10
    assert {row[0] for row in project.state("SELECT attempts FROM {rejections}")} <= {0}
    assert project.ok().counts.added == 30


def test_r30_max_rejected_percent_stops_after_a_thousand_outcomes(project: Project) -> None:
    project.aim(batch=100)
    project.many(5000)
    project.edit(guards={"max_rejected_percent": 50})
    document = _blocked(project.sync(Fault(kind="results", chance=1.0)), "max_rejected_percent")
    assert 1000 <= document.counts.rejected < 3000
    assert document.counts.aborted > 0


# -- approval


def test_r31_approve_permits_a_new_plan_within_a_tenth(project: Project) -> None:
    project.edit(guards={"max_deletes": 10})
    project.many(100)
    project.ok()
    project.data("DELETE FROM people WHERE id > 80")
    blocked = _blocked(project.sync(), "max_deletes")
    assert project.state("SELECT owner FROM {checkpoints}") == [(None,)], "it holds no lease"
    _approve(project, blocked.sync)
    project.data("DELETE FROM people WHERE id > 78", "INSERT INTO people VALUES (500, 'later')")
    counts = project.ok().counts
    assert (counts.deleted, counts.added) == (22, 1)
    project.data("DELETE FROM people WHERE id > 58 AND id < 500")
    _blocked(project.sync(), "max_deletes")


def test_r31_approve_after_the_model_moved_on_too_far_blocks_again(project: Project) -> None:
    project.edit(guards={"max_deletes": 10})
    project.many(100)
    project.ok()
    project.data("DELETE FROM people WHERE id > 80")
    blocked = _blocked(project.sync(), "max_deletes")
    project.data("DELETE FROM people WHERE id > 70")
    _approve(project, blocked.sync)
    again = _blocked(project.sync(), "max_deletes")
    assert len(project.held) == 100
    with project.opened() as workspace, pytest.raises(StateError, match="not blocked"):
        workspace.approve(blocked.sync)
    _approve(project, again.sync)
    assert project.ok().counts.deleted == 30


def test_r31_an_approval_stays_for_what_a_failed_sync_left(project: Project) -> None:
    project.aim(concurrency=1)
    project.edit(guards={"max_deletes": 10})
    project.many(100)
    project.ok()
    project.data("DELETE FROM people WHERE id > 70")
    _approve(project, _blocked(project.sync(), "max_deletes").sync)
    failed = project.sync(Fault(kind="status", status=401, skip=2))
    assert (failed.status, failed.counts.delivered) == ("failed", 10)
    assert project.ok().counts.deleted == 20
    project.data("DELETE FROM people WHERE id > 50")
    _blocked(project.sync(), "max_deletes")


def test_r31_approve_works_from_any_machine_and_runs_with_exit_codes(project: Project) -> None:
    project.edit(guards={"max_deletes": 1})
    project.many(10)
    project.ok()
    project.data("DELETE FROM people WHERE id > 5")
    code, document = project.cli("sync")
    assert code == 4
    (blocked,) = document["syncs"]
    other = project.beside("other machine")
    code, document = other.cli("approve", blocked["sync"])
    (sync,) = document["syncs"]
    assert (code, sync["status"], sync["counts"]["deleted"]) == (0, "success", 5)
    assert len(project.held) == 5


def test_r31_a_plan_that_passes_by_itself_supersedes_the_block(project: Project) -> None:
    project.edit(guards={"max_deletes": 1})
    project.many(10)
    project.ok()
    project.data("DELETE FROM people WHERE id > 5")
    blocked = project.sync()
    project.many(10)
    assert project.ok().counts.unchanged == 10
    with project.opened() as workspace, pytest.raises(StateError):
        workspace.approve(blocked.sync)


# -- counts


def _adds_up(document: SyncDocument) -> None:
    c = document.counts
    rows = c.added + c.updated + c.unchanged + c.set_aside + c.quarantined + c.not_sent
    assert c.model_rows == rows, document
    assert c.planned == c.added + c.updated + c.deleted
    assert c.planned == c.delivered + c.rejected + c.aborted + c.unknown
    for name, share in document.by_operation.items():
        assert share.planned == share.delivered + share.rejected + share.aborted + share.unknown
        assert share.planned == getattr(c, name)


def test_r32_every_count_adds_up(project: Project) -> None:
    project.aim(batch=3)
    project.many(40)
    _adds_up(project.sync(Fault(kind="results", keys=("1", "2")), Fault(kind="lost", skip=3, times=1)))
    project.data(
        "DELETE FROM people WHERE id > 30",
        "UPDATE people SET name = 'new' WHERE id BETWEEN 3 AND 9",
        "INSERT INTO people VALUES (NULL, 'n'), (3, 'twice'), (100, 'added')",
    )
    document = project.sync(Fault(kind="results", keys=("5", "31")))
    _adds_up(document)
    assert document.counts.set_aside == 3
    assert document.counts.rejected == 2
    rows = project.state("SELECT model_rows, planned, delivered, rejected, unknown FROM {log} ORDER BY n")
    counts = document.counts
    assert rows[-1] == (counts.model_rows, counts.planned, counts.delivered, counts.rejected, counts.unknown)


def test_r32_a_resumed_sync_shows_the_counts_of_the_whole_sync(project: Project) -> None:
    project.aim(retry_for="20s", batch=2, concurrency=1)
    project.many(30)
    project.sync(Fault(kind="latency", seconds=0.2), stop="crash")
    document = project.finish()
    _adds_up(document)
    assert (document.counts.planned, document.counts.delivered, document.counts.model_rows) == (30, 30, 30)


def test_r32_a_limit_sends_the_first_records_and_guards_see_all(project: Project) -> None:
    project.many(10)
    document = project.ok(limit=4)
    _adds_up(document)
    assert (document.counts.added, document.counts.not_sent) == (4, 6)
    assert len(project.held) == 4
    project.edit(guards={"max_changes": 5})
    _blocked(project.sync(limit=1), "max_changes")
    project.edit(guards={})
    assert project.ok().counts.added == 6
