"""The documentation is complete where code and tests refer to it, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.architecture.repository import ROOT, files, name

PAGES = [path for path in files() if path.suffix == ".md"]
RULES = [f"R{number}" for number in range(1, 33)]


@pytest.mark.parametrize("rule", RULES)
def test_the_state_protocol_states_every_rule_once(rule: str) -> None:
    text = (ROOT / "docs" / "explanation" / "state-protocol.md").read_text()
    assert len(re.findall(rf"^- \*\*{rule} · ", text, re.MULTILINE)) == 1


def test_no_rule_is_named_that_does_not_exist() -> None:
    named = {
        f"{name(path)}: {rule}"
        for path in files()
        if path.suffix in {".py", ".md"} and path.is_relative_to(ROOT / "src")
        for rule in re.findall(r"\bR[1-9]\d*\b", path.read_text())
        if rule not in RULES
    }
    assert named == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("folder", ["adr", "explanation", "how-to", "reference", "tutorial"])
def test_the_index_lists_every_page(folder: str) -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = [path for path in PAGES if path.parent == ROOT / "docs" / folder]
    assert pages
    assert [path.name for path in pages if f"{folder}/{path.name}" not in index] == []


def test_decisions_are_numbered_without_repetition() -> None:
    decisions = sorted(path for path in PAGES if path.parent == ROOT / "docs" / "adr")
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        assert path.read_text().startswith(f"# {path.name[:4]} · "), name(path)
        assert "\nStatus: " in path.read_text(), name(path)
