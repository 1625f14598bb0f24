"""R10 to R12, R19, R20, R22, R24, R25, R27: how a sealed plan is sent, refused, taken up again and given up."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from tests.e2e.project import Project, sending

from tailrace.errors import ConfigError
from tailrace.runtime import sending as runtime_sending
from tailrace.service.holding import mapping_state
from tailrace.state import plan_read
from tailrace.testing.faults import Fault


def test_r10_batches_are_full_although_they_span_buckets(project: Project) -> None:
    project.aim(concurrency=1)
    project.many(12)
    project.ok()
    assert [request["records"] for request in project.receiver.requests()] == [5, 5, 2]


def test_r10_r24_two_units_and_split_batches_against_a_receiver_that_honours_keys(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_read, "MAX_RECORDS", 20)
    project.aim(batch=8, retry_for="20s")
    project.many(50)
    document = project.ok(
        Fault(kind="status", status=413, records_over=3),
        Fault(kind="lost", skip=1, times=1),
    )
    assert document.counts.delivered == 50
    assert max(request["records"] for request in project.receiver.requests() if request["accepted"]) <= 8
    stats = project.receiver.stats()
    assert stats["accepted_twice"] == 0
    assert stats["replays"] >= 1
    assert "422" not in stats["statuses"]
    assert len(project.held) == 50
    assert [(delivered, uncertain) for _, delivered, uncertain in project.records()] == [(True, False)] * 50


def test_r10_a_unit_that_comes_with_a_hole_is_not_sent(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its span would be resolved, and what was missing in it would pass for delivered once the plan is given up."""
    project.many(20)

    def with_a_hole(*given: Any) -> pa.Table:
        rows = plan_read.read_unit(*given)
        return pa.concat_tables([rows.slice(0, 7), rows.slice(9)])

    with monkeypatch.context() as patch:
        patch.setattr(runtime_sending, "read_unit", with_a_hole)
        document = project.sync()
    assert document.error is not None
    assert document.error.code == "source_unavailable"
    assert project.held == {}
    assert project.syncs()[-1].status == "success"
    assert len(project.held) == 20


def test_r11_a_plan_that_is_too_old_is_given_up_and_made_anew(project: Project) -> None:
    project.aim(concurrency=1)
    project.many(20)
    crashed = project.sync(Fault(kind="latency", seconds=0.2), stop="crash")
    accepted = len(project.held)
    assert 0 < accepted < 20
    project.state("UPDATE {checkpoints} SET planned_at = now() - INTERVAL '2 hours'")
    project.data("DELETE FROM people WHERE id > 15", "UPDATE people SET name = 'new'")
    given_up, fresh = project.syncs()
    assert (given_up.sync, given_up.status, fresh.status) == (crashed.sync, "superseded", "success")
    assert given_up.counts.delivered > 0
    assert set(project.names.values()) == {"new"}
    assert len(project.held) == 15
    assert project.ok().counts.planned == 0


def test_r11_max_plan_age_is_a_setting(project: Project) -> None:
    project.edit(max_plan_age="4h")
    project.many(5)
    project.sync(stop="crash", at=sending)
    project.state("UPDATE {checkpoints} SET planned_at = now() - INTERVAL '2 hours'")
    assert project.finish().counts.delivered == 5


def test_r12_a_project_renamed_in_mid_plan_sends_what_is_in_flight_under_the_same_key(
    project: Project,
) -> None:
    project.aim(concurrency=2, retry_for="20s")
    project.many(20)
    crashed = project.sync(Fault(kind="slow", seconds=0.3, skip=1), stop="crash")
    assert crashed.status == "interrupted"
    project.edit(previously=f"{project.name}/{project.mapping}")
    project.name = "renamed"
    assert project.finish().sync == crashed.sync
    stats = project.receiver.stats()
    assert (stats["accepted_twice"], stats["statuses"].get("422")) == (0, None)
    assert stats["replays"] > 0


def test_r12_r19_a_resumed_plan_is_rendered_as_it_was_planned(project: Project) -> None:
    project.aim(concurrency=1, retry_for="20s")
    project.edit(fields={"name": "$name"})
    project.many(20)
    crashed = project.sync(Fault(kind="slow", seconds=0.2, skip=1), stop="crash")
    assert crashed.status == "interrupted"
    project.edit(fields={"name": "{{ name | upper }}"})
    resumed, after = project.syncs()
    assert (resumed.sync, resumed.status, resumed.counts.delivered) == (crashed.sync, "success", 20)
    assert (after.status, after.counts.updated) == ("success", 20)
    assert {tuple(each.record["name"] for each in project.receiver.history(key)) for key in project.held} == {
        ("old", "OLD")
    }
    stats = project.receiver.stats()
    assert (stats["accepted_twice"], stats["statuses"].get("422")) == (0, None)


