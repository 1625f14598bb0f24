"""Whatever kills a sync, and how often: the receiver ends with exactly the model, and hardly anything goes twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.blows import blows
from tests.chaos.campaign import BUSY, bound, check_counts, check_end, fight, first_sync
from tests.chaos.receiver import ReceiverProcess, receiver_process
from tests.chaos.shop import Shop
from tests.chaos.warehouses import DuckDBWarehouse, PostgresWarehouse

LONG = os.environ.get("CHAOS") == "long"
SEEDS = range(1, 4) if LONG else range(1, 2)
KILLS = 14 if LONG else 6

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture
def receiver() -> Iterator[ReceiverProcess]:
    with receiver_process() as process:
        yield process


@pytest.fixture(params=["duckdb", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    if request.param == "duckdb":
        return Shop(tmp_path, DuckDBWarehouse(tmp_path))
    return Shop(tmp_path, PostgresWarehouse(request.getfixturevalue("postgres_database")))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sync_that_is_killed_again_and_again_sends_only_what_was_in_flight_twice(
    shop: Shop, receiver: ReceiverProcess, seed: int
) -> None:
    first_sync(shop, receiver)
    shop.configure(receiver.url)
    receiver.fail({"kind": "latency", "seconds": 0.015})
    fought = fight(shop, receiver, blows(seed, KILLS))
    print(fought)
    check_end(shop, receiver)
    unknown = check_counts(shop, fought)
    assert 0 <= fought.resent <= bound(fought)
    assert sum(fought.accepted.values()) - 20_000 <= unknown
    # the bound can be missed, and the blows fell where it matters
    assert fought.kills >= KILLS - 1
    assert fought.while_sending >= (KILLS - 4) // 2
    assert fought.restart_would_resend > bound(fought)
    assert fought.seconds
    for code, document in fought.seconds:
        assert code == BUSY, document
