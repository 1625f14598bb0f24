"""Db2's SQL of one whole sync, as it stands in the documentation: a change of it shows up in review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project
from tests.e2e.whole_sync import BEGIN, COMMIT, MOVES, PLAN, Purpose, changes_once, check_page
from tests.servers.db2 import Database, Db2Server

from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.state import plan_table
from tailrace.state.plan import PlanStatements, plan_statements
from tailrace.testing.receiver import Receiver

HEAD = """# Db2's SQL of one sync

What Tailrace runs on Db2 in the second sync of a small mapping: one record added, one updated, one deleted. Recorded from
the stand-in, from all sessions; what is repeated is shown once, where it is first needed. Statements from a change of the
checkpoint on, up to the next one, are one transaction; IBM's driver begins and ends it without a statement.

The plan stands here in both of its forms: as Db2 gets it, with FULL JOIN and window functions, and as it is written for an
engine without them, such as the stand-in's
([three forms of a plan](../adr/0013-three-forms-of-a-plan.md)). All else is the same.
"""
PING = "SELECT 1 FROM SYSIBM.SYSDUMMY1"
"""Asks whether a connection that was idle for a second is still alive: as time will have it."""

ANSWERED = "/* answered */ "
STAGE = r"(DECLARE GLOBAL TEMPORARY TABLE|INSERT INTO|DROP TABLE) SESSION\."
OWN = (
    Purpose(
        BEGIN, "Each connection: read what is committed, and wait for no lock without end.", r"SET CURRENT "
    ),
    Purpose(
        BEGIN,
        "The managed schema and its tables, with our mark.",
        r"SELECT .* FROM SYSCAT\.(SCHEMATA|TABLES)",
    ),
    Purpose(BEGIN, "The columns of a table of ours.", r"SELECT COLNAME AS"),
    Purpose(
        PLAN,
        "The plan as Db2 gets it: the columns of this query are described, a table of them is made, and filled by one "
        "statement that evaluates the model once (R5, R10).",
        r"WITH tailrace_judged AS",
    ),
    Purpose(
        PLAN,
        "Without full joins and windows: the model's one evaluation goes into a table of the session, rows are counted by "
        "key there, and joined to the records (R5, R6).",
        STAGE,
    ),
    Purpose(
        PLAN,
        "From there the plan: changes in the order of sending, and what is only counted (R10).",
        r"CREATE TABLE \S*CHANGES_|INSERT INTO \S*CHANGES_|COMMENT ON TABLE \S*CHANGES_",
    ),
    Purpose(
        COMMIT,
        "The ranges that were answered, and each record in them that was not delivered, as one array insert (R25-R27).",
        r"/\* answered",
    ),
    Purpose(
        PLAN,
        "Units of work and the first ceiling, as one array insert, before the seal.",
        r"INSERT INTO \S*PROGRESS_",
    ),
    Purpose(MOVES, "Is there a quarantine to settle (R23)?", r"SELECT 1 AS one FROM \S*REJECTIONS_\w+ FETCH"),
)


def test_the_page_shows_the_sql_of_one_whole_sync(
    db2: Db2Server,
    db2_database: Database,
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = Project(tmp_path, Db2Warehouse(db2_database), receiver)
    changes_once(project)
    db2.statements.clear()
    monkeypatch.setattr(plan_table, "plan_statements", both_forms(db2.statements))
    counts = project.ok().counts
    assert (counts.added, counts.updated, counts.deleted) == (1, 1, 1)
    sealed = next(at for at, each in enumerate(db2.statements) if "\"PHASE\" = 'planned'" in each)
    told = [
        ANSWERED + each if at > sealed and 'INTO "SEGMENT_REVERSE_ETL"."PROGRESS_' in each else each
        for at, each in enumerate(db2.statements)
        if each != PING
    ]
    check_page("sql-db2.md", HEAD, told, OWN)


def both_forms(recorded: list[str]) -> Any:
    """As `plan_statements`, and records what the plan would be on Db2."""

    def made(dialect: Db2Dialect, *request: Any) -> PlanStatements:
        full = plan_statements(Db2Dialect(lambda: True), *request)
        recorded.append(full.query)
        return plan_statements(dialect, *request)

    return made