def test_r19_functions_that_are_not_deterministic_are_refused(project: Project) -> None:
    project.many(1)
    for expression in ("random()", "now()", "uuid()", "current_date"):
        project.edit(fields={"x": {"sql": expression}})
        with pytest.raises(ConfigError) as raised:
            project.sync()
        assert raised.value.exit_code == 2
    assert project.receiver.stats()["requests"] == 0


def test_r25_the_batch_size_is_changed_between_crash_and_resume(project: Project) -> None:
    project.aim(batch=7, concurrency=2, retry_for="20s")
    project.many(40)
    crashed = project.sync(Fault(kind="slow", seconds=0.3, skip=1), stop="crash")
    assert crashed.status == "interrupted"
    project.aim(batch=3, retry_for="20s")
    assert project.finish().counts.delivered == 40
    stats = project.receiver.stats()
    assert stats["accepted_twice"] == 0
    assert "422" not in stats["statuses"]
    assert len(project.held) == 40


def test_r25_every_record_that_was_not_delivered_is_an_exception(project: Project) -> None:
    project.aim(batch=10)
    project.edit(guards={"max_rejected_percent": "off"})
    project.many(60)
    refused = tuple(str(number) for number in range(1, 31))
    document = project.sync(Fault(kind="results", keys=refused))
    assert (document.counts.delivered, document.counts.rejected) == (30, 30)
    assert {row[0] for row in project.records()} == {str(number) for number in range(31, 61)}
    assert set(project.held) == {row[0] for row in project.records()}


def test_r20_what_was_never_sent_is_aborted_and_goes_next_time(project: Project) -> None:
    project.many(7)
    project.receiver.stop()
    document = project.sync()
    assert (document.status, document.counts.aborted, document.counts.unknown) == ("failed", 7, 0)
    assert document.error is not None
    assert project.records() == []
    project.receiver.start()
    assert project.ok().counts.added == 7


@pytest.mark.parametrize("status", [429, 423, 302])
def test_r20_answers_that_prove_nothing_was_applied_abort(project: Project, status: int) -> None:
    project.many(3)
    headers = {"Location": "/elsewhere"} if status == 302 else {}
    document = project.sync(Fault(kind="status", status=status, headers=headers))
    assert (document.counts.aborted, document.counts.unknown, document.counts.rejected) == (3, 0, 0)
    assert project.records() == []


def test_r20_r30_401_in_mid_sync_fails_and_keeps_what_was_delivered(project: Project) -> None:
    project.aim(concurrency=1)
    project.many(20)
    document = project.sync(Fault(kind="status", status=401, skip=2))
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "destination_unauthorized")
    assert (document.counts.delivered, document.counts.aborted) == (10, 10)
    assert len(project.records()) == 10
    assert project.state("SELECT count(*) FROM {rejections}") == [(0,)]
    assert project.ok().counts.added == 10


@pytest.mark.parametrize("status", [404, 405, 410, 415, 501])
def test_r22_a_wrong_address_is_a_configuration_error(project: Project, status: int) -> None:
    project.many(8)
    document = project.sync(Fault(kind="status", status=status))
    assert document.status == "failed"
    assert (document.counts.rejected, document.counts.aborted, document.counts.delivered) == (0, 8, 0)
    assert project.records() == []
    assert project.state("SELECT count(*) FROM {rejections}") == [(0,)]
    assert all(request["records"] == 5 or request["records"] == 3 for request in project.receiver.requests())


def test_r22_404_on_the_first_request_exits_with_1(project: Project) -> None:
    project.many(3)
    project.receiver.fail(Fault(kind="status", status=404))
    code, document = project.cli("sync")
    (sync,) = document["syncs"]
    assert (code, sync["status"]) == (1, "failed")
    assert sync["error"]["hint"]


@pytest.mark.parametrize("status", [404, 410])
def test_r22_gone_is_what_a_delete_wants(project: Project, status: int) -> None:
    project.many(6)
    project.ok()
    project.data("DELETE FROM people WHERE id > 2")
    document = project.ok(Fault(kind="status", status=status, operation="deleted"))
    assert (document.counts.deleted, document.counts.delivered) == (4, 4)
    assert [row[0] for row in project.records()] == ["1", "2"]


