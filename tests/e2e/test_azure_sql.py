"""The T-SQL of one whole sync, as it stands in the documentation: a change of it shows up in review.

Set TAILRACE_WRITE_SNAPSHOTS=1 to write the page anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.e2e.azure import AzureWarehouse
from tests.e2e.project import Project
from tests.servers.azure import Pool

from tailrace.testing.receiver import Receiver

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "azure-sql.md"
HEAD = """# The T-SQL of one sync

What Tailrace runs on a dedicated SQL pool in the second sync of a small mapping: one record added, one updated, one
deleted. Recorded from the stand-in, in order, from all sessions; repeated look-ups and the settings of each session
are shown once. Every statement that can have one carries `OPTION (LABEL = N'tailrace')`, left out here.

```sql
"""
_CHANGING = (
    (r"\bN'[0-9a-f]{32}'", "N'<owner>'"),
    (r"\bN'\{\"store\".*?\}'", "N'<holder>'"),
    (r"\bN'\d{8}-\d{6}-[0-9a-f]{6}'", "N'<sync>'"),
    (r"\bN'\{(?:[^']|'')*\}'", "N'{…}'"),
    (r"\bN'\[\{(?:[^']|'')*\]'", "N'[…]'"),
    (r"CAST\('\d{4}-[^']*' AS DATETIMEOFFSET\(6\)\)", "CAST('<time>' AS DATETIMEOFFSET(6))"),
    (r"\bN'(webhook:)?[0-9a-f]{64}'", r"N'\1<digest>'"),
    (r"N'SID\d+'", "N'<session>'"),
    (r"\n?OPTION \(LABEL = N'tailrace'\)", ""),
    (r"people_[0-9a-f]{8}", "people_601c14c3"),
)


def recorded(statements: list[str]) -> str:
    """Each statement once, with what differs from run to run taken out."""
    seen: list[str] = []
    for statement in statements:
        for pattern, shown in _CHANGING:
            statement = re.sub(pattern, shown, statement, flags=re.DOTALL)
        if statement not in seen or statement.endswith("TRANSACTION"):
            seen.append(statement)
    return ";\n\n".join(seen) + ";\n"


def test_the_page_shows_the_sql_of_one_whole_sync(
    azure_pool: Pool, tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver)
    project.people((1, "a"), (2, "b"), (3, "c"))
    project.ok()
    project.data("UPDATE people SET name = 'new' WHERE id = 2", "DELETE FROM people WHERE id = 3")
    project.data("INSERT INTO people VALUES (4, 'd')")
    azure_pool.forget_statements()
    counts = project.ok().counts
    assert (counts.added, counts.updated, counts.deleted) == (1, 1, 1)
    page = HEAD + recorded(azure_pool.statements) + "```\n"
    if os.environ.get("TAILRACE_WRITE_SNAPSHOTS"):
        PAGE.write_text(page)
    assert set(page.split(";\n\n")) == set(PAGE.read_text().split(";\n\n"))
