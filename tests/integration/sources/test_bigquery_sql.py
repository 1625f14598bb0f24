"""Every statement of whole syncs, as BigQuery gets them: a change of any is seen in review.

TAILRACE_UPDATE_SNAPSHOTS=1 writes them anew.
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


@dataclass(frozen=True)
class Run:
    """What one sync ran, and what that billed."""

    statements: str
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
            before = len(dataset.jobs)
            project.ok()
            jobs = dataset.jobs[before:]
            text = _shown(jobs, dataset.project, state_id("shop", None, "people"))
            billed = [job["billed"] for job in jobs if job["billed"]]
            seen[name] = Run(text, len(billed), sum(billed))
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


def test_what_a_sync_bills_is_what_the_documentation_says(listed: dict[str, Run]) -> None:
    """Counted by the stand-in, which bills as https://cloud.google.com/bigquery/pricing says: at least 10 MB a table."""
    text = (Path(__file__).parents[3] / "docs/how-to/connect-bigquery.md").read_text()
    for name, run in listed.items():
        said = re.search(rf"\| {_NAMES[name]} \| (\d+) \| (\d+) MiB \|", text)
        assert said is not None, run
        assert (run.queries, run.billed // 2**20) == (int(said[1]), int(said[2])), name
