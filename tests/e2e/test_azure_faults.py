"""A sync over a pool that is lost, paused or away at every moment: whatever happens, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.azure import AzureWarehouse
from tests.e2e.project import Project, first_answer, sending
from tests.servers.azure import Pool
from tests.servers.azure.server import Faults

from tailrace.runtime.events import Event
from tailrace.testing.receiver import Receiver

ROWS = 40
NAMES = {str(number): "old" for number in range(1, ROWS + 1)}


@pytest.fixture
def shop(azure_pool: Pool, tmp_path: Path, receiver: Receiver) -> Project:
    """A project whose source does not wait for a pool that is away."""
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver, source={"retry_for": 0})
    project.many(ROWS)
    return project


FAULTS: dict[str, Callable[[Faults], object]] = {
    "lost in the plan's statement": lambda faults: faults.drop("AS keyed", at="during"),
    "lost when the plan was made, before the answer": lambda faults: faults.drop("AS keyed", at="after"),
    "lost while a unit is read": lambda faults: faults.drop("ORDER BY seq", at="rows", rows=3),
    "lost before a commit": lambda faults: faults.drop("COMMIT", at="before"),
    "lost after a commit, before the answer": lambda faults: faults.drop("COMMIT", at="after"),
    "deadlock in the commit": lambda faults: faults.fail(1205, containing="records_people"),
    "service error in the plan": lambda faults: faults.fail(40197, containing="AS keyed"),
}


def goes_on(shop: Project) -> None:
    """The next run, which may finish an interrupted sync first."""
    assert {document.status for document in shop.syncs()} == {"success"}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_whatever_is_lost_the_next_sync_makes_good(shop: Project, azure_pool: Pool, fault: str) -> None:
    faults = azure_pool.server.faults
    FAULTS[fault](faults)
    document = shop.sync()
    assert document.status in ("success", "failed", "interrupted")
    assert document.error is None or document.error.code.startswith("source_")
    faults.clear()
    goes_on(shop)
    assert shop.names == NAMES
    assert shop.ok().counts.planned == 0
    assert {row[1] for row in shop.records()} == {True}


@pytest.mark.parametrize("moment", [sending, first_answer])
def test_a_pool_paused_in_mid_sync_costs_nothing(
    shop: Project, azure_pool: Pool, moment: Callable[[Event], bool]
) -> None:
    paused = False

    def pause(event: Event) -> None:
        nonlocal paused
        if moment(event) and not paused:
            paused = True
            azure_pool.server.faults.pause()

    document = shop.sync(watch=pause)
    assert document.status in ("failed", "interrupted")
    assert document.error is not None
    assert document.error.code in ("source_paused", "source_unavailable", "source_cancelled")
    azure_pool.server.faults.resume()
    shop.state("UPDATE {checkpoints} SET lease_until = now() - INTERVAL '2 hours'")  # it could not be let go
    goes_on(shop)
    assert shop.names == NAMES
    assert shop.ok().counts.planned == 0


def test_a_pool_that_is_paused_before_a_sync_says_so(shop: Project, azure_pool: Pool) -> None:
    azure_pool.server.faults.pause()
    code, document = shop.cli("sync")
    assert code == 1
    assert document["error"]["code"] == "source_paused"
    assert "resume" in document["error"]["hint"]
    azure_pool.server.faults.resume()
    goes_on(shop)
    assert shop.names == NAMES


def test_tokens_that_end_in_mid_sync_cost_nothing(
    shop: Project, azure_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure_pool.environment().items():
        monkeypatch.setenv(name, value)
    azure_pool.sql("CREATE USER [tailrace-app] FROM EXTERNAL PROVIDER")
    azure_pool.sql("EXEC sp_addrolemember 'db_owner', 'tailrace-app'")
    warehouse = shop.warehouse
    assert isinstance(warehouse, AzureWarehouse)
    monkeypatch.setattr(warehouse, "settings", lambda: {"type": "azure", **azure_pool.entra_settings()})

    def expire(event: Event) -> None:
        if sending(event):
            azure_pool.server.faults.expire_tokens()

    assert shop.sync(watch=expire).status == "success"
    assert shop.names == NAMES
