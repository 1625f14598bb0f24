"""`tailrace check --deep`: a whole sync of records that are made up, and nothing left behind."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project

from tailrace.sources.registry import source_type
from tailrace.sources.samples import Sample

STEPS = (
    *("versions", "managed schema", "first sync", "values", "nothing changed", "changes"),
    *("another writer", "crash and resume", "clean-up"),
)


def deep(project: Project) -> dict[str, tuple[str, str]]:
    """Each step's status and detail; those of the ordinary check, which come first, aside."""
    code, document = project.cli("check", "warehouse", "--deep")
    (checked,) = document["checks"]
    assert (code == 0) == checked["ok"]
    steps = checked["steps"]
    names = [step["name"] for step in steps]
    return {step["name"]: (step["status"], step["detail"]) for step in steps[names.index("versions") :]}


def test_a_source_that_works_passes_and_holds_no_new_table(project: Project) -> None:
    steps = deep(project)
    assert tuple(steps) == STEPS
    assert {status for status, _ in steps.values()} == {"passed"}, steps
    assert project.tables() == set()
    assert project.receiver.stats()["requests"] == 0


@pytest.mark.core
def test_what_stood_in_the_managed_schema_stays(project: Project) -> None:
    project.people((1, "a"))
    project.ok()
    before, logged = project.tables(), project.state("SELECT sync_id FROM {log}")
    assert deep(project)["clean-up"][0] == "passed"
    assert (project.tables(), project.state("SELECT sync_id FROM {log}")) == (before, logged)
    assert project.ok().counts.unchanged == 1


@pytest.mark.core
def test_a_value_that_arrives_changed_is_named_and_the_tables_are_dropped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = (Sample("whole", "CAST(1 AS BIGINT)", "2"),)
    monkeypatch.setattr(source_type(project.warehouse.kind), "samples", wrong)
    with project.opened() as workspace:
        (checked,) = workspace.check(["warehouse"], deep=True)
    failed = [step for step in checked.steps if step.status == "failed"]
    assert [(step.name, step.detail) for step in failed] == [
        ("values", "values arrived changed: whole: '1' instead of '2'")
    ]
    assert "--json" in failed[0].remedy
    assert checked.steps[-1].name == "clean-up"
    assert project.tables() == set()


@pytest.mark.core
def test_only_sources_have_a_deep_check(project: Project) -> None:
    code, document = project.cli("check", "crm", "--deep")
    assert (code, document["error"]["code"]) == (2, "name_unknown")
