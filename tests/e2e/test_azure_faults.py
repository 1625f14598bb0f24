"""The command over a pool that is lost, busy, paused or away at every moment: whatever happens, nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.process import SyncProcess
from tests.e2e.azure import AzureWarehouse
from tests.e2e.project import Project
from tests.e2e.waiting import until
from tests.servers.azure import Pool
from tests.servers.azure.server import Faults

from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

ROWS = 40
NAMES = {str(number): "old" for number in range(1, ROWS + 1)}
IN_FLIGHT = 2 * 5
"""Concurrency and batch of the project: what one interruption may send again."""
MOVED = "INSERT INTO [__segment_reverse_etl].[records_people"


@pytest.fixture
def shop(azure_pool: Pool, tmp_path: Path, receiver: Receiver) -> Project:
    """A project whose source does not wait for a pool that is away."""
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver, source={"retry_for": 0})
    project.many(ROWS)
    return project


def run(shop: Project) -> str | None:
    """One command; the code of the error by which it or its sync ended."""
    code, document = shop.cli("sync")
    errors = [each["error"] for each in document.get("syncs", [document]) if each["error"]]
    assert (code == 0) == (not errors), document
    return errors[0]["code"] if errors else None


def goes_on(shop: Project) -> None:
    """The next run finishes what was interrupted: all is there, hardly anything went twice, nothing is left to do."""
    assert {document.status for document in shop.syncs()} == {"success"}
    assert shop.names == NAMES
    assert shop.receiver.stats()["arrived"] <= ROWS + IN_FLIGHT
    assert {row[1:] for row in shop.records()} == {(True, False)}
    assert shop.plan().counts.planned == 0


FAULTS: dict[str, Callable[[Faults], object]] = {
    "lost in the plan's statement": lambda faults: faults.drop("AS keyed", at="during"),
    "lost when the plan was made, before the answer": lambda faults: faults.drop("AS keyed", at="after"),
    "lost while a unit is read": lambda faults: faults.drop("AS [_seq]", at="rows", rows=3),
    "lost before a commit": lambda faults: faults.drop("COMMIT", at="before"),
    "lost after a commit, before the answer": lambda faults: faults.drop("COMMIT", at="after"),
    "lost as records become state": lambda faults: faults.drop(MOVED, at="after"),
    "deadlock in the commit": lambda faults: faults.fail(1205, containing=MOVED),
    "service error in the plan": lambda faults: faults.fail(40197, containing="AS keyed"),
    "throttled in the plan": lambda faults: faults.fail(10928, containing="AS keyed"),
    "throttled in the commit": lambda faults: faults.fail(49918, containing=MOVED),
    "throttled at the login": lambda faults: faults.refuse_logins(10928, times=1),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_whatever_is_lost_the_next_sync_makes_good(shop: Project, azure_pool: Pool, fault: str) -> None:
    faults = azure_pool.server.faults
    FAULTS[fault](faults)
    error = run(shop)
    assert error is None or error.startswith("source_")
    assert faults.waiting() == 0, "nothing met the fault"
    goes_on(shop)


def test_a_commit_that_deadlocks_over_changes_makes_good(shop: Project, azure_pool: Pool) -> None:
    assert run(shop) is None
    shop.data("UPDATE people SET name = 'new' WHERE id <= 20", "DELETE FROM people WHERE id > 30")
    azure_pool.server.faults.fail(1205, containing="DELETE FROM [__segment_reverse_etl].[records_people")
    assert run(shop) in (None, "source_conflict")
    assert azure_pool.server.faults.waiting() == 0
    assert run(shop) is None
    assert shop.names == {str(number): "new" if number <= 20 else "old" for number in range(1, 31)}
    assert shop.receiver.stats()["arrived"] <= ROWS + 30 + IN_FLIGHT
    assert {row[0] for row in shop.records()} == set(shop.names)


def test_two_query_slots_are_enough(shop: Project, azure_pool: Pool) -> None:
    azure_pool.server.faults.slots(2)
    assert run(shop) is None
    shop.data("UPDATE people SET name = 'new' WHERE id <= 20", "DELETE FROM people WHERE id > 30")
    assert run(shop) is None
    assert shop.names == {str(number): "new" if number <= 20 else "old" for number in range(1, 31)}


def in_mid_sync(shop: Project, moment: Callable[[], object], do: Callable[[], object]) -> str | None:
    """What `run` gives where this is done at that moment of it."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, shop)
        moment()
        do()
        return running.result()


def first_request(shop: Project) -> Callable[[], object]:
    """Wait until the receiver has met a request; all are answered slowly."""
    shop.receiver.fail(Fault(kind="latency", seconds=0.3))
    return lambda: until(lambda: shop.receiver.stats()["requests"])


