"""R8 and R9: what a mode or a filter leaves out stays due, and a changed mode finds it."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project


def test_r08_update_mode_edited_to_mirror(project: Project) -> None:
    project.edit(mode="update")
    project.people((1, "a"), (2, "b"))
    counts = project.ok().counts
    assert (counts.planned, counts.not_sent, counts.model_rows) == (0, 2, 2)
    project.data("UPDATE people SET name = 'edited' WHERE id = 1", "INSERT INTO people VALUES (3, 'c')")
    counts = project.ok().counts
    assert (counts.updated, counts.not_sent, counts.unchanged) == (1, 1, 1)
    assert project.names == {"1": "edited"}
    project.edit(mode="mirror")
    counts = project.ok().counts
    assert (counts.added, counts.updated, counts.unchanged) == (2, 0, 1)
    assert project.names == {"1": "edited", "2": "b", "3": "c"}
    project.data("DELETE FROM people WHERE id = 2")
    assert project.ok().counts.deleted == 1
    assert project.names == {"1": "edited", "3": "c"}


def test_r08_insert_mode_finds_later_what_it_held_back(project: Project) -> None:
    project.edit(mode="insert")
    project.people((1, "a"), (2, "b"))
    assert project.ok().counts.added == 2
    project.data("UPDATE people SET name = 'edited' WHERE id = 1", "DELETE FROM people WHERE id = 2")
    for _ in range(2):
        counts = project.ok().counts
        assert (counts.planned, counts.not_sent) == (0, 1)
    assert project.names == {"1": "a", "2": "b"}
    project.edit(mode="mirror")
    counts = project.ok().counts
    assert (counts.updated, counts.deleted) == (1, 1)
    assert project.names == {"1": "edited"}


@pytest.mark.core
def test_r08_delete_mode_deletes_what_was_there_when_it_began(project: Project) -> None:
    project.edit(mode="delete")
    project.people((1, "a"), (2, "b"))
    assert project.ok().counts.not_sent == 2
    project.data("DELETE FROM people WHERE id = 2")
    assert project.ok().counts.deleted == 1
    assert project.operations("2") == ["deleted"]
    assert project.ok().counts.planned == 0


def test_r08_a_baseline_record_that_vanishes_from_an_upsert_is_dropped_silently(project: Project) -> None:
    project.edit(mode="update")
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("DELETE FROM people WHERE id = 2")
    assert project.ok().counts.planned == 0
    assert [row[0] for row in project.records()] == ["1"]
    project.edit(mode="mirror")
    project.ok()
    assert project.names == {"1": "a"}


def test_r08_first_sync_skip_sends_later_changes_only(project: Project) -> None:
    project.edit(first_sync="skip")
    project.people((1, "a"), (2, "b"), (3, "c"))
    counts = project.ok().counts
    assert (counts.planned, counts.not_sent) == (0, 3)
    project.data(
        "UPDATE people SET name = 'edited' WHERE id = 1",
        "INSERT INTO people VALUES (4, 'new')",
        "DELETE FROM people WHERE id = 3",
    )
    counts = project.ok().counts
    assert (counts.added, counts.updated, counts.deleted, counts.unchanged) == (1, 1, 0, 1)
    assert project.operations("1") == ["updated"]
    project.data("DELETE FROM people WHERE id = 1")
    assert project.ok().counts.deleted == 1, "a change made it delivered"
    assert project.names == {"4": "new"}


def test_r08_skipped_records_are_never_added_by_a_later_mode(project: Project) -> None:
    project.edit(first_sync="skip", mode="update")
    project.people((1, "a"))
    project.ok()
    project.edit(mode="mirror")
    assert project.ok().counts.planned == 0
    assert project.held == {}


@pytest.mark.parametrize(
    "mode", [["added", "deleted"], pytest.param(["updated", "deleted"], marks=pytest.mark.core)]
)
def test_r08_a_mode_may_be_any_list_of_operations(project: Project, mode: list[str]) -> None:
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.edit(mode=mode)
    project.data(
        "UPDATE people SET name = 'edited' WHERE id = 1",
        "INSERT INTO people VALUES (4, 'new')",
        "DELETE FROM people WHERE id = 2",
    )
    document = project.ok()
    assert {name for name, each in document.by_operation.items() if each.planned} == set(mode)
    assert document.counts.not_sent == 1


def test_r09_a_record_that_stops_matching_is_deleted_for_a_mode_that_deletes(project: Project) -> None:
    project.edit(where="name <> 'hidden' -- not these")
    project.people((1, "a"), (2, "b"), (3, "c"))
    project.ok()
    project.data("UPDATE people SET name = 'hidden' WHERE id = 2")
    assert project.ok().counts.deleted == 1
    assert project.names == {"1": "a", "3": "c"}
    project.edit(mode="upsert")
    project.data("UPDATE people SET name = 'hidden' WHERE id = 1")
    assert project.ok().counts.planned == 0
    assert project.names == {"1": "a", "3": "c"}


def test_r09_the_filter_comes_before_the_key_checks(project: Project) -> None:
    project.edit(where="name <> 'old version'")
    project.people((1, "a"), (1, "old version"), (None, "old version"))
    counts = project.ok().counts
    assert (counts.model_rows, counts.added, counts.set_aside) == (1, 1, 0)