def test_r22_after_a_success_a_404_is_about_the_record(project: Project) -> None:
    project.aim(batch=1, concurrency=1)
    project.many(4)
    document = project.sync(Fault(kind="status", status=404, skip=1, times=1))
    assert (document.status, document.counts.rejected, document.counts.delivered) == ("partial", 1, 3)
    assert project.state("SELECT count(*) FROM {rejections}") == [(1,)]


def test_r22_413_on_one_record_is_a_rejection(project: Project) -> None:
    project.many(10)
    document = project.sync(Fault(kind="status", status=413, keys=("7",)))
    assert (document.counts.delivered, document.counts.rejected) == (9, 1)
    assert project.state("SELECT record_id FROM {rejections}") == [("7",)]


def test_r24_a_request_keeps_its_key_over_retries(project: Project) -> None:
    project.aim(retry_for="20s", concurrency=1)
    project.many(5)
    project.ok(Fault(kind="status", status=503, times=1, headers={"Retry-After": "0"}, after=True))
    keys = {request["headers"]["idempotency-key"] for request in project.receiver.requests()}
    stats = project.receiver.stats()
    assert (len(keys), stats["requests"], stats["replays"], stats["accepted_twice"]) == (1, 2, 1, 0)


def test_r24_another_change_of_a_record_has_another_id(project: Project) -> None:
    project.people((1, "a"))
    for name in ("b", "a"):
        project.ok()
        project.data(f"UPDATE people SET name = '{name}'")
    project.ok()
    ids = [each.id for each in project.receiver.history("1")]
    assert len(set(ids)) == 3


def test_r24_a_reviewed_plan_is_sent_only_if_the_new_one_equals_it(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    reviewed = project.plan().plan
    assert project.plan().plan == reviewed
    project.data("UPDATE people SET name = 'edited' WHERE id = 2")
    document = project.sync(plan_id=reviewed)
    assert document.error is not None
    assert (document.status, document.error.code) == ("blocked", "plan_changed")
    assert (document.counts.planned, document.counts.model_rows, document.counts.delivered) == (2, 2, 0)
    for short in ("", reviewed[:11]):
        with pytest.raises(ConfigError, match="too short to name one plan"):
            project.sync(plan_id=short)
    assert project.held == {}
    project.data("UPDATE people SET name = 'b' WHERE id = 2")
    assert project.ok(plan_id=reviewed[:16]).counts.added == 2


def test_r27_exceptions_reach_the_warehouse_in_bulk(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project.opened() as workspace, mapping_state(workspace, project.mapping)[0].session() as session:
        kind: Any = type(session)
    executed: list[str] = []
    genuine = kind.execute

    def counting(self: Any, statement: str) -> int:
        executed.append(statement)
        return genuine(self, statement)

    monkeypatch.setattr(kind, "execute", counting)
    project.aim(batch=200)
    statements = []
    for count in (10, 600):
        project.many(count, name=f"name {count}")
        executed.clear()
        document = project.sync(Fault(kind="results", chance=0.4))
        assert document.counts.rejected >= count // 5
        statements.append(len(executed))
    assert statements[1] <= statements[0] + 10


def test_r13_nan_in_one_record_of_a_batch_is_rejected_alone(project: Project) -> None:
    if project.warehouse.kind in ("azure", "db2"):
        pytest.skip("a float of T-SQL and of Db2 is never NaN")
    project.sql = (
        "SELECT id, CAST(CASE WHEN id = 3 THEN 'NaN' ELSE '0.5' END AS double precision) AS name FROM people"
    )
    project.many(5)
    document = project.sync()
    assert (document.counts.delivered, document.counts.rejected) == (4, 1)
    assert set(project.held) == {"1", "2", "4", "5"}
    with project.opened() as workspace:
        (refused,) = workspace.rejections(project.mapping).rejections
    assert refused.key == "3"
    assert "name" in refused.message


def test_r12_literals_in_secret_settings_never_enter_the_warehouse(project: Project) -> None:
    project.aim(headers={"Authorization": "Bearer top-secret-token"})
    project.many(3)
    project.sync(stop="crash", at=sending)
    rows = project.state("SELECT spec, holder, destination, columns FROM {checkpoints}")
    assert "top-secret-token" not in json.dumps(rows, default=str)
    project.finish()
    assert project.receiver.requests()[-1]["headers"]["authorization"] == "Bearer top-secret-token"
