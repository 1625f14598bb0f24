"""Every statement of whole syncs, as BigQuery gets them: a change of any is seen in review.

TAILRACE_UPDATE_SNAPSHOTS=1 writes them anew, TAILRACE_WRITE_SNAPSHOTS=1 the page that shows one sync.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.bigquery import BigQueryWarehouse
from tests.e2e.project import Project
from tests.e2e.whole_sync import BEGIN, CLEANUP, MOVES, PLAN, READ, Purpose, check_page
from tests.servers.bigquery import BigQueryServer, Dataset

from tailrace.ids import state_id
from tailrace.testing.receiver import Receiver

_NAMES = {"first": "the first", "changes": "one with changes", "nothing": "one without changes"}
FOLDER = Path(__file__).parent / "bigquery_sql"


_RENEWAL = re.compile(
    r"UPDATE \S+checkpoints_\S+ SET `lease_until` = .*? INTERVAL \d+ MICROSECOND\) WHERE owner = .*"
)
"""Comes from a thread of its own, whenever it is due."""


@pytest.fixture(scope="module")
def dataset(bigquery: BigQueryServer) -> Iterator[Dataset]:
    with pytest.MonkeyPatch.context() as patch, bigquery.dataset() as made:
        for name, value in bigquery.environment().items():
            patch.setenv(name, value)
        yield made


HEAD = """# The SQL of one sync on BigQuery

What Tailrace runs in the second sync of a small mapping: one record added, one updated, one deleted. Recorded from the
stand-in; names and values that differ from run to run are words in capitals. Each statement is a job of its own, those
of a transaction in one session. Lists of datasets, tables and columns come from free calls of the API, records from the
Storage Read API; both are no SQL.
"""
OWN = (
    Purpose(
        BEGIN,
        "Opens the session in which this sync will have its transactions: whoever takes the fence next ends it (R3).",
        r"SELECT 1 AS one$",
    ),
    Purpose(
        PLAN,
        "Model and state joined once, in a temporary table (R5). Of the state no value is read, only the digest of"
        " them (R13).",
        r"CREATE OR REPLACE TEMP TABLE judged_",
    ),
    Purpose(PLAN, "The temporary table goes with the session that held it.", r"CALL BQ\.ABORT_SESSION"),
    Purpose(PLAN, "A plan that is whole stays until it is used up.", r"ALTER TABLE \S*changes_"),
    Purpose(PLAN, "Deletions, where there are any, carry what was delivered last.", r"UPDATE \S*changes_"),
    Purpose(
        READ,
        "A unit's records (R10), in a table that the Storage Read API streams; they are put in order when they have come.",
        r"CREATE TABLE \S*tailrace_read_",
    ),
    Purpose(MOVES, "Was any record refused before?", r"SELECT 1 AS one FROM \S*rejections_\w+ LIMIT"),
    Purpose(
        CLEANUP,
        "Rows that count no more are taken out when they are more than a fifth of the records (R28).",
        r"SELECT count\(\*\) FROM \S*records_\w+$|DELETE FROM \S*records_\w+ AS r WHERE NOT EXISTS",
    ),
)


@dataclass(frozen=True)
class Run:
    """What one sync ran, and what that billed."""

    statements: str
    jobs: int
    queries: int
    billed: int


@pytest.fixture(scope="module")
def listed(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The statements of a first sync, of one with changes, and of one without."""
    with Receiver() as receiver:
        folder = tmp_path_factory.mktemp("project")
        project = Project(folder, BigQueryWarehouse(dataset), receiver)
        project.people((1, "Ada"), (2, "Bob"), (3, "Cid"))
        seen: dict[str, Run] = {}
        for name in ("first", "changes", "nothing"):
            if name == "changes":
                project.data("UPDATE people SET name = 'Bea' WHERE id = 2", "DELETE FROM people WHERE id = 3")
                project.data("INSERT INTO people VALUES (4, 'Dee')")
            before = len(dataset.jobs)
            project.ok()
            jobs = dataset.jobs[before:]
            text = _shown(jobs, dataset.project, state_id("shop", None, "people"))
            billed = [job["billed"] for job in jobs if job["billed"]]
            seen[name] = Run(text, text.count("-- "), len(billed), sum(billed))
        return seen


def _shown(jobs: list[dict[str, object]], project: str, mapping: str) -> str:
    """The jobs' statements in order, with what is new in every run taken out."""
    parts = []
    for job in jobs:
        if _RENEWAL.fullmatch(str(job["statement"])) and not job["session"]:
            continue
        text = str(job["statement"]).replace(project, "project").replace(mapping, "ID")
        where = " in a session" if job["session"] else ""
        dry = ", dry run" if job["dry"] else ""
        parts.append(f"-- {job['kind']}{where}{dry}\n{_settled(text)};\n")
    return "\n".join(parts)


