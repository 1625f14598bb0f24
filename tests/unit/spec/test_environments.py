from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.spec.projects import CONTRACT, SMALL, load, problems

from tailrace.spec.merging import overlay
from tailrace.spec.nodes import Node


def test_an_environments_file_goes_over_the_others(tmp_path: Path) -> None:
    over = """\
destinations:
  crm: {url: "https://prod", headers: {X-Env: prod}}
mappings:
  customers_to_crm:
    guards: {max_deletes: 5}
    schedule: manual
    fields:
      tier: {sql: plan}
"""
    project = load(tmp_path, {"tailrace.yml": CONTRACT, "tailrace.prod.yml": over}, "prod")
    assert project.environment == "prod"
    settings = project.destinations["crm"].settings
    assert settings["url"] == "https://prod"
    assert settings["headers"] == {"Authorization": "Bearer ${env:CRM_TOKEN}", "X-Env": "prod"}
    assert settings["batch"] == 100
    mapping = project.mappings["customers_to_crm"]
    assert (mapping.guards.max_deletes, mapping.guards.max_delete_percent) == (5, 10)
    assert mapping.schedule is None
    assert mapping.fields is not None
    assert mapping.fields["tier"] == {"sql": "plan"}
    assert mapping.fields["id"] == "$id"
    where = project.location(("destinations", "crm", "url"))
    assert (where.file, where.line) == ("tailrace.prod.yml", 2)
    assert project.location(("destinations", "crm", "batch")).file == "tailrace.yml"


def test_what_excludes_each_other_is_replaced(tmp_path: Path) -> None:
    over = """\
sources:
  warehouse: {type: postgres, host: db}
models:
  customers: {table: public.customers}
mappings:
  customers_to_crm: {schedule: {cron: "0 6 * * *"}}
"""
    project = load(tmp_path, {"tailrace.yml": CONTRACT, "tailrace.prod.yml": over}, "prod")
    assert project.sources["warehouse"].settings == {"host": "db"}
    assert project.models["customers"].sql == 'SELECT * FROM "public"."customers"'
    schedule = project.mappings["customers_to_crm"].schedule
    assert schedule is not None
    assert (schedule.every, schedule.cron) == (None, "0 6 * * *")


def test_an_empty_value_takes_a_setting_back_to_its_default(tmp_path: Path) -> None:
    over = "mappings:\n  customers_to_crm: {schedule: , mode: ~, guards: {max_delete_percent: }}\n"
    mapping = load(tmp_path, {"tailrace.yml": CONTRACT, "tailrace.x.yml": over}, "x").mappings[
        "customers_to_crm"
    ]
    assert (mapping.schedule, mapping.mode, mapping.guards.max_delete_percent) == (None, "upsert", 25)


def test_tailrace_env_chooses_where_nothing_else_does(tmp_path: Path) -> None:
    files = {"tailrace.yml": SMALL, "tailrace.dev.yml": "", "tailrace.prod.yml": "# nothing\n"}
    assert load(tmp_path, files, None, {"TAILRACE_ENV": "dev"}).environment == "dev"
    assert load(tmp_path, files, "prod", {"TAILRACE_ENV": "dev"}).environment == "prod"
    assert load(tmp_path, files, None, {"TAILRACE_ENV": ""}).environment is None


def test_a_mistyped_environment_does_not_begin_a_new_state(tmp_path: Path) -> None:
    error = problems(tmp_path, {"tailrace.yml": SMALL, "tailrace.prod.yml": ""}, "prdo")[0]
    assert error.code == "environment_missing"
    assert "There are: prod." in error.hint


def test_an_environment_is_a_name(tmp_path: Path) -> None:
    assert "../up" in problems(tmp_path, {"tailrace.yml": SMALL}, "../up")[0].message


def test_a_problem_in_an_environments_file_points_there(tmp_path: Path) -> None:
    over = "mappings:\n  to_crm:\n    model: customer\n"
    error = problems(tmp_path, {"tailrace.yml": SMALL, "tailrace.dev.yml": over}, "dev")[0]
    assert str(error.where) == "tailrace.dev.yml:3 mappings.to_crm.model"
    assert error.hint == "Did you mean `customers`?"


_TREES = st.recursive(
    st.integers(0, 3) | st.none(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def _node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: _node(item) for key, item in value.items()}, "x", 1)
    return Node(value, "x", 1)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(value, dict) and value:
        return {
            key: leaf for name, item in value.items() for key, leaf in _leaves(item, (*path, name)).items()
        }
    return {path: value}


