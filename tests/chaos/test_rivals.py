"""Two processes that sync the same mapping: one works, the other leaves at once, and a frozen one wakes up to nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.chaos.blows import Blow
from tests.chaos.campaign import BUSY, check_end, first_sync
from tests.chaos.conftest import WAREHOUSES
from tests.chaos.process import SyncProcess
from tests.chaos.receiver import ReceiverProcess
from tests.chaos.shop import CHANGES, Shop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.mark.parametrize("shop", dict.fromkeys([*WAREHOUSES, "azure", "bigquery", "db2"]), indirect=True)
def test_of_two_that_start_together_one_syncs_and_the_other_says_who_does(
    shop: Shop, receiver: ReceiverProcess
) -> None:
    first_sync(shop, receiver)
    shop.configure(receiver.url, batch=200)
    receiver.fail({"kind": "latency", "seconds": 0.1})
    before = receiver.stats()["arrived"]
    with SyncProcess(shop.folder) as one, SyncProcess(shop.folder) as other:
        codes = sorted([one.join(), other.join()])
    assert codes == [0, BUSY], (one.said, other.said)
    busy = one if one.document and "error" in one.document else other
    assert busy.document is not None
    assert busy.document["error"]["code"] == "lease_held"
    assert receiver.stats()["arrived"] - before == CHANGES
    check_end(shop, receiver)


@pytest.mark.skipif(os.environ.get("CHAOS") != "long", reason="a lease lasts 90 s: `make chaos` runs it")
def test_one_that_was_frozen_longer_than_its_lease_sends_nothing_more(
    shop: Shop, receiver: ReceiverProcess
) -> None:
    first_sync(shop, receiver)
    shop.configure(receiver.url)
    receiver.fail({"kind": "latency", "seconds": 0.015})
    before = receiver.stats()["arrived"]
    with SyncProcess(shop.folder) as frozen:
        assert Blow(requests=20).wait(frozen, receiver, shop.folder)
        frozen.signal(signal.SIGSTOP)
        while True:
            with SyncProcess(shop.folder) as other:
                code = other.join()
            if code != BUSY:
                break
            time.sleep(5)
        assert code == 0, other.said
        arrived = receiver.stats()["arrived"]
        frozen.signal(signal.SIGCONT)
        assert frozen.join() == BUSY, (frozen.said, frozen.document)
    assert receiver.stats()["arrived"] == arrived, "the frozen process sent after it woke up"
    assert arrived - before <= CHANGES + 100
    check_end(shop, receiver)
