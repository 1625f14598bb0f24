"""`--json`: one document on stdout that its published schema accepts, whatever the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.unit.cli.conftest import Ended
from tests.unit.cli.workspaces import SYNC

from tailrace.cli.command import COMMANDS
from tailrace.cli.reference import schema_file

SCHEMAS = Path(__file__).parents[3] / "docs" / "reference" / "json"
LINES = {
    "init": ["init"],
    "validate": ["validate"],
    "check": ["check"],
    "grants": ["grants", "warehouse"],
    "ls": ["ls"],
    "sources": ["sources"],
    "destinations": ["destinations"],
    "preview": ["preview", "customers"],
    "plan": ["plan"],
    "sync": ["sync"],
    "send": ["send", "customers_to_crm", "--key", "42"],
    "syncs": ["syncs"],
    "show": ["show", SYNC],
    "rejections": ["rejections", "customers_to_crm"],
    "why": ["why", "customers_to_crm", "42"],
    "approve": ["approve", SYNC],
    "cancel": ["cancel", SYNC],
    "discard": ["discard", SYNC],
    "release": ["release", "customers_to_crm"],
    "reset": ["reset", "customers_to_crm", "--yes"],
    "resend": ["resend", "customers_to_crm", "--key", "42"],
}


def accepts(document: str, value: Any) -> None:
    schema = json.loads((SCHEMAS / schema_file(document)).read_text(encoding="utf-8"))
    jsonschema.validate(value, schema)


def test_every_command_that_answers_a_document_is_tried_here() -> None:
    assert set(LINES) == {d.name for d in COMMANDS.values() if d.answers} - {"demo"}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_command_answers_one_document_of_its_schema(
    name: str, where: str, tailrace: Callable[..., Ended]
) -> None:
    words = ["--json", *LINES[name]] if where == "before" else [*LINES[name], "--json"]
    ended = tailrace(*words)
    assert ended.code == 0
    accepts(COMMANDS[name].answers, ended.json)


@pytest.mark.parametrize("name", LINES)
def test_a_command_answers_people_without_error_and_without_trailing_spaces(
    name: str, tailrace: Callable[..., Ended]
) -> None:
    ended = tailrace(*LINES[name])
    assert ended.code == 0
    assert ended.out or ended.err
    assert "\x1b" not in ended.out
    assert all(line == line.rstrip() for line in ended.out.splitlines())


def test_an_approval_that_is_only_recorded_answers_the_action(tailrace: Callable[..., Ended]) -> None:
    accepts("ActionDocument", tailrace("approve", SYNC, "--no-run", "--json").json)


def test_the_schema_of_the_files_is_json(tailrace: Callable[..., Ended]) -> None:
    assert tailrace("schema").json["type"] == "object"


def test_a_failure_answers_the_error_document(tailrace: Callable[..., Ended]) -> None:
    ended = tailrace("show", "no-such", "--json")
    accepts("FailureDocument", ended.json)
    assert ended.json["error"]["code"] == "sync_unknown"
    assert ended.code == 1


def test_a_usage_error_answers_the_error_document(tailrace: Callable[..., Ended]) -> None:
    for words in (["snyc", "--json"], ["--json", "sync", "--nope"], ["send", "customers_to_crm", "--json"]):
        ended = tailrace(*words)
        accepts("FailureDocument", ended.json)
        assert ended.json["error"]["code"] == "usage"
        assert ended.code == 2
