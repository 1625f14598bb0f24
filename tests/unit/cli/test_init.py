"""`init` sets out a project that is valid and overwrites nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import FakeWorkspace

from tailrace.cli.scaffold import templates

Run = Callable[..., Ended]


@pytest.mark.parametrize("type_", templates())
def test_a_new_project_has_its_files_and_its_grants(type_: str, tailrace: Run, tmp_path: Path) -> None:
    ended = tailrace("init", type_, "--project-dir", str(tmp_path / "My Shop"))
    assert ended.code == 0
    folder = tmp_path / "My Shop"
    project = yaml.safe_load((folder / "tailrace.yml").read_text())
    assert project["project"] == "my_shop"
    assert project["sources"]["warehouse"]["type"] == type_
    assert project["mappings"]["customers_to_crm"]["fields"]["email"] == "{{ email | trim | lower }}"
    assert project["destinations"]["crm"]["url"] == "${env:CRM_URL}"
    assert "SELECT" in (folder / "models" / "customers.sql").read_text()
    assert ".tailrace/" in (folder / ".gitignore").read_text().split()
    assert "GRANT USAGE" in ended.out
    assert "GRANT USAGE" in (folder / "grants.sql").read_text()


def test_a_project_that_is_there_is_not_overwritten(tailrace: Run, tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text("project: mine\n")
    ended = tailrace("init")
    assert ended.code == 2
    assert "there is a project in this folder already" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["tailrace.yml"]


def test_what_stands_in_gitignore_stays_and_is_not_repeated(tailrace: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc")
    assert tailrace("init").code == 0
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n.tailrace/\n"
    (tmp_path / "tailrace.yml").unlink()
    assert ".gitignore" not in tailrace("init", "--json").json["files"]
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n.tailrace/\n"


def test_a_source_without_grants_gets_no_file(
    tailrace: Run, fake: type[FakeWorkspace], tmp_path: Path
) -> None:
    fake.grant_statements = ""
    assert tailrace("init", "--json").json["grants"] == ""
    assert not (tmp_path / "grants.sql").exists()


def test_an_unknown_type_is_answered_with_the_near_one(tailrace: Run, tmp_path: Path) -> None:
    ended = tailrace("init", "postgresql")
    assert ended.code == 2
    assert "Did you mean `postgres`?" in ended.err
    assert not list(tmp_path.iterdir())


def test_grants_that_are_a_script_are_one(tailrace: Run, fake: type[FakeWorkspace], tmp_path: Path) -> None:
    fake.grant_statements = "#!/bin/sh\necho granted"
    assert "also in grants.sh" in tailrace("init", "bigquery").out
    assert (tmp_path / "grants.sh").read_text() == "#!/bin/sh\necho granted\n"
    assert not (tmp_path / "grants.sql").exists()


def test_a_folder_that_cannot_be_made_is_named(tailrace: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = tailrace("init", "--project-dir", str(tmp_path / "file" / "new"), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "project_unwritable")
    assert str(tmp_path / "file" / "new") in ended.json["error"]["message"]
