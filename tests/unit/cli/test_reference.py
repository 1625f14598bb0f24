"""The published reference and schemas are those of the application; each example is a real command."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tailrace.cli.app import build
from tailrace.cli.command import COMMANDS
from tailrace.cli.reference import page, schema_file, schemas

DOCS = Path(__file__).parents[3] / "docs"
REFRESH = "run: python -m tailrace.cli.reference docs"


def test_the_reference_page_is_what_the_application_says() -> None:
    assert (DOCS / "reference" / "cli.md").read_text(encoding="utf-8") == page(), REFRESH


def test_the_published_schemas_are_those_of_the_documents() -> None:
    published = {
        path.name: path.read_text(encoding="utf-8") for path in (DOCS / "reference/json").glob("*.json")
    }
    assert published == schemas(), REFRESH


def test_every_command_of_the_contract_is_there_with_help_and_examples() -> None:
    contract = {
        *(
            "demo",
            "init",
            "validate",
            "schema",
            "check",
            "grants",
            "ls",
            "sources",
            "destinations",
            "preview",
        ),
        *("plan", "sync", "send", "syncs", "show", "rejections", "release", "why"),
        *("approve", "discard", "cancel", "reset", "resend"),
    }
    assert set(COMMANDS) == contract
    for declared in COMMANDS.values():
        assert declared.body.__doc__
        assert declared.examples
        assert declared.answers == "" or schema_file(declared.answers) in schemas()


@pytest.mark.parametrize(
    "line", [e.line for d in COMMANDS.values() for e in d.examples if e.line.startswith("tailrace ")]
)
def test_every_example_is_a_command_line_that_parses(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    for stop in ("|", ">", "<"):
        words = words[: words.index(stop)] if stop in words else words
    root = build()
    command = root.commands[words[0]]
    context = root.make_context("tailrace", ["ls"], resilient_parsing=False)
    command.make_context(words[0], words[1:], parent=context)
