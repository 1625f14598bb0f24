"""The page of a warehouse that shows the SQL of one whole sync: each statement under what it is for.

A statement that no purpose claims is an error, and so is a purpose of its own that no statement has.
Set TAILRACE_WRITE_SNAPSHOTS=1 to write it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.e2e.project import Project

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
BEGIN, PLAN, READ = "Begin", "Plan", "Read a unit"
COMMIT, MOVES, LOG, CLEANUP = "Commit what was acknowledged", "Move the rows", "Log", "Clean up"
_CHAPTERS = (BEGIN, PLAN, READ, COMMIT, MOVES, LOG, CLEANUP)
_QUOTES = re.compile(r"[\[\]\"`]")
_OPENS = re.compile(r"BEGIN( TRANSACTION)?$")
_CLOSES = re.compile(r"COMMIT( TRANSACTION)?$")
_CHANGING = (
    (r"'[0-9a-f]{32}'", "'<owner>'"),
    (r"'\{\"store\".*?\}'", "'<holder>'"),
    (r"'\d{8}-\d{6}-[0-9a-f]{6}'", "'<sync>'"),
    (r"'\{(?:[^']|'')*\}'", "'{…}'"),
    (r"'\[\{(?:[^']|'')*\]'", "'[…]'"),
    (r"'20\d\d-\d\d-\d\d[ T]\d[^']*'", "'<time>'"),
    (r"'(webhook:)?[0-9a-f]{64}'", r"'\1<digest>'"),
    (r"people_[0-9a-f]{8}", "people_601c14c3"),
)


class Purpose(NamedTuple):
    """What statements are for, and the beginning of theirs: without quotes, with single blanks."""

    chapter: str
    text: str
    pattern: str


COMMON = (
    Purpose(BEGIN, "Is the schema ours, and of a layout that we know?", r"SELECT owner, layout FROM"),
    Purpose(BEGIN, "Where the mapping stands: its checkpoint.", r"SELECT source_id, .*checkpoints_"),
    Purpose(
        BEGIN,
        "Take the fence by compare-and-set, with a lease in the warehouse's time (R1, R2).",
        r"UPDATE \S*checkpoints_\w+ SET owner = N?'",
    ),
    Purpose(
        BEGIN, "Is it ours now, and what did an interrupted sync leave?", r"SELECT plan_table, .*columns"
    ),
    Purpose(
        BEGIN,
        "Are all records there that the checkpoint counts (R26)?",
        r"SELECT count\(\*\), .*FROM \S*records_",
    ),
    Purpose(BEGIN, "Is a record quarantined (R23)?", r"SELECT .*rejections_\w+ WHERE attempts"),
    Purpose(
        PLAN,
        "Name the running job, which a later owner ends first (R3), and renew the lease.",
        r"UPDATE \S*checkpoints_\w+ SET lease_until = (?!NULL).*, job = (?!.*phase = )",
    ),
    Purpose(
        PLAN,
        "The plan: changes in the order of sending, and what is only counted (R5, R10).",
        r"CREATE .*changes_",
    ),
    Purpose(PLAN, "What the plan comes to, by operation (R32).", r"SELECT operation, reason, count"),
    Purpose(
        PLAN,
        "What the guards measure deletes against (R30), and what was approved (R31).",
        r"SELECT .*sync_log WHERE",
    ),
    Purpose(PLAN, "Cut the plan into units of work, by counting (R10).", r"SELECT min\(c\.seq\)"),
    Purpose(
        PLAN,
        "Seal the plan, in one transaction that begins with the fence: whoever takes the fence next, sends it (R2, R4).",
        r"UPDATE \S*checkpoints_\w+ SET lease_until = (?!NULL|.*, job = |.*phase = N?'idle)"
        r"|SELECT phase, plan_table FROM|DELETE FROM \S*progress_\w+ WHERE 1 = 1|INSERT INTO \S*progress_.*N?'unit'",
    ),
    Purpose(
        READ,
        "A unit's records by one query; they are put in order when they have come (R10).",
        r"SELECT p\.seq AS _seq",
    ),
    Purpose(
        COMMIT,
        "The ranges that were answered, and each record in them that was not delivered (R25, R26).",
        r"INSERT INTO \S*progress_.*N?'resolved'",
    ),
    Purpose(
        MOVES, "What is acknowledged, and of that not delivered.", r"SELECT .*progress_\w+ WHERE plan_table"
    ),
    Purpose(
        MOVES,
        "Is the fence still ours, and the plan the sealed one?",
        r"SELECT (1|phase, .*) FROM \S*checkpoints_",
    ),
    Purpose(
        MOVES, "How many rows move: more than a transaction holds go in parts.", r"SELECT c\.bucket, count"
    ),
    Purpose(MOVES, "What moves without having been sent (R8, R14).", r"SELECT DISTINCT c\.operation"),
    Purpose(
        MOVES,
        "The rows of records that were delivered, and of those that count as known, replace the old (R8, R21).",
        r"(INSERT INTO|DELETE FROM|UPDATE) \S*records_",
    ),
    Purpose(
        MOVES,
        "Quarantine, and progress that is used up.",
        r"SELECT .*rejections_\w+$|DELETE FROM \S*progress_\w+ WHERE kind",
    ),
    Purpose(
        LOG,
        "One row for the sync, and the checkpoint moves: state has followed proof.",
        r"INSERT INTO \S*sync_log|SELECT project, mapping FROM|UPDATE \S*checkpoints_.* phase = N?'idle'",
    ),
    Purpose(CLEANUP, "The plan is used up.", r".*\bDROP TABLE (IF EXISTS )?\S*changes_"),
    Purpose(CLEANUP, "Let go of the lease.", r"UPDATE \S*checkpoints_\w+ SET lease_until = NULL"),
)


def changes_once(project: Project) -> None:
    """A first sync, and changes for a second: one record added, one updated, one deleted."""
    project.people((1, "a"), (2, "b"), (3, "c"))
    project.ok()
    project.data("UPDATE people SET name = 'new' WHERE id = 2", "DELETE FROM people WHERE id = 3")
    project.data("INSERT INTO people VALUES (4, 'd')")


def check_page(name: str, head: str, statements: Sequence[str], own: Sequence[Purpose]) -> None:
    """Hold docs/reference/<name> to these statements; `own` purposes go before the common ones of a chapter."""
    found = _by_purpose(statements, (*own, *COMMON))
    unused = [purpose.text for purpose in own if purpose not in found]
    assert not unused, f"no statement is for {unused}"
    page = head + "".join(_chapters(found))
    path = REFERENCE / name
    if os.environ.get("TAILRACE_WRITE_SNAPSHOTS"):
        path.write_text(page)
    assert _pieces(page) == _pieces(path.read_text())


def _by_purpose(statements: Sequence[str], purposes: Sequence[Purpose]) -> dict[Purpose, list[str]]:
    """In the order of time; a transaction's begin and end stand with what they enclose."""
    found: dict[Purpose, list[str]] = {}
    seen: set[str] = set()
    opening: list[str] = []
    sql: list[str] = []
    for statement in map(shown, statements):
        if _OPENS.match(statement):
            opening = [statement]
        elif _CLOSES.match(statement):
            if not opening:  # else nothing in it was new
                sql.append(statement)
            opening = []
        elif statement not in seen:
            seen.add(statement)
            sql = found.setdefault(_purpose(statement, purposes), [])
            sql += [*opening, statement]
            opening = []
    return found