def _settled(text: str) -> str:
    for pattern, shown in (
        (r"'\{\"host\".*?\}'", "'HOLDER'"),
        (r"\b[0-9a-f]{32,64}\b", "DIGEST"),
        (r"tailrace_(read|upload)_[0-9a-f]+", r"tailrace_\1_RANDOM"),
        (r"'\{[^']*\}'", "'DOCUMENT'"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?", "MOMENT"),
        (r"'\d{8}-\d{6}-[0-9a-f]+'", "'SYNC'"),
        (r"(?<=ABORT_SESSION\(')[^']+", "SESSION"),
        (r"BETWEEN \d+ AND \d+", "BETWEEN FIRST AND LAST"),
        (r"\b\d{13,}\b", "POSITION"),
    ):
        text = re.sub(pattern, shown, text)
    return text


@pytest.mark.parametrize("name", ["first", "changes", "nothing"])
def test_the_statements_of_a_sync_are_those_that_were_reviewed(listed: dict[str, Run], name: str) -> None:
    path = FOLDER / f"{name}.sql"
    if os.environ.get("TAILRACE_UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(listed[name].statements)
    assert listed[name].statements == path.read_text(), "TAILRACE_UPDATE_SNAPSHOTS=1 writes them anew"


def statements_of(run: Run) -> list[str]:
    """As in the snapshot, without what it says above each."""
    return [part.partition("\n")[2].rstrip().removesuffix(";") for part in run.statements.split("-- ")[1:]]


def test_the_page_shows_the_sql_of_one_whole_sync(listed: dict[str, Run]) -> None:
    check_page("sql-bigquery.md", HEAD, statements_of(listed["changes"]), OWN)


_OF_STATE = re.compile(r"\(SELECT (rows_of\.[^()]*?), row_number\(\) OVER \([^()]*\) AS record_age FROM")


@pytest.mark.parametrize("name", ["changes", "nothing"])
def test_r13_a_plan_reads_no_value_of_the_state_but_those_of_deletions(
    listed: dict[str, Run], name: str
) -> None:
    """What is not named is not read, and not billed: https://cloud.google.com/bigquery/docs/estimate-costs."""
    plan = [
        each for each in statements_of(listed[name]) if "judged_" in each or "UPDATE" in each.split("SET")[0]
    ]
    read = {
        column.removeprefix("rows_of.").strip("`")
        for statement in plan
        for columns in _OF_STATE.findall(statement)
        for column in columns.split(", ")
    }
    compared = {
        "record_id",
        "delivered",
        "uncertain",
        "baseline",
        "record_level_id",
        "digest",
        "record_removed",
    }
    assert read == compared | ({"id", "name"} if name == "changes" else set())


def test_tables_are_clustered_and_expire_or_stay_as_each_must(listed: dict[str, Run]) -> None:
    made = [each for each in statements_of(listed["first"]) if each.startswith("CREATE TABLE")]
    kept = [each for each in made if not re.search(r"`(changes_|tailrace_read_)", each.splitlines()[0])]
    statements = statements_of(listed["first"])
    assert len(kept) == 6
    for each in kept:
        table = each.split()[2]
        assert "INTERVAL 3650 DAY" in each, "lest the default of the dataset ends the state"
        assert f"ALTER TABLE {table} SET OPTIONS (expiration_timestamp = NULL)" in statements
    (records,) = (each for each in kept if "`records_" in each)
    assert "CLUSTER BY record_id OPTIONS" in records
    (changes,) = (each for each in made if "`changes_" in each.splitlines()[0])
    assert "CLUSTER BY bucket, seq OPTIONS" in changes
    assert "INTERVAL 14 DAY" in changes
    (carrier,) = (each for each in made if "`tailrace_read_" in each)
    assert "INTERVAL 1 DAY" in carrier


def test_what_a_sync_bills_is_what_the_documentation_says(listed: dict[str, Run]) -> None:
    """Counted by the stand-in, which bills as https://cloud.google.com/bigquery/pricing says: at least 10 MB a table."""
    text = (Path(__file__).parents[3] / "docs/how-to/connect-bigquery.md").read_text()
    rows = re.findall(r"\| (.+?) \| (\d+) \| (\d+) \| (\d+) MiB \|", text)
    said = {name: tuple(map(int, numbers)) for name, *numbers in rows}
    found = {_NAMES[name]: (run.jobs, run.queries, run.billed // 2**20) for name, run in listed.items()}
    assert found == said
