"""The reference page names every filter, function and type, as they are."""

from __future__ import annotations

from pathlib import Path

from tailrace.mapping.allowed import FUNCTIONS, TYPES
from tailrace.mapping.functions import FILTERS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")


def test_every_filter_is_documented_with_its_help_and_example():
    for filter_ in FILTERS.values():
        if filter_.alias_of is None:
            cells = [
                f"`{filter_.signature}`",
                filter_.help,
                f"`{filter_.example[0]}`",
                f"`{filter_.example[1]}`",
            ]
            assert "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" in PAGE
        else:
            assert f"`{filter_.name}` (`{filter_.alias_of}`)" in PAGE


def test_every_function_and_type_is_documented():
    section = PAGE[PAGE.index("### Functions") :]
    operators = set(
        section[section.index("### Operators") : section.index("### Types")].replace("`", "").split()
    )
    for name in FUNCTIONS:
        assert f"`{name}`" in section or name in operators, name
    for name in TYPES:
        assert f"`{name}`" in section
