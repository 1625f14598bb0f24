"""Columns that changed their class before the mapping was edited (R15, R17)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.project import Project

from tailrace.runtime import planning


def test_r17_an_edit_after_a_change_of_class_compares_what_was_delivered_last(project: Project) -> None:
    project.edit(fields={"id": "$id", "size": "$size"})
    project.people((1, 7), (2, 8), columns="id bigint, size bigint")
    project.ok()
    project.people((1, "7"), (2, "large"), columns="id bigint, size text")
    project.ok()
    project.edit(fields={"id": "$id", "size": "{{ size | upper }}"})
    document = project.ok()
    assert document.counts.updated == 1
    assert {key: record["size"] for key, record in project.held.items()} == {"1": "7", "2": "LARGE"}


def test_r02_a_planner_that_was_taken_over_changes_no_columns(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.people((1, 7), (2, 8), columns="id bigint, size bigint")
    project.ok()
    before = project.records("*")
    project.data("ALTER TABLE people ADD COLUMN colour text")
    genuine = planning.on_change

    def slow(*arguments: Any) -> Any:
        prepared = arguments[0]
        table = prepared.source.dialect.table(prepared.names.schema, prepared.names.checkpoints)
        with prepared.source.session() as session:
            session.execute(f"UPDATE {table} SET owner = 'them', fence = fence + 1 WHERE fence > 0")
        return genuine(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(planning, "on_change", slow)
        document = project.sync()
    assert document.error is not None
    assert document.error.code == "fence_lost"
    assert project.records("*") == before
