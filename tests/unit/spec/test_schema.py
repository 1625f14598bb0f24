from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, Field
from tests.unit.spec.projects import CONTRACT, SMALL, load, problems

from tailrace.spec.reading import read_yaml
from tailrace.spec.schema import project_schema


class Tls(BaseModel):
    mode: str = Field(default="full", description="How.")


class DuckDB(BaseModel, extra="forbid"):
    path: str = Field(description="The file.")
    threads: int | None = Field(default=None, description="Most threads.")
    tls: Tls | None = Field(default=None, description="TLS.")


def _tree(text: str) -> Any:
    node = read_yaml(text.encode(), "tailrace.yml", [])
    assert node is not None
    return node.plain()


def _errors(text: str, schema: dict[str, Any] | None = None) -> list[str]:
    validator = jsonschema.Draft7Validator(schema or project_schema())
    return [error.message for error in validator.iter_errors(_tree(text))]


def test_the_schema_is_one_and_accepts_the_contracts_example(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(project_schema())
    assert _errors(CONTRACT) == []
    assert load(tmp_path, {"tailrace.yml": CONTRACT})


def test_every_key_has_a_description() -> None:
    schema = project_schema({"duckdb": DuckDB.model_json_schema()})
    missing = [
        f"{name}.{key}"
        for name, definition in [("", schema), *schema["definitions"].items()]
        for key, value in definition.get("properties", {}).items()
        if not value.get("description")
    ]
    assert missing == []


@pytest.mark.parametrize(
    "text",
    [
        SMALL + "    mdoe: mirror\n",
        SMALL + "    mode: merge\n",
        SMALL + "    mode: []\n",
        SMALL + "    fail_on: [delivered]\n",
        SMALL + "    max_plan_age: 3600\n",
        SMALL + "    schedule: {evry: 1h}\n",
        SMALL + "    schedule: {every: soon}\n",
        SMALL + "    guards: {max_deletes: -1}\n",
        SMALL + "    fields: [a]\n",
        SMALL + "    id: a b\n",
        SMALL.replace("key: id", "key: []"),
        SMALL.replace("    key: id\n", ""),
        SMALL.replace("sql: SELECT 1 AS id", "sql: SELECT 1\n    table: t"),
        SMALL.replace("    sql: SELECT 1 AS id\n", ""),
        SMALL.replace("version: 1", "version: 2"),
        SMALL.replace("to_crm:", "to crm:"),
        SMALL.replace("project:", "projekt:"),
        SMALL.replace("type: duckdb, ", ""),
    ],
)
def test_schema_and_loader_refuse_the_same(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, {"tailrace.yml": text})
    assert _errors(text)


@pytest.mark.parametrize(
    "lines",
    [
        "mode: [added, deleted]",
        "schedule: manual",
        "schedule: {cron: '0 6 * * *', timezone: Europe/Berlin}",
        "guards: {max_delete_percent: off, max_deletes: 3, allow_empty_model: true}",
        "fields: {a: 1, b: [x, $y], c: {d: {sql: 'a'}}, e: ~, f: true}",
        "max_plan_age: 1h30m",
        "previously: old/one",
        "where: a > 1",
        "fail_on: []",
        "remember: checksum",
    ],
)
def test_schema_and_loader_accept_the_same(tmp_path: Path, lines: str) -> None:
    text = f"x-anchors: 1\n{SMALL}    {lines}\n"
    assert load(tmp_path, {"tailrace.yml": text})
    assert _errors(text) == []


def test_settings_of_a_known_type_are_checked_and_may_be_references() -> None:
    schema = project_schema({"duckdb": DuckDB.model_json_schema()}, {"webhook": {"properties": {"url": {}}}})
    jsonschema.Draft7Validator.check_schema(schema)
    assert _errors(SMALL, schema) == []
    for good in ("threads: 3", "threads: '${env:N}'", "tls: {mode: x}", "schema: s, remember: checksum"):
        assert _errors(SMALL.replace("path: shop.duckdb", f"path: x, {good}"), schema) == []
    for bad in ("thread: 3", "threads: three", "tls: {mode: 3}", "schema: 3"):
        assert _errors(SMALL.replace("path: shop.duckdb", f"path: x, {bad}"), schema)
    assert _errors(SMALL.replace("path: shop.duckdb", "threads: 3"), schema)
    assert (
        _errors(SMALL.replace("{type: duckdb, path: shop.duckdb}", "{type: other, anything: 1}"), schema)
        == []
    )


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(project_schema())) == project_schema()


def test_importing_the_package_is_light() -> None:
    script = "import sys, tailrace.spec; print(sorted({'pydantic', 'yaml', 'duckdb'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_loading_a_project_imports_no_engine(tmp_path: Path) -> None:
    load(tmp_path, {"tailrace.yml": CONTRACT})
    script = (
        "import sys, pathlib; from tailrace.spec.load import load_project;"
        f"load_project(pathlib.Path({str(tmp_path)!r}), None, {{}});"
        "print(sorted({'duckdb', 'pyarrow', 'sqlalchemy', 'sqlglot', 'aiohttp'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
