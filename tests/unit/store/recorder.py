"""A process that records batches without end and says each position that `record` returned for."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span
from tailrace.store.store import open_store

BATCH = 20


def main(folder: str) -> None:
    """Each batch has one refused record, its first."""
    with open_store(Path(folder), os.environ) as store:
        writer = store.ledger.writer("sync-1", "me")
        begun = next(iter(writer.progress().values())).offered + 1
        previous: list[Resolution] = []
        for first in itertools.count(begun, BATCH):
            span = Span(first, first + BATCH - 1)
            refused = Refusal(first, f"k{first}", "added", Outcome.REJECTED, "result", "no", "no")
            writer.record(previous, [Offer(0, span)])
            for done in previous:
                print(done.span.last, flush=True)
            previous = [Resolution(0, span, BATCH, {"added": BATCH - 1}, (refused,))]


if __name__ == "__main__":
    main(sys.argv[1])
