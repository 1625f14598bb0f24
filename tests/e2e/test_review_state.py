"""What a person does beside a sync: resend, give up; nothing is sent or deleted that must not be."""

from __future__ import annotations

from tests.e2e.project import Project


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