def _chapters(found: dict[Purpose, list[str]]) -> Iterator[str]:
    for chapter in _CHAPTERS:
        yield f"\n## {chapter}\n"
        for purpose, sql in found.items():
            if purpose.chapter == chapter:
                yield f"\n{purpose.text}\n\n```sql\n" + ";\n\n".join(sql) + ";\n```\n"


def _purpose(statement: str, purposes: Sequence[Purpose]) -> Purpose:
    words = " ".join(_QUOTES.sub("", statement).split())
    for purpose in purposes:
        if re.match(purpose.pattern, words, re.IGNORECASE):
            return purpose
    raise AssertionError(f"nothing says what this is for: {words[:500]}")


def shown(statement: str) -> str:
    """A statement without what differs from run to run."""
    for pattern, instead in _CHANGING:
        statement = re.sub(pattern, instead, statement, flags=re.DOTALL)
    return statement.strip()


def _pieces(page: str) -> set[str]:
    """Paragraphs and statements: in which order threads ran them may differ."""
    return set(re.split(r";?\n\n|;\n```", page))


__all__ = [
    "BEGIN",
    "CLEANUP",
    "COMMIT",
    "LOG",
    "MOVES",
    "PLAN",
    "READ",
    "Purpose",
    "changes_once",
    "check_page",
]
