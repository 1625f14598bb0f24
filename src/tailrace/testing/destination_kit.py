"""What the destination suite works with: a ledger in memory, rendered records, and a run in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyarrow as pa

from tailrace.delivery.control import Control
from tailrace.delivery.engine import Delivery
from tailrace.delivery.outcomes import Rendered
from tailrace.delivery.summary import DeliverySummary
from tailrace.destinations.define import Action, Call, Destination
from tailrace.errors import TailraceError
from tailrace.outcomes import Offer, Refusal, Resolution, UnitProgress
from tailrace.testing.time import VirtualTime


@dataclass(frozen=True, slots=True)
class Change:
    """One record to deliver."""

    key: str
    operation: str
    payload: str
    """JSON text."""


@dataclass(slots=True)
class MemoryLedger:
    """Keeps what it is told, and checks the promise: nothing is resolved that was not offered, nor twice."""

    concurrency: int
    offers: list[Offer] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        """Store both."""
        for resolution in resolutions:
            assert Offer(resolution.unit, resolution.span) in self.offers, "resolved without an offer"
            assert resolution.span not in [known.span for known in self.resolutions], "resolved twice"
        self.resolutions += resolutions
        self.offers += offers
        assert len(self.offers) - len(self.resolutions) <= self.concurrency, "more offered than slots"

    def refusals(self) -> list[Refusal]:
        """Everything that was not delivered."""
        return [refusal for resolution in self.resolutions for refusal in resolution.refusals]

    def outcomes(self) -> Counter[str]:
        """Records by outcome."""
        found = Counter[str]({"delivered": sum(sum(each.delivered.values()) for each in self.resolutions)})
        found.update(refusal.outcome for refusal in self.refusals())
        return +found

    def progress(self) -> UnitProgress:
        """What a resumed run would be told of unit 0."""
        resolved = tuple(each.span for each in self.resolutions)
        open_spans = tuple(each.span for each in self.offers if each.span not in resolved)
        return UnitProgress(resolved, open_spans)


@dataclass(slots=True)
class Trial:
    """What a delivery came to."""

    ledger: MemoryLedger
    time: VirtualTime
    summary: DeliverySummary | None = None
    error: TailraceError | None = None


def render(action: Action, call: Call, changes: Sequence[Change], *, first: int = 0) -> Rendered:
    """The changes as the mapping's renderer hands them over, as the whole of unit 0."""
    import duckdb

    rows = pa.table(
        {
            "payload": [change.payload for change in changes],
            "_key": [change.key for change in changes],
            "_operation": [change.operation for change in changes],
            "id": [f"id-{change.operation}-{change.key}" for change in changes],
            "position": list(range(len(changes))),
        }
    )
    with duckdb.connect() as connection:
        connection.register("changes", rows)
        made = connection.sql(f"SELECT {action.item(call)} AS item FROM changes ORDER BY position")
        items = made.to_arrow_table().column("item").combine_chunks().cast(pa.large_string())
    return Rendered(
        0,
        pa.array(range(first, first + len(changes)), pa.int64()),
        rows.column("_key").combine_chunks(),
        rows.column("_operation").combine_chunks(),
        rows.column("id").combine_chunks(),
        items,
        last=True,
    )


def deliver(
    destination: Destination,
    action_name: str,
    values: dict[str, Any],
    changes: Sequence[Change],
    *,
    sync: str = "20260101-000000-abcdef",
    resume: UnitProgress | None = None,
    control: Control | None = None,
) -> Trial:
    """Deliver the changes for real over HTTP, with virtual waits, and give what became of them."""
    settings = destination.configure(values)
    action = destination.action(action_name)
    call = Call(settings, "shop", "customers", sync)
    trial = Trial(MemoryLedger(action.limits(settings).concurrency), VirtualTime())
    delivery = Delivery(
        action,
        call,
        trial.ledger,
        trial.time.clock,
        auth=destination.auth(settings),
        random=Random(7),
        control=control or Control(),
        sleep=trial.time.sleep,
    )
    pieces = [render(action, call, changes)] if changes else []
    try:
        trial.summary = delivery.run(pieces, {0: resume} if resume else None)
    except TailraceError as error:
        trial.error = error
    return trial
