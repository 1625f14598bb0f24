"""What is wrong in a project is told with its file and line also where a command meets it while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import ConfigError, ConfigErrors
from tailrace.service.workspace import Workspace

FILES = """version: 1
project: shop
sources:
  warehouse:
    type: duckdb
    path: shop.duckdb
models:
  people: {source: warehouse, key: id, sql: SELECT 1 AS id}
destinations:
  crm:
    type: webhook
    url: http://127.0.0.1:9/hook
    batch: 10
mappings:
  people:
    model: people
    destination: crm
    action: send
"""


@pytest.mark.parametrize(
    ("written", "wrong", "where", "said"),
    [
        ("path: shop.duckdb", "path: 12", "tailrace.yml:6 sources.warehouse.path", "must be text"),
        ("path: shop.duckdb", "pth: x", "tailrace.yml:4 sources.warehouse.path", "required"),
        ("type: duckdb", "type: duckbd", "tailrace.yml:4 sources.warehouse", "no source type"),
        ("batch: 10", "batch: many", "tailrace.yml:13 destinations.crm.batch", "whole number"),
        ("batch: 10", "batches: 10", "tailrace.yml:13 destinations.crm.batches", "no setting"),
        ("type: webhook", "type: webhok", "tailrace.yml:10 destinations.crm", "no destination type"),
        ("action: send", "action: sned", "tailrace.yml:18 mappings.people.action", "no action `sned`"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(
    tmp_path: Path, written: str, wrong: str, where: str, said: str
) -> None:
    assert written in FILES
    (tmp_path / "tailrace.yml").write_text(FILES.replace(written, wrong))
    with Workspace.open(tmp_path, None, {}) as workspace, pytest.raises(ConfigError) as raised:
        list(workspace.plan(["people"], statements=False, samples=0))
    error = raised.value.errors[0] if isinstance(raised.value, ConfigErrors) else raised.value
    assert (str(error.where), said in error.message, "Input" in error.message) == (where, True, False)
