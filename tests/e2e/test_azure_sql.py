"""The T-SQL of one whole sync, as it stands in the documentation: a change of it shows up in review."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.azure import AzureWarehouse
from tests.e2e.project import Project
from tests.e2e.whole_sync import BEGIN, PLAN, Purpose, changes_once, check_page
from tests.servers.azure import Pool

from tailrace.testing.receiver import Receiver

HEAD = """# The T-SQL of one sync

What Tailrace runs on a dedicated SQL pool in the second sync of a small mapping: one record added, one updated, one
deleted. Recorded from the stand-in, from all sessions; what is repeated is shown once, where it is first needed. Every
statement that can have one carries `OPTION (LABEL = N'tailrace')`, left out here.
"""
LABEL = "\nOPTION (LABEL = N'tailrace')"
OWN = (
    Purpose(
        BEGIN,
        "Each connection: is it a dedicated pool? Pin its settings.",
        r"SELECT CAST\(SERVERPROPERTY|SET ",
    ),
    Purpose(BEGIN, "The model's columns and their types, without running it.", r"SELECT TOP \(0\)"),
    Purpose(
        BEGIN,
        "The managed schema and its tables, with our mark.",
        r"SELECT name FROM sys|SELECT o\.name, c\.name",
    ),
    Purpose(BEGIN, "The columns of a table of ours.", r"SELECT c\.name, CASE"),
    Purpose(PLAN, "This session's id, for who takes over.", r"SELECT session_id"),
    Purpose(
        PLAN,
        "The model's one evaluation, joined to the records where both are distributed by the key (R5, R6).",
        r"(IF OBJECT_ID.*DROP TABLE|CREATE TABLE) #judged_",
    ),
    Purpose(PLAN, "Statistics, by which units are read.", r"CREATE STATISTICS"),
    Purpose(
        PLAN, "Are reads dirty? Then deletes are looked at twice (R5).", r"SELECT CAST\(is_read_committed"
    ),
)


LOGINS = 3
"""The sessions of one sync follow each other; one stream is read beside them, and the lease is renewed beside it."""


def sessions_so_far(pool: Pool) -> int:
    ((number,),) = pool.sql("SELECT SESSION_ID() AS s")
    return int(str(number).removeprefix("SID"))


def test_the_page_shows_the_sql_of_one_whole_sync(
    azure_pool: Pool, tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver)
    changes_once(project)
    azure_pool.forget_statements()
    before = sessions_so_far(azure_pool)
    counts = project.ok().counts
    assert sessions_so_far(azure_pool) - before - 1 <= LOGINS
    assert (counts.added, counts.updated, counts.deleted) == (1, 1, 1)
    check_page("sql-azure.md", HEAD, [each.replace(LABEL, "") for each in azure_pool.statements], OWN)
