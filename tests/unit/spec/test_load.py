from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.spec.projects import CONTRACT, SMALL, load, problem, problems

from tailrace.errors import ConfigErrors, Where
from tailrace.spec.load import load_project


def test_the_contracts_example_loads_exactly(tmp_path: Path) -> None:
    project = load(tmp_path, {"tailrace.yml": CONTRACT})
    assert (project.name, project.environment, project.folder) == ("shop", None, tmp_path)
    source = project.sources["warehouse"]
    assert (source.type, source.settings, source.remember) == ("duckdb", {"path": "shop.duckdb"}, "values")
    model = project.models["customers"]
    assert (model.source, model.key) == ("warehouse", ("id",))
    assert model.sql == "SELECT id, email, first_name, plan FROM customers"
    assert project.destinations["crm"].settings == {
        "url": "${env:CRM_URL}",
        "headers": {"Authorization": "Bearer ${env:CRM_TOKEN}"},
        "batch": 100,
    }
    mapping = project.mappings["customers_to_crm"]
    assert mapping.id == mapping.name == "customers_to_crm"
    assert mapping.operations == {"added", "updated", "deleted"}
    assert mapping.fields is not None
    assert mapping.fields["tier"] == {
        "case": {"when": [{"if": "plan = 'pro'", "then": "gold"}], "else": "basic"}
    }
    assert mapping.fields["address"] == {"city": "$city", "country": "DE"}
    assert mapping.guards.max_delete_percent == 10
    assert mapping.guards.max_set_aside_percent == 10
    assert mapping.guards.max_rejected_percent == 50
    assert mapping.guards.max_deletes is None
    assert mapping.schedule is not None
    assert mapping.schedule.every == 900
    assert (mapping.first_sync, mapping.on_change, mapping.fail_on) == (
        "send",
        "rerender",
        ("rejected", "unknown"),
    )
    assert (mapping.enabled, mapping.max_plan_age, mapping.where) == (True, 3600, None)


def test_every_node_can_be_located(tmp_path: Path) -> None:
    project = load(tmp_path, {"tailrace.yml": CONTRACT})
    fields = ("mappings", "customers_to_crm", "fields")
    assert project.location((*fields, "email")) == Where(
        "tailrace.yml", 20, "mappings.customers_to_crm.fields.email"
    )
    assert project.location((*fields, "tier", "case", "when", 0, "then")).line == 23
    assert project.location(("sources", "warehouse", "path")).line == 4
    assert project.location((*fields, "unheard", "of")).line == 18


def test_without_a_file_it_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load_project(tmp_path, None, {})
    assert caught.value.code == "project_missing"
    assert "tailrace init" in caught.value.hint


def test_all_problems_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = SMALL.replace("model: customers", "model: custmers").replace("action: send", "mdoe: mirror")
    text = text.replace("version: 1\n", "")
    found = {
        (error.where.line if error.where else None, error.message)
        for error in problems(tmp_path, {"tailrace.yml": text})
    }
    assert found == {
        (1, "`version` is missing."),
        (12, "mappings.to_crm needs `action`."),
        (13, "There is no model `custmers`."),
        (15, "`mdoe` is not a key of mappings.to_crm."),
    }


def test_an_unknown_key_suggests_the_one_that_was_meant(tmp_path: Path) -> None:
    error = problem(tmp_path, SMALL + "    mdoe: mirror\n")
    assert error.where == Where("tailrace.yml", 17, "mappings.to_crm.mdoe")
    assert error.hint == "Did you mean `mode`?"
    assert error.exit_code == 2
