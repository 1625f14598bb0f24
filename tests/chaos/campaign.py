"""A campaign: one plan of 20,000 changes, struck again and again until it completes, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.blows import Blow, strike
from tests.chaos.process import SyncProcess
from tests.chaos.receiver import ReceiverProcess
from tests.chaos.shop import ADDED, BATCH, CHANGES, CONCURRENCY, COUNTS, DELETED, FIRST, UPDATED, Shop

BUSY = 5


@dataclass
class Fought:
    """What happened in a campaign."""

    kills: int = 0
    """Blows that ended a living process."""
    while_sending: int = 0
    """Kills that left requests in flight."""
    restart_would_resend: int = 0
    """Records that had been sent before each kill, added up: what a resume from the beginning would send again."""
    resent: int = 0
    """Records that arrived beyond the plan's own."""
    seconds: list[tuple[int, dict[str, Any] | None]] = field(default_factory=list)
    """What second processes came to while the first was frozen."""
    documents: list[dict[str, Any]] = field(default_factory=list)
    """Every sync that a process told of, in order."""
    accepted: dict[str, int] = field(default_factory=dict)
    """Records that the receiver took, by operation; repeated idempotency keys are not taken again."""

    @property
    def summary(self) -> str:
        """The figures, for people."""
        return (
            f"{self.kills} kills, {self.while_sending} with requests in flight; {self.resent:,} records resent"
            f" (a restart at each kill: {self.restart_would_resend:,})"
        )


def first_sync(shop: Shop, receiver: ReceiverProcess) -> None:
    """The state that the changes come on top of."""
    shop.fill()
    shop.configure(receiver.url, batch=2_000)
    with SyncProcess(shop.folder) as process:
        assert process.join() == 0, process.said
    assert len(receiver.state()) == FIRST
    shop.change()


def fight(
    shop: Shop,
    receiver: ReceiverProcess,
    blows: Iterable[Blow],
    *,
    after_kill: Callable[[], None] = lambda: None,
) -> Fought:
    """Strike one sync after the other, then let the last one complete."""
    fought = Fought()
    before = receiver.stats()

    def arrived() -> int:
        return receiver.stats()["arrived"] - before["arrived"]

    def second() -> tuple[int, dict[str, Any] | None]:
        with SyncProcess(shop.folder) as process:
            code = process.join()
        return code, process.document

    for blow in blows:
        with SyncProcess(shop.folder) as process:
            struck = blow.wait(process, receiver, shop.folder)
            if struck:
                met = strike(blow, process, second)
                if met is not None:
                    fought.seconds.append(met)
            code = process.join()
        if struck and (code < 0 or code == 130):
            fought.kills += 1
            fought.while_sending += shop.in_flight() > 0
            fought.restart_would_resend += arrived()
            after_kill()
        else:
            assert code == 0, (blow, code, process.said, process.document)
        fought.documents += (process.document or {}).get("syncs", [])
    with SyncProcess(shop.folder) as process:
        code = process.join()
        assert code == 0, (process.said, process.document)
    fought.documents += (process.document or {}).get("syncs", [])
    now = receiver.stats()
    fought.resent = arrived() - CHANGES
    fought.accepted = {
        operation: count - before["accepted"].get(operation, 0)
        for operation, count in now["accepted"].items()
    }
    return fought


def check_end(shop: Shop, receiver: ReceiverProcess) -> None:
    """Model, receiver and state say the same, and nothing is left open."""
    model = shop.model()
    assert len(model) == FIRST + ADDED - DELETED
    assert receiver.state() == model
    assert shop.accepted() == model
    assert shop.checkpoint() == ("idle", len(model), None)
    assert shop.plan_tables() == []


def check_counts(shop: Shop, fought: Fought) -> int:
    """Every sync's counts add up, and together they are the changes, each delivered once; gives the unknown."""
    log = shop.sync_log()
    assert log[0]["planned"] == CHANGES, "a resumed sync has the counts of the whole sync"
    assert log[0]["model_rows"] == FIRST + ADDED - DELETED
    told = {document["sync"]: document for document in fought.documents}
    for sync in log:
        document = told.get(sync["sync_id"])
        assert document is None or document["counts"].items() >= {name: sync[name] for name in COUNTS}.items()
        assert sync["planned"] == sync["added"] + sync["updated"] + sync["deleted"]
        assert sync["planned"] == sync["delivered"] + sync["rejected"] + sync["aborted"] + sync["unknown"]
        assert sync["rejected"] == 0
    delivered = {
        operation: sum(sync["by_operation"][operation]["delivered"] for sync in log)
        for operation in ("added", "updated", "deleted")
    }
    assert delivered == {"added": ADDED, "updated": UPDATED, "deleted": DELETED}
    unknown = sum(sync["unknown"] for sync in log)
    over = {operation: fought.accepted[operation] - count for operation, count in delivered.items()}
    assert all(count >= 0 for count in over.values())
    return unknown


def bound(fought: Fought) -> int:
    """The most that may be sent again: what was in flight at each kill."""
    return fought.kills * CONCURRENCY * BATCH
