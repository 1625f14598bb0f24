"""A model that is well formed and fails as it runs: the error says where it stands, and nothing is sent."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_r04_a_model_that_fails_as_it_runs_is_named_with_its_place(project: Project, command: str) -> None:
    project.many(3)
    project.sql = "SELECT id, CAST(name AS integer) AS number FROM people"
    project.write()
    code, said = project.cli(command)
    error = said["error"] if "error" in said else said["syncs"][0]["error"]
    assert code in (1, 2)
    assert "integer" in error["message"].lower() or "INT32" in error["message"]
    assert "tailrace.yml" in error["where"]
    assert "Correct the model's SQL" in error["hint"]
    assert project.held == {}
