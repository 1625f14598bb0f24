"""IBM's driver is a process of its own: killed again and again, it takes the sync with it and nothing else."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from tests.chaos.blows import Blow
from tests.chaos.campaign import check_end, first_sync
from tests.chaos.process import Note, SyncProcess
from tests.chaos.receiver import ReceiverProcess
from tests.chaos.shop import BATCH, CHANGES, CONCURRENCY, Shop
from tests.e2e.db2 import Db2Warehouse
from tests.servers.db2 import Database

BLOWS: list[tuple[Note, int]] = [
    ("planning", 0), ("sending", 25), ("sending", 20), ("committing", 0), ("planned", 0), ("sending", 10),
    ("committing", 0), ("planning", 0),
]  # fmt: skip
"""When the drivers of a sync are killed, and after how many of its requests at most."""

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("CHAOS") != "long", reason="takes minutes: `make chaos` runs it"),
]


def _drivers(pid: int) -> list[int]:
    """The processes of the driver that a process has now."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"tailrace.sources.db2.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_a_driver_that_dies_at_any_moment_costs_at_most_what_was_in_flight(
    db2_database: Database, tmp_path: Path, receiver: ReceiverProcess
) -> None:
    shop = Shop(tmp_path, Db2Warehouse(db2_database))
    first_sync(shop, receiver)
    shop.configure(receiver.url, commit_interval="200ms")
    receiver.fail({"kind": "latency", "seconds": 0.015})
    dice = random.Random(1)
    due, struck, failed, resent = CHANGES, 0, 0, 0
    for note, requests in BLOWS:
        before = receiver.stats()["arrived"]
        with SyncProcess(shop.folder) as process:
            blow = Blow(
                note=note, requests=dice.randint(1, requests) if requests else 0, seconds=dice.uniform(0, 0.3)
            )
            if blow.wait(process, receiver, shop.folder):
                for pid in _drivers(process.pid):
                    os.kill(pid, dice.choice((signal.SIGKILL, signal.SIGSEGV)))
                    struck += 1
            code = process.join()
        if code:
            failed += 1
            assert code == 1, (process.said, process.document)
            with SyncProcess(shop.folder) as process:
                assert process.join() == 0, (process.said, process.document)
        again = receiver.stats()["arrived"] - before - due
        assert 0 <= again <= CONCURRENCY * BATCH
        resent += again
        shop.warehouse.data("UPDATE customers SET amount = amount + 1 WHERE id % 8 = 7")
        ((due,),) = shop.warehouse.data("SELECT count(*) FROM customers WHERE id % 8 = 7")
    with SyncProcess(shop.folder) as process:
        assert process.join() == 0, process.said
    print(
        f"{struck} drivers killed; {failed} of {len(BLOWS)} syncs failed of it; {resent} records sent again"
    )
    check_end(shop, receiver)
    assert struck >= len(BLOWS)
    assert failed
