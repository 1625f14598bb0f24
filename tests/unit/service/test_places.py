"""What is wrong in a project is told with its file and line also where a command meets it while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tailrace.errors import ConfigError, ConfigErrors, SeveralErrors
from tailrace.runtime.stop import StopSignal
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


def test_every_mapping_that_cannot_start_is_told_of_and_stops_no_other(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "shop.duckdb"):
        pass  # makes the file
    others = {"bad": "SELECT 1 AS x", "worse": "SELECT nope AS id"}
    models = "".join(
        f"  {name}: {{source: warehouse, key: id, sql: {sql}}}\n" for name, sql in others.items()
    )
    mappings = "".join(f"  {name}: {{model: {name}, destination: crm, action: send}}\n" for name in others)
    written = FILES.replace("destinations:", f"{models}destinations:").replace(
        "mappings:\n", f"mappings:\n{mappings}"
    )
    (tmp_path / "tailrace.yml").write_text(written)
    with Workspace.open(tmp_path, None, {}) as workspace:
        planned = workspace.plan([], statements=False, samples=0)
        assert next(planned).mapping == "people"
        with pytest.raises(SeveralErrors) as raised:
            next(planned)
        names = ["bad", "worse"]
        assert [error.message.partition(":")[0] for error in raised.value.errors] == names
        assert raised.value.exit_code == 2
        with pytest.raises(SeveralErrors) as raised:
            list(
                workspace.sync(
                    names, plan_id=None, limit=None, on_event=lambda event: None, stop=StopSignal()
                )
            )
        assert [error.message.partition(":")[0] for error in raised.value.errors] == names
    environ = {**os.environ, "COLUMNS": "200"}
    ended = subprocess.run(
        [sys.executable, "-m", "tailrace.cli", "plan"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr.count("error: "), "people" in ended.stdout) == (2, 2, True)
