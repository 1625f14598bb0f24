"""R8 and R21 together: a record that was known or unsent, sent as updated, and in doubt ever since."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project

from tailrace.testing.faults import Fault


@pytest.mark.parametrize("settings", [{"first_sync": "skip"}, {"mode": "update"}], ids=["known", "unsent"])
def test_r08_a_baseline_record_in_doubt_goes_again_as_updated(
    project: Project, settings: dict[str, str]
) -> None:
    project.edit(**settings)
    project.people((1, "old"), (2, "same"))
    assert project.ok().counts.not_sent == 2
    project.data("UPDATE people SET name = 'new' WHERE id = 1")
    assert project.sync(Fault(kind="lost")).counts.unknown == 1
    document = project.ok()
    assert (document.counts.added, document.counts.updated) == (0, 1)
    assert project.names == {"1": "new"}
    assert project.ok().counts.planned == 0
