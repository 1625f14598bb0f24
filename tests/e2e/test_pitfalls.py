"""What other tools got wrong, each by its number in our catalogue of pitfalls: none of it happens here."""

from __future__ import annotations

import threading

import pytest
from tests.e2e.project import Project, first_answer

from tailrace.errors import LeaseHeld
from tailrace.runtime.events import Event, PhaseStarted
from tailrace.testing.faults import Fault


def test_pitfall_01_a_rejected_record_is_not_taken_as_current(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("UPDATE people SET name = 'refused' WHERE id = 1")
    assert project.sync(Fault(kind="results", keys=("1",))).counts.rejected == 1
    assert project.records("record_id, name") == [("1", "a"), ("2", "b")]
    assert project.ok().counts.updated == 1
    assert project.names["1"] == "refused"


def test_pitfall_02_one_success_does_not_make_its_batch_a_success(project: Project) -> None:
    project.people((1, "a"), (2, "b"), (3, "c"))
    document = project.sync(Fault(kind="results", keys=("1", "3")))
    assert (document.status, document.counts.delivered, document.counts.rejected) == ("partial", 1, 2)
    assert [row[0] for row in project.records()] == ["2"]


def test_pitfall_03_a_batch_that_breaks_leaves_nothing_pending(project: Project) -> None:
    project.many(20)
    document = project.sync(Fault(kind="garbage", times=2))
    counts = document.counts
    assert counts.delivered + counts.unknown == counts.planned == 20
    assert project.ok().counts.added == counts.unknown
    assert len(project.held) == 20


def test_pitfall_04_a_cancel_forgets_nothing(project: Project) -> None:
    project.aim(batch=1, concurrency=1)
    project.many(30)
    cancelled = project.sync(Fault(kind="latency", seconds=0.2), stop="cancel")
    assert cancelled.counts.delivered > 0
    project.ok()
    assert project.receiver.stats()["accepted"] == {"added": 30}


def test_pitfall_08_quotes_arrive_as_they_are(project: Project) -> None:
    name = 'O\'Brien \\ "quoted" \u00e4\u2028 {{x}} $y'
    project.people((1, name))
    project.ok()
    assert project.names == {"1": name}


def test_pitfall_09_column_order_is_no_change(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.sql = "SELECT name, id FROM people"
    assert project.ok().counts.unchanged == 2


def test_pitfall_10_a_new_column_neither_stops_the_sync_nor_resends_all(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("ALTER TABLE people ADD COLUMN plan text", "UPDATE people SET plan = 'pro' WHERE id = 2")
    assert project.ok().counts.updated == 1
    assert project.held["2"]["plan"] == "pro"


def test_pitfall_11_null_and_blank_keys_are_never_sent_nor_deleted(project: Project) -> None:
    rows = [("a", "x"), *((blank, "n") for blank in (None, "", " ") for _ in range(2))]
    project.people(*rows, columns="id text, name text")
    for _ in range(2):
        assert project.ok().counts.set_aside == 6
    project.data("DELETE FROM people WHERE id = 'a'", "INSERT INTO people VALUES ('b', 'y')")
    assert project.ok().counts.deleted == 1
    assert set(project.held) == {"b"}
    assert project.receiver.stats()["accepted"] == {"added": 2, "deleted": 1}


def test_pitfall_12_both_versions_of_a_duplicate_stay_home(project: Project) -> None:
    project.people((1, "one"), (1, "other"), (2, "b"))
    for _ in range(2):
        assert project.ok().counts.set_aside == 2
    assert project.names == {"2": "b"}
    assert project.receiver.stats()["arrived"] == 1


def test_pitfall_13_one_poison_record_holds_nobody_up(project: Project) -> None:
    project.people((1, "poison"), (2, "b"))
    poison = Fault(kind="results", keys=("1",))
    for number in range(3, 6):
        document = project.sync(poison)
        assert document.counts.rejected == 1
        assert document.counts.planned == 2, "the poison, and what is new"
        project.data(f"INSERT INTO people VALUES ({number}, 'n')")
    assert len(project.held) == 3


def test_pitfall_14_an_update_is_one_update(project: Project) -> None:
    project.people((1, "a"))
    project.ok()
    project.data("UPDATE people SET name = 'b'")
    project.ok()
    assert project.operations("1") == ["added", "updated"]


def test_pitfall_15_records_of_other_writers_are_left_alone(project: Project) -> None:
    project.beside("theirs", name="theirs", sql="SELECT 7 AS id, 'theirs' AS name").ok()
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("DELETE FROM people WHERE id = 1")
    project.ok()
    assert set(project.held) == {"2", "7"}


def test_pitfall_16_an_empty_model_deletes_nothing(project: Project) -> None:
    project.many(5)
    project.ok()
    project.data("DELETE FROM people")
    code, document = project.cli("sync")
    assert (code, document["syncs"][0]["error"]["code"]) == (4, "empty_model")
    assert len(project.held) == 5


def test_pitfall_17_masked_keys_are_deleted_as_they_were_delivered(project: Project) -> None:
    project.edit(fields={"masked": "{{ name | sha256 }}"})
    project.people((1, "a"), (2, "b"))
    project.ok()
    sent = project.held["1"]
    project.data("DELETE FROM people WHERE id = 1")
    project.ok()
    assert project.receiver.history("1")[-1].record == sent


def test_pitfall_18_a_crash_at_the_commit_wedges_nothing(project: Project) -> None:
    project.many(20)
    crashed = project.sync(
        stop="crash", at=lambda event: isinstance(event, PhaseStarted) and event.phase == "commit"
    )
    assert crashed.status in ("success", "interrupted")
    for document in project.syncs():
        assert document.status == "success"
    assert project.ok().counts.unchanged == 20
    assert not [name for name in project.tables() if name.startswith("changes_")]


def test_pitfall_19_a_crash_after_delivery_sends_nothing_twice(project: Project) -> None:
    project.aim(retry_for="20s", concurrency=1)
    project.many(30)
    project.sync(Fault(kind="latency", seconds=0.2), stop="crash", at=first_answer)
    project.finish()
    stats = project.receiver.stats()
    assert stats["accepted_twice"] == 0
    assert stats["arrived"] <= 30 + 5


def test_pitfall_20_a_resend_still_deletes(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("DELETE FROM people WHERE id = 1")
    with project.opened() as workspace:
        assert workspace.resend(project.mapping, []).records == 2
    counts = project.ok().counts
    assert (counts.updated, counts.deleted) == (1, 1)
    assert set(project.held) == {"2"}


def test_pitfall_21_an_edited_mapping_neither_resends_all_nor_deletes(project: Project) -> None:
    project.edit(fields={"name": "$name"})
    project.people((1, "UP"), (2, "low"))
    project.ok()
    project.edit(fields={"name": "{{ name | upper }}"})
    counts = project.ok().counts
    assert (counts.added, counts.updated, counts.deleted) == (0, 1, 0)


def test_pitfall_23_of_many_syncs_at_once_one_writes(project: Project) -> None:
    project.many(20)
    project.write()
    others = [project.beside(f"machine {number}") for number in range(3)]
    ended: list[str] = []

    def run(each: Project) -> None:
        try:
            ended.extend(document.status for document in each.syncs())
        except Exception as error:
            ended.append(getattr(error, "code", repr(error)))

    threads = [threading.Thread(target=run, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ended) <= {"success", "lease_held"}, ended
    assert "success" in ended
    assert project.receiver.stats()["accepted"] == {"added": 20}
    assert len(project.records()) == 20


def test_pitfall_24_a_plan_moves_nothing(project: Project) -> None:
    project.people((1, "a"))
    project.plan()
    project.ok()
    project.data("UPDATE people SET name = 'b'")
    before = (project.tables(), project.state("SELECT n, fence, phase FROM {checkpoints}"))
    assert project.plan().counts.updated == 1
    assert (project.tables(), project.state("SELECT n, fence, phase FROM {checkpoints}")) == before
    assert project.ok().counts.updated == 1


def test_pitfall_25_without_a_local_store_the_state_is_still_known(project: Project) -> None:
    project.people((1, "a"))
    project.ok()
    project.forget_store()
    assert project.ok().counts.unchanged == 1


def test_pitfall_26_times_are_the_same_in_every_session(project: Project) -> None:
    if project.warehouse.kind == "db2":
        pytest.skip("Db2 has no type with a time zone")
    project.sql = "SELECT 1 AS id, TIMESTAMPTZ '2026-02-01 12:00:00+02' AS name"
    project.ok()
    project.sql = "SELECT 1 AS id, TIMESTAMPTZ '2026-02-01 10:00:00+00' AS name"
    assert project.ok().counts.planned == 0
    assert project.names == {"1": "2026-02-01T10:00:00Z"}


def test_pitfall_27_what_is_still_under_way_is_not_sent_by_another(project: Project) -> None:
    project.many(10)
    other = project.beside("other machine")
    refused: list[str] = []

    def meanwhile(event: Event) -> None:
        if first_answer(event) and not refused:
            with pytest.raises(LeaseHeld):
                other.sync()
            refused.append("lease_held")

    project.ok(Fault(kind="latency", seconds=0.05), watch=meanwhile)
    assert refused
    assert project.receiver.stats()["arrived"] == 10


def test_pitfall_28_a_retry_after_a_lost_answer_adds_nothing(project: Project) -> None:
    project.aim(retry_for="20s", concurrency=1)
    project.many(10)
    project.ok(Fault(kind="lost", times=1))
    stats = project.receiver.stats()
    assert (stats["accepted"], stats["replays"]) == ({"added": 10}, 1)


def test_pitfall_29_one_record_is_never_in_two_requests_at_a_time(project: Project) -> None:
    project.aim(batch=3, concurrency=4)
    project.many(40)
    project.ok(Fault(kind="latency", seconds=0.01))
    keys = [key for request in project.receiver.requests() for key in request["keys"]]
    assert sorted(keys) == sorted(set(keys))
