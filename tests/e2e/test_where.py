"""A condition that the warehouse does not understand is a mistake in the files, and is told with its line."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project

from tailrace.errors import ModelError


def test_a_wrong_condition_is_told_with_its_place(project: Project) -> None:
    project.people((1, "a"))
    project.edit(where="nmae = 'a'")
    with pytest.raises(ModelError) as caught:
        project.plan()
    assert caught.value.exit_code == 2
    assert "nmae" in caught.value.message.lower()
    assert str(caught.value.where).endswith("mappings.people.where")


def test_a_condition_may_end_in_a_comment(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    project.edit(where="name = 'a' -- only these")
    project.ok()
    assert project.names == {"1": "a"}


def test_why_names_the_sync_that_delivered_a_record(project: Project) -> None:
    project.edit(guards={"max_deletes": 0})
    project.people((1, "a"), (2, "b"))
    delivered = project.ok().sync
    project.data("DELETE FROM people WHERE id = 1")
    assert project.sync().status == "blocked"
    with project.opened() as workspace:
        state = workspace.why("people", "2").state
    assert state is not None
    assert state["sync"] == delivered