@given(_TREES, _TREES)
def test_whatever_the_upper_file_says_holds(base: Any, over: Any) -> None:
    merged = overlay(_node(base), _node(over)).plain()
    leaves = _leaves(merged)
    for path, leaf in _leaves(over).items():
        assert leaf == {} or leaves[path] == leaf
    for path, leaf in leaves.items():
        assert leaf == {} or _leaves(over).get(path, _leaves(base).get(path)) == leaf


@given(_TREES)
def test_laying_a_file_on_itself_changes_nothing(tree: Any) -> None:
    assert overlay(_node(tree), _node(tree)).plain() == tree


@given(_TREES, _TREES, _TREES)
def test_the_order_of_merging_does_not_matter_where_shapes_agree(first: Any, second: Any, third: Any) -> None:
    left = overlay(overlay(_node(first), _node(second)), _node(third)).plain()
    if all(isinstance(tree, dict) for tree in (first, second, third)) and _agree(first, second, third):
        assert left == overlay(_node(first), overlay(_node(second), _node(third))).plain()


def _agree(*trees: Any) -> bool:
    """Whether no path is a mapping in one tree and something else in another."""
    kinds: dict[tuple[str, ...], bool] = {}
    for tree in trees:
        for path, is_mapping in _kinds(tree):
            if kinds.setdefault(path, is_mapping) != is_mapping:
                return False
    return True


def _kinds(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], bool]]:
    if not isinstance(value, dict):
        return [(path, False)]
    return [(path, True), *(kind for name, item in value.items() for kind in _kinds(item, (*path, name)))]


@pytest.mark.parametrize("name", ["tailrace/more.yml", "tailrace/a/b/more.yml"])
def test_companions_add_names(tmp_path: Path, name: str) -> None:
    more = "version: 1\nmodels:\n  orders: {source: warehouse, key: [a, b], table: orders}\nmappings:\n"
    project = load(
        tmp_path, {"tailrace.yml": SMALL, name: more, "tailrace/.hidden.yml": "{", "tailrace/x.txt": "{"}
    )
    assert project.models["orders"].key == ("a", "b")
    assert project.location(("models", "orders", "key")).file == name
    assert list(project.mappings) == ["to_crm"]


def test_a_heading_without_entries_changes_nothing(tmp_path: Path) -> None:
    files = {"tailrace.yml": SMALL, "tailrace.dev.yml": "models:\n", "tailrace/a.yml": "mappings:\n"}
    project = load(tmp_path, files, "dev")
    assert (list(project.models), list(project.mappings)) == (["customers"], ["to_crm"])


def test_a_list_in_a_companion_is_explained_there(tmp_path: Path) -> None:
    error = problems(tmp_path, {"tailrace.yml": SMALL, "tailrace/a.yml": "models:\n  - name: x\n"})[0]
    assert "no dashes" in error.hint
    assert str(error.where) == "tailrace/a.yml:1 models"


def test_a_name_in_two_files_names_both_places(tmp_path: Path) -> None:
    files = {
        "tailrace.yml": SMALL,
        "tailrace/a.yml": "models:\n  orders: {source: warehouse, key: id, table: orders}\n",
        "tailrace/b.yml": "project: other\nmodels:\n\n  orders: {source: warehouse, key: id, table: o}\n",
    }
    first, second = problems(tmp_path, files)
    assert "the first is in tailrace.yml:2" in first.message
    assert str(first.where) == "tailrace/b.yml:1 project"
    assert "the first is in tailrace/a.yml:2" in second.message
    assert second.where is not None
    assert (second.where.file, second.where.line) == ("tailrace/b.yml", 4)


def test_a_file_of_the_wrong_ending_is_not_overlooked(tmp_path: Path) -> None:
    error = problems(tmp_path, {"tailrace.yml": SMALL, "tailrace/a.yaml": "models:\n"})[0]
    assert "Rename it" in error.hint


def test_a_link_to_a_folder_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "tailrace").mkdir()
    (tmp_path / "tailrace" / "team").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "tailrace" / "..data").symlink_to(tmp_path / "shared", target_is_directory=True)
    (error,) = problems(tmp_path, {"tailrace.yml": SMALL})
    assert error.message == "tailrace/team is a link to a folder, which is not read."
    assert str(error.where) == "tailrace/team"