MOMENTS: dict[str, Callable[[Project, Faults], Callable[[], object]]] = {
    "planning": lambda _, faults: faults.hold("AS keyed").reached,
    "sealing": lambda _, faults: faults.hold("COMMIT").reached,
    "sending": lambda shop, _: first_request(shop),
    "committing": lambda _, faults: faults.hold(MOVED).reached,
}


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_pool_paused_in_mid_sync_costs_nothing(shop: Project, azure_pool: Pool, moment: str) -> None:
    faults = azure_pool.server.faults
    error = in_mid_sync(shop, MOMENTS[moment](shop, faults), faults.pause)
    assert error in ("source_paused", "source_unavailable", "source_cancelled")
    assert run(shop) == "source_paused"
    faults.resume()
    goes_on(shop)


def test_a_pool_that_is_paused_before_a_sync_says_so(shop: Project, azure_pool: Pool) -> None:
    azure_pool.server.faults.pause()
    code, document = shop.cli("sync")
    assert code == 1
    assert document["error"]["code"] == "source_paused"
    assert "resume" in document["error"]["hint"]
    azure_pool.server.faults.resume()
    goes_on(shop)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_wait_for_a_pool_that_is_away(
    shop: Project, azure_pool: Pool, number: signal.Signals
) -> None:
    shop.source = {"retry_for": 3600}
    shop.write()
    azure_pool.server.faults.refuse_logins(42109)
    with SyncProcess(shop.folder) as process:
        assert process.says("trying again in 5 s")
        process.signal(number)
        assert process.join() == 130
    assert process.document is not None
    assert process.document["error"]["code"] == "cancelled"
    assert "warming up" in process.document["error"]["message"]
    azure_pool.server.faults.clear()
    goes_on(shop)


def test_a_login_that_is_refused_is_waited_for_once(shop: Project) -> None:
    """The look for an interrupted sync, whose plan needs no model, does not wait again."""
    shop.source = {"database": "nowhere", "retry_for": 6}
    shop.write()
    with SyncProcess(shop.folder) as process:
        assert process.join() == 1
    assert sum("trying again" in line for line in process.said) == 1


def test_one_signal_while_a_pool_is_away_leaves_what_was_interrupted_alone(
    shop: Project, azure_pool: Pool
) -> None:
    faults = azure_pool.server.faults
    faults.drop("AS [_seq]")
    assert run(shop) is not None
    faults.refuse_logins(42109, times=1)
    shop.source = {"retry_for": 3600}
    shop.write()
    with SyncProcess(shop.folder) as process:
        assert process.says("trying again in 5 s")
        process.signal(signal.SIGINT)
        assert process.join() == 130
    assert process.document is not None
    assert process.document["error"]["code"] == "cancelled"
    assert shop.receiver.stats()["arrived"] == 0
    goes_on(shop)


def test_one_signal_ends_the_wait_for_a_pool_that_went_away_in_mid_sync(
    shop: Project, azure_pool: Pool
) -> None:
    shop.source = {"retry_for": 3600}
    shop.write()
    faults = azure_pool.server.faults
    held = faults.hold("AS [_seq]")
    with SyncProcess(shop.folder) as process:
        held.reached()
        faults.refuse_logins(10928)
        for session in azure_pool.sessions():
            azure_pool.sql(f"KILL 'SID{session['id']}'")
        assert process.says("trying again in 5 s")
        process.signal(signal.SIGINT)
        assert process.join() == 130
    assert process.document is not None
    assert process.document["syncs"][0]["status"] == "interrupted"
    faults.clear()
    goes_on(shop)


def test_tokens_that_end_in_mid_sync_cost_nothing(
    shop: Project, azure_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure_pool.environment().items():
        monkeypatch.setenv(name, value)
    azure_pool.sql("CREATE USER [tailrace-app] FROM EXTERNAL PROVIDER")
    azure_pool.sql("EXEC sp_addrolemember 'db_owner', 'tailrace-app'")
    settings: dict[str, Any] = {"type": "azure", **azure_pool.entra_settings()}
    monkeypatch.setattr(shop.warehouse, "settings", lambda: settings)
    faults = azure_pool.server.faults

    def expire() -> None:
        faults.expire_tokens()
        for session in azure_pool.sessions():  # a connection that is open outlives its token
            azure_pool.sql(f"KILL 'SID{session['id']}'")

    assert in_mid_sync(shop, first_request(shop), expire) is None
    assert azure_pool.server.tokens_given() > 1
    goes_on(shop)
