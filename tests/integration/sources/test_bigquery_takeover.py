"""No transaction is left open in a session of BigQuery's that no checkpoint names: nobody would end it (R3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.state.managed import OTHER, Managed, dead
from tests.servers.bigquery import BigQueryServer, Dataset, Fault

from tailrace.errors import FenceLost
from tailrace.sources.bigquery.source import BigQuerySource
from tailrace.state import lease
from tailrace.state.fence import write_fenced
from tailrace.state.names import StateNames


@pytest.fixture(scope="module")
def dataset(bigquery: BigQueryServer) -> Iterator[Dataset]:
    with bigquery.dataset() as made:
        yield made
    bigquery.clear_faults()


def mapping(dataset: Dataset, name: str) -> Managed:
    """A mapping as a sync of it opens it, in whatever process."""
    source: Any = BigQuerySource("shop", dataset.settings(), environ=dataset.server.environment())
    return Managed(source, StateNames(source.schema, f"{name}_12345678"))


def take_over(dataset: Dataset, name: str) -> None:
    """What another process does that finds the owner dead."""
    other = mapping(dataset, name)
    cancel = other.source.cancel
    with other.source.session() as session:
        taken = lease.take(
            *(session, other.dialect, other.names, OTHER, "the next one", 90, other.clock),
            http_timeout=30,
            is_dead=dead,
            undo=cancel,
        )
    assert taken.previous_job is not None
    cancel(taken.previous_job)


def transactions(dataset: Dataset) -> list[str]:
    """In which session each transaction of the project began, oldest first."""
    return [job["session"] for job in dataset.jobs if job["statement"] == "BEGIN TRANSACTION"]


def test_r3_taking_one_mapping_over_leaves_the_others_of_its_process_alone(dataset: Dataset) -> None:
    one, other = mapping(dataset, "one"), mapping(dataset, "other")
    for each in (one, other):
        each.set_up()
    lost, kept = one.take("one").fence, other.take("other").fence
    with other.source.session() as session:
        write_fenced(session, kept, lambda: take_over(dataset, "one"), attempts=1)
    with one.source.session() as session, pytest.raises(FenceLost):
        write_fenced(session, lost, lambda: None)


def test_r3_where_its_session_has_ended_a_sync_goes_on_in_one_that_its_checkpoint_names(
    dataset: Dataset,
) -> None:
    """It ends after a week, a day without use, or by whoever may end it."""
    held = mapping(dataset, "held")
    held.set_up()
    fence = held.take("held").fence
    job = held.checkpoint().job
    assert job is not None
    mapping(dataset, "any").source.cancel(job)
    with held.source.session() as session:
        write_fenced(session, fence, lambda: None)
    after = held.checkpoint().job
    assert after is not None
    assert after.attributes["session"] == transactions(dataset)[-1] != job.attributes["session"]


def test_a_transaction_whose_first_answer_was_a_failure_begins_again_where_it_was_to(
    dataset: Dataset,
) -> None:
    held = mapping(dataset, "again")
    held.set_up()
    fence = held.take("again").fence
    dataset.server.fail(Fault("job", reason="jobBackendError", statement="BEGIN"))
    with held.source.session() as session:
        write_fenced(session, fence, lambda: None)
    first, second = transactions(dataset)[-2:]
    assert first == second


def test_r2_whoever_is_taken_over_in_a_transaction_loses_the_fence(dataset: Dataset) -> None:
    held = mapping(dataset, "slow")
    held.set_up()
    fence = held.take("slow").fence
    with held.source.session() as session, pytest.raises(FenceLost):
        write_fenced(session, fence, lambda: take_over(dataset, "slow"))
