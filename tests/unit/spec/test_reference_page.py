"""The page about the files is complete and its examples work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.spec.projects import load

from tailrace.destinations.webhook import webhook
from tailrace.errors import ConfigError
from tailrace.sources.duckdb.settings import DuckDBSettings
from tailrace.sources.postgres.settings import PostgresSettings
from tailrace.spec.reading import read_yaml
from tailrace.spec.schema import project_schema

PAGE = (Path(__file__).parents[3] / "docs/reference/files.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMPLETE = [block for block in BLOCKS if block.startswith("version: 1\n")]
PART = re.compile(r"# (tailrace[./](?:\w+/)?(\w+)\.yml),")


def _section(heading: str) -> str:
    return re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1].split("\n#")[0]


def _tabled(heading: str) -> set[str]:
    """The keys in the first column of a section's table."""
    rows = re.findall(r"^\| (`[^|]*`) \|", _section(heading), re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def _keys(definition: str) -> set[str]:
    schema = project_schema()
    return set((schema["definitions"][definition] if definition else schema)["properties"])


def test_there_are_examples() -> None:
    assert len(COMPLETE) == 2
    assert len(BLOCKS) == 5


@pytest.mark.parametrize("block", COMPLETE)
def test_complete_examples_load(tmp_path: Path, block: str) -> None:
    assert load(tmp_path, {"tailrace.yml": block}).mappings


def _parts() -> Iterator[tuple[str, str]]:
    for block in BLOCKS:
        if match := PART.match(block):
            yield match[1], block


def test_parts_load_over_the_example_before_them(tmp_path: Path) -> None:
    files = {"tailrace.yml": COMPLETE[-1], "models/leads.sql": "SELECT 1 AS id"} | dict(_parts())
    project = load(tmp_path, files, "prod")
    assert set(project.mappings) == {"orders_to_hook", "leads_to_hook"}
    mapping = project.mappings["orders_to_hook"]
    assert (mapping.mode, mapping.guards.max_deletes, mapping.guards.max_changes) == ("mirror", None, 100_000)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_sound_yaml(block: str) -> None:
    problems: list[ConfigError] = []
    read_yaml(block.encode(), "files.md", problems)
    assert problems == []


@pytest.mark.parametrize(
    ("heading", "definition"),
    [
        ("Top level", ""),
        ("Sources", "source"),
        ("Models", "model"),
        ("Destinations", "destination"),
        ("Mappings", "mapping"),
        ("`guards`", "GuardSpec"),
        ("`schedule`", "ScheduleSpec"),
    ],
)
def test_every_key_is_described(heading: str, definition: str) -> None:
    assert _tabled(heading) == _keys(definition)


def test_the_full_example_uses_every_key_of_a_mapping(tmp_path: Path) -> None:
    problems: list[ConfigError] = []
    tree = read_yaml(COMPLETE[-1].encode(), "files.md", problems)
    assert tree is not None
    written = tree.plain()["mappings"]["orders_to_hook"]
    assert set(written) | {"fields"} == _keys("mapping")
    assert set(written["guards"]) == _keys("GuardSpec")


@pytest.mark.parametrize(
    ("heading", "settings"),
    [
        ("`duckdb`", set(DuckDBSettings.model_fields)),
        ("`postgres`", set(PostgresSettings.model_fields)),
        ("`webhook`", {field.name for field in webhook.settings}),
    ],
)
def test_every_setting_of_the_types_of_our_own_is_described(heading: str, settings: set[str]) -> None:
    assert _tabled(heading) == settings
