"""R20 to R22: every record has one outcome, and what is in doubt goes again, whatever the model does meanwhile."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project

from tailrace.testing.faults import Fault

LOST = Fault(kind="lost")
"""Accepts and closes without an answer."""


def test_r21_answer_lost_then_the_model_reverts(project: Project) -> None:
    project.people((1, "old"), (2, "same"))
    project.ok()
    project.data("UPDATE people SET name = 'new' WHERE id = 1")
    document = project.sync(LOST)
    assert (document.status, document.counts.unknown) == ("partial", 1)
    assert project.names["1"] == "new", "the receiver has it, and nobody here knows"
    project.data("UPDATE people SET name = 'old' WHERE id = 1")
    document = project.ok()
    assert document.counts.updated == 1
    assert project.names == {"1": "old", "2": "same"}
    assert project.ok().counts.planned == 0


def test_r21_answer_lost_then_the_record_vanishes(project: Project) -> None:
    project.people((1, "stays"))
    project.ok()
    project.data("INSERT INTO people VALUES (2, 'guest')")
    assert project.sync(LOST).counts.unknown == 1
    assert project.records() == [("1", True, False), ("2", False, True)]
    project.data("DELETE FROM people WHERE id = 2")
    document = project.ok()
    assert document.counts.deleted == 1
    assert project.names == {"1": "stays"}
    assert project.records() == [("1", True, False)]


@pytest.mark.core
def test_r21_an_uncertain_record_that_vanishes_stays_where_the_mode_deletes_nothing(project: Project) -> None:
    project.edit(mode="upsert")
    project.people((1, "stays"), (2, "guest"))
    assert project.sync(LOST).counts.unknown == 2
    project.data("DELETE FROM people WHERE id = 2")
    document = project.ok()
    assert (document.counts.added, document.counts.deleted) == (1, 0)
    assert project.names == {"1": "stays", "2": "guest"}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(kind="status", status=503, after=True), marks=pytest.mark.core),
        LOST,
        pytest.param(Fault(kind="truncate"), marks=pytest.mark.core),
        pytest.param(Fault(kind="garbage"), marks=pytest.mark.core),
    ],
    ids=["5xx after accepting", "lost", "cut short", "no HTTP"],
)
def test_r20_without_a_verdict_until_retries_end_a_record_is_unknown(project: Project, fault: Fault) -> None:
    project.people((1, "a"), (2, "b"))
    document = project.sync(fault)
    counts = document.counts
    assert (document.status, counts.unknown, counts.delivered) == ("partial", 2, 0)
    assert project.records() == [("1", False, True), ("2", False, True)]
    document = project.ok()
    assert (document.counts.added, document.counts.updated) == (2, 0), (
        "never delivered, so they are added again"
    )
    assert len({each.id for each in project.receiver.history("1")}) == 1, "the same change under the same id"
    assert project.records() == [("1", True, False), ("2", True, False)]
