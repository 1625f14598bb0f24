"""What single entries may say, and how a wrong one is explained at its place."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from tests.unit.spec.projects import SMALL, load, problem, problems

from tailrace.errors import ConfigError, ConfigErrors, Where
from tailrace.ids import state_id
from tailrace.spec.guards import GuardSpec
from tailrace.spec.load import load_project
from tailrace.spec.mapping import MappingSpec


def mapping_of(folder: Path, lines: str) -> MappingSpec:
    return load(folder, {"tailrace.yml": f"{SMALL}    {lines}\n"}).mappings["to_crm"]


def test_a_mapping_has_safe_defaults(tmp_path: Path) -> None:
    mapping = load(tmp_path, {"tailrace.yml": SMALL}).mappings["to_crm"]
    assert (mapping.id, mapping.previously, mapping.mode) == ("to_crm", None, "upsert")
    assert mapping.operations == {"added", "updated"}
    assert (mapping.fields, mapping.where, mapping.remember, mapping.on_change) == (None, None, None, None)
    assert (mapping.first_sync, mapping.fail_on) == ("send", ("rejected", "aborted", "unknown"))
    assert (mapping.schedule, mapping.enabled, mapping.max_plan_age) == (None, True, 3600)
    guards = mapping.guards
    assert (guards.max_deletes, guards.max_delete_percent, guards.max_changes) == (None, 25, None)
    assert (guards.max_set_aside_percent, guards.max_rejected_percent) == (10, 50)
    assert guards.allow_empty_model is False


@pytest.mark.parametrize(
    ("mode", "operations"),
    [
        ("insert", {"added"}),
        ("update", {"updated"}),
        ("upsert", {"added", "updated"}),
        ("delete", {"deleted"}),
        ("mirror", {"added", "updated", "deleted"}),
        ("[deleted, added]", {"added", "deleted"}),
    ],
)
def test_modes_stand_for_operations(tmp_path: Path, mode: str, operations: set[str]) -> None:
    assert mapping_of(tmp_path, f"mode: {mode}").operations == operations


def test_a_mapping_survives_being_pinned(tmp_path: Path) -> None:
    mapping = mapping_of(
        tmp_path,
        "mode: [added]\n    schedule: {every: 15m}\n    guards: {max_delete_percent: off}\n"
        "    max_plan_age: 90s\n    fields: {a: $a, zip: 00501}\n    previously: old/one",
    )
    assert MappingSpec.model_validate_json(mapping.model_dump_json()) == mapping
    assert mapping.fields == {"a": "$a", "zip": "00501"}


def test_guards_can_be_turned_off(tmp_path: Path) -> None:
    guards = mapping_of(
        tmp_path, "guards: {max_delete_percent: off, max_rejected_percent: off, max_deletes: 0}"
    ).guards
    assert guards == GuardSpec(max_delete_percent=None, max_rejected_percent=None, max_deletes=0)


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("mode: merge", "mode", "'merge' is no sync mode"),
        ("mode: [added, changed]", "mode", "'changed' is not one of added, updated, deleted"),
        ("mode: []", "mode", "at least one operation"),
        ("mode: [added, added]", "mode", "twice"),
        ("mode: 3", "mode", "3 is no sync mode"),
        ("enabled: no", "enabled", "must be `true` or `false`"),
        ("where: ''", "where", "cannot be empty"),
        ("where: 1", "where", "must be text"),
        ("id: a b", "id", "'a b' cannot be a name"),
        ("id: 12", "id", 'ut quotes around it: "12"'),
        (f"id: {'x' * 65}", "id", "at most 64 characters"),
        ("previously: a/b/c", "previously", "old_project/old_id"),
        ("previously: a b", "previously", "cannot be a name"),
        ("first_sync: later", "first_sync", "must be `send` or `skip`"),
        ("on_change: ask", "on_change", "must be `rerender`, `resend` or `keep`"),
        ("fail_on: rejected", "fail_on", "a list such as"),
        ("fail_on: [delivered]", "fail_on", "'delivered' is not one of"),
        ("max_plan_age: 3600", "max_plan_age", "needs a unit"),
        ("max_plan_age: true", "max_plan_age", "a duration such as"),
        ("remember: hash", "remember", "must be `values` or `checksum`"),
        ("fields: [id]", "fields", "entries of the form"),
        ("fields: $id", "fields", "entries of the form"),
        ("guards: {max_deletes: -1}", "guards.max_deletes", "from 0 on"),
        ("guards: {max_delete_percent: 10%}", "guards.max_delete_percent", "without %"),
        ("guards: {max_delete_percent: 101}", "guards.max_delete_percent", "0 to 100"),
        ("guards: {allow_empty_model: 1}", "guards.allow_empty_model", "`true` or `false`"),
        ("guards: [max_deletes]", "guards", "entries of the form"),
        ("guards: {max_delets: 1}", "guards.max_delets", "not a key of mappings.to_crm.guards"),
        ("name: other", "name", "not a key of mappings.to_crm"),
        ("on: [push]", "on", "`on` is not a key"),
    ],
)
def test_what_a_mapping_cannot_say(tmp_path: Path, line: str, field: str, said: str) -> None:
    error = problem(tmp_path, f"{SMALL}    {line}\n")
    assert said in f"{error.message} {error.hint}"
    assert error.hint or "must be" in error.message or "cannot be empty" in error.message
    assert error.where == Where("tailrace.yml", 17, f"mappings.to_crm.{field}")
    assert "Input" not in error.message


def test_near_misses_inside_guards_are_found(tmp_path: Path) -> None:
    assert problem(tmp_path, SMALL + "    guards: {max_delets: 1}\n").hint == "Did you mean `max_deletes`?"
    assert "Write `false`" in problem(tmp_path, SMALL + "    enabled: no\n").hint


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        ("sql: |\n      SELECT id\n      FROM t", "SELECT id\nFROM t\n"),
        ("sql_file: models/customers.sql", "SELECT 2 AS id;\n"),
        ("table: customers", 'SELECT * FROM "customers"'),
        ("table: main.customers", 'SELECT * FROM "main"."customers"'),
        ('table: \'db."odd.""name"\'', 'SELECT * FROM "db"."odd.""name"'),
    ],
)
def test_a_statement_is_written_in_one_of_three_ways(tmp_path: Path, statement: str, sql: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/customers.sql").write_text("SELECT 2 AS id;\n")
    project = load(tmp_path, {"tailrace.yml": SMALL.replace("sql: SELECT 1 AS id", statement)})
    assert project.models["customers"].sql == sql


def test_the_place_of_a_statement_is_its_file(tmp_path: Path) -> None:
    text = SMALL.replace("sql: SELECT 1 AS id", "sql_file: c.sql")
    project = load(tmp_path, {"tailrace.yml": text, "c.sql": "SELECT 2 AS id"})
    assert project.location(("models", "customers", "sql")) == Where("c.sql", 1, "models.customers.sql")
    assert project.location(("models", "customers", "key")).file == "tailrace.yml"


def test_models_may_share_an_anchor(tmp_path: Path) -> None:
    text = SMALL.replace("  customers:\n    source", "  customers: &c\n    source", 1)
    text = text.replace("sql: SELECT 1 AS id", "sql_file: c.sql\n  clients: *c\n  others: {<<: *c, key: b}")
    project = load(tmp_path, {"tailrace.yml": text, "c.sql": "SELECT 2 AS id"})
    assert {model.sql for model in project.models.values()} == {"SELECT 2 AS id"}
    assert project.location(("models", "others", "sql")).file == "c.sql"


@pytest.mark.parametrize(
    ("statement", "line", "said"),
    [
        ("sql_file: nowhere.sql", 9, "nowhere.sql cannot be read: No such file"),
        ("sql_file: .", 9, "cannot be read: Is a directory"),
        ("sql_file: empty.sql", 9, "empty.sql of models.customers is empty"),
        ("sql_file: latin.sql", 9, "not UTF-8"),
        ("sql_file: 3", 9, "must be text"),
        ("table: a.b.c.d", 9, "does not name a table"),
        ("table: ''", 9, "must be text, and not empty"),
        ("sql: ' '", 9, "must be text, and not empty"),
        ("sql: [SELECT]", 9, "must be text"),
        ("{}", 6, "no statement"),
        ("sql: SELECT 1\n    table: t", 10, "`sql` and `table`"),
    ],
)
def test_what_is_no_statement(tmp_path: Path, statement: str, line: int, said: str) -> None:
    (tmp_path / "empty.sql").write_text(" \n")
    (tmp_path / "latin.sql").write_bytes("SELECT 'ä'".encode("latin-1"))
    error = problem(
        tmp_path,
        SMALL.replace("    sql: SELECT 1 AS id\n", "" if statement == "{}" else f"    {statement}\n"),
    )
    assert said in f"{error.message} {error.hint}"
    assert error.hint or "must be" in error.message or "cannot be empty" in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("tailrace.yml", line)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("[]", "one column"),
        ("[a, a]", "twice"),
        ("[a, 1]", "quotes"),
        ("''", "empty"),
        ("{a: b}", "one column"),
        ("1", "one column"),
    ],
)
def test_what_is_no_key(tmp_path: Path, key: str, said: str) -> None:
    error = problem(tmp_path, SMALL.replace("key: id", f"key: {key}"))
    assert said in f"{error.message} {error.hint}"
    assert error.hint or "must be" in error.message or "cannot be empty" in error.message
    assert error.where == Where("tailrace.yml", 8, "models.customers.key")


def test_shared_settings_of_a_source(tmp_path: Path) -> None:
    text = SMALL.replace(
        "path: shop.duckdb",
        "path: shop.duckdb, schema: state, remember: checksum, concurrency: 4, commit_interval: 1m,"
        " statement_timeout: 1h, password: , port: '${env:PORT}'",
    )
    source = load(tmp_path, {"tailrace.yml": text}).sources["warehouse"]
    assert (source.schema_name, source.remember, source.concurrency) == ("state", "checksum", 4)
    assert (source.commit_interval, source.statement_timeout) == (60, 3600)
    assert source.settings == {"path": "shop.duckdb", "port": "${env:PORT}"}


@pytest.mark.parametrize(
    ("setting", "field", "said"),
    [
        ("concurrency: 0", "concurrency", "greater than or equal to 1"),
        ("concurrency: many", "concurrency", "whole number"),
        ("commit_interval: 60", "commit_interval", "needs a unit"),
        ("schema: 5", "schema", "must be text"),
        ("remember: no", "remember", "`values` or `checksum`"),
    ],
)
def test_what_a_source_cannot_say(tmp_path: Path, setting: str, field: str, said: str) -> None:
    error = problem(tmp_path, SMALL.replace("path: shop.duckdb", f"path: x, {setting}"))
    assert said in f"{error.message} {error.hint}"
    assert error.hint or "must be" in error.message or "cannot be empty" in error.message
    assert error.where == Where("tailrace.yml", 4, f"sources.warehouse.{field}")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("version: 1", "version: 2", 1, "reads version 1"),
        ("version: 1", "version: '1'", 1, "must be 1"),
        ("version: 1", "version: true", 1, "must be 1"),
        ("project: shop", "project: 007 shop", 2, "cannot be a name"),
        ("project: shop", "project: 7", 2, 'quotes around it: "7"'),
        ("project: shop", "project:", 1, "`project` is missing"),
        ("project: shop", "projekt: shop\nproject: shop", 2, "`projekt` is not a key of this file"),
        ("  to_crm:", "  to crm:", 13, "'to crm' cannot be a name"),
        ("  warehouse: {type: duckdb, path: shop.duckdb}", "  warehouse:", 4, "`sources.warehouse` is empty"),
        ("  warehouse: {type: duckdb, path: shop.duckdb}", "  warehouse: duckdb", 4, "entries of the form"),
        ("type: duckdb, ", "", 4, "sources.warehouse needs `type`"),
        ("source: warehouse", "source: warehose", 7, "There is no source `warehose`"),
        ("model: customers", "model: customer", 14, "There is no model `customer`"),
        ("destination: crm", "destination: CRM", 15, "There is no destination `CRM`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_whole(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    error = problem(tmp_path, SMALL.replace(old, new, 1))
    assert said in f"{error.message} {error.hint}"
    assert error.hint or "must be" in error.message or "cannot be empty" in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("tailrace.yml", line)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "text", "null"])
def test_a_file_that_holds_no_project(tmp_path: Path, text: str) -> None:
    error = problem(tmp_path, text)
    assert error.hint
    assert error.where is not None
    assert error.where.file == "tailrace.yml"


@pytest.mark.parametrize(
    ("written", "group"),
    [("type: duckdb, ", "tailrace.sources"), ("type: webhook, ", "tailrace.destinations")],
)
def test_a_missing_type_is_answered_with_all_that_are_installed(
    tmp_path: Path, written: str, group: str
) -> None:
    known = [point.name for point in entry_points(group=group)]
    assert known
    hint = problem(tmp_path, SMALL.replace(written, "")).hint
    assert [name for name in known if f"`{name}`" not in hint] == []


def test_a_list_of_models_is_explained(tmp_path: Path) -> None:
    text = "version: 1\nproject: shop\nmodels:\n  - name: customers\n    table: customers\n"
    error = problem(tmp_path, text)
    assert "no dashes" in error.hint
    assert error.where == Where("tailrace.yml", 3, "models")


def test_a_file_that_cannot_be_parsed_does_not_make_names_unknown(tmp_path: Path) -> None:
    found = problems(
        tmp_path, {"tailrace.yml": SMALL.replace("customers", "clients", 1), "tailrace/a.yml": "models: {"}
    )
    assert [error.where.file for error in found if error.where] == ["tailrace/a.yml"]


def test_anchors_may_be_kept_under_x(tmp_path: Path) -> None:
    text = SMALL + "x-common: &common {mode: mirror, enabled: false}\n"
    text = text.replace("    model: customers", "    <<: *common\n    model: customers")
    with_anchor_first = "x-common: &common {mode: mirror, enabled: false}\n" + text.replace(
        "x-common: &common {mode: mirror, enabled: false}\n", ""
    )
    mapping = load(tmp_path, {"tailrace.yml": with_anchor_first}).mappings["to_crm"]
    assert (mapping.mode, mapping.enabled) == ("mirror", False)


THIRD = "  third: {model: customers, destination: crm, action: send, previously: shop/old"
SECOND = "  again: {model: customers, destination: crm, action: send%s}\n"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (", id: to_crm", "have the same id: `to_crm`"),
        (", previously: to_crm", "still the id of the mapping `to_crm`"),
        (", previously: shop/to_crm", "still the id of the mapping `to_crm`"),
        (f", previously: old}}\n{THIRD}", "both previously `old`"),
    ],
)  # fmt: skip
def test_a_state_belongs_to_one_mapping(tmp_path: Path, extra: str, said: str) -> None:
    assert said in problem(tmp_path, SMALL + SECOND % extra).message


def test_a_renamed_mapping_keeps_its_state(tmp_path: Path) -> None:
    project = load(tmp_path, {"tailrace.yml": SMALL + SECOND % ", id: old, previously: other/to_crm"})
    mapping = project.mappings["again"]
    assert (mapping.id, mapping.previously) == ("old", "other/to_crm")
    assert state_id(project.name, None, mapping.id) != state_id(project.name, "prod", mapping.id)


@pytest.mark.parametrize("value", [None, 3, "x", [], {"a": 1}, True])
def test_no_shape_makes_loading_crash(tmp_path: Path, value: Any) -> None:
    for key in ("version", "project", "sources", "models", "destinations", "mappings"):
        whole = {"version": 1, "project": "shop", key: value}
        (tmp_path / "tailrace.yml").write_text(json.dumps(whole))
        _load_or_explain(tmp_path)
        if key not in ("version", "project"):
            (tmp_path / "tailrace.yml").write_text(
                json.dumps(whole | {key: {"a": value, "b": {"type": value, "key": value}}})
            )
            _load_or_explain(tmp_path)


def _load_or_explain(folder: Path) -> None:
    found: list[ConfigError] = []
    try:
        load_project(folder, None, {})
    except ConfigErrors as error:
        found = error.errors
    assert all(wrong.message and wrong.where for wrong in found)
