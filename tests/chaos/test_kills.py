"""Whatever kills a sync, and how often: the receiver ends with exactly the model, and hardly anything goes twice."""

from __future__ import annotations

import os
import shutil

import pytest
from tests.chaos.blows import blows, late_blows
from tests.chaos.campaign import BUSY, Fought, bound, check_counts, check_end, fight, first_sync
from tests.chaos.receiver import ReceiverProcess
from tests.chaos.shop import BATCH, CHANGES, CONCURRENCY, Shop

LONG = os.environ.get("CHAOS") == "long"
SEEDS = range(1, 4) if LONG else range(1, 2)
KILLS = 14 if LONG else 11
LATE_KILLS = 10
COMMIT_SECONDS = 0.5
LATENCY = 0.05
IN_A_COMMIT_INTERVAL = round(CONCURRENCY * BATCH * COMMIT_SECONDS / LATENCY)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.mark.parametrize("seed", SEEDS)
def test_only_what_was_in_flight_at_each_kill_is_sent_twice(
    shop: Shop, receiver: ReceiverProcess, seed: int
) -> None:
    first_sync(shop, receiver)
    shop.configure(receiver.url)
    receiver.fail({"kind": "latency", "seconds": 0.015})
    fought = fight(shop, receiver, blows(seed, KILLS))
    print(fought.summary)
    check_end(shop, receiver)
    unknown = check_counts(shop, fought)
    assert 0 <= fought.resent <= bound(fought)
    assert sum(fought.accepted.values()) - CHANGES <= unknown
    # the bound can be missed, and the blows fell where it matters
    assert fought.kills >= KILLS - 1
    assert fought.while_sending >= (KILLS - 4) // 2
    assert fought.restart_would_resend > bound(fought)
    assert fought.seconds
    for code, document in fought.seconds:
        assert document is not None
        # one that is frozen as it writes to the control store holds that, too
        assert (code, document["error"]["code"]) in ((BUSY, "lease_held"), (1, "store_busy")), document


def _lose_the_store_at_each_kill(
    shop: Shop, receiver: ReceiverProcess, seed: int, commit_interval: str
) -> Fought:
    first_sync(shop, receiver)
    shop.configure(receiver.url, commit_interval=commit_interval)
    receiver.fail({"kind": "latency", "seconds": LATENCY})
    fought = fight(
        shop,
        receiver,
        late_blows(seed, LATE_KILLS),
        after_kill=lambda: shutil.rmtree(shop.folder / ".tailrace"),
    )
    print(fought.summary)
    check_end(shop, receiver)
    check_counts(shop, fought)
    assert fought.kills == LATE_KILLS
    assert fought.documents[0]["counts"]["delivered"] == CHANGES, "one sync, resumed by store after store"
    assert fought.documents[0]["resumed"]
    return fought


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_store_costs_at_most_what_a_commit_interval_sends(
    shop: Shop, receiver: ReceiverProcess, seed: int
) -> None:
    fought = _lose_the_store_at_each_kill(shop, receiver, seed, f"{round(COMMIT_SECONDS * 1000)}ms")
    assert 0 <= fought.resent <= fought.kills * (IN_A_COMMIT_INTERVAL + CONCURRENCY * BATCH)


@pytest.mark.skipif(not LONG, reason="shows that the bound above can be missed; `make chaos` runs it")
def test_without_commits_a_lost_store_costs_more_than_that(shop: Shop, receiver: ReceiverProcess) -> None:
    fought = _lose_the_store_at_each_kill(shop, receiver, 1, "1h")
    assert fought.resent > fought.kills * (IN_A_COMMIT_INTERVAL + CONCURRENCY * BATCH)
