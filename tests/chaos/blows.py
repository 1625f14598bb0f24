"""When and how a running sync is struck: at the border of a phase, in mid-send, or as its ledger stores an offer."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.chaos.process import Note, SyncProcess
from tests.chaos.receiver import ReceiverProcess

How = Literal["kill", "term", "freeze", "kill frozen"]
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Blow:
    """One blow: once the process has said `note`, after so many more requests and seconds."""

    how: How = "kill"
    note: Note = "sending"
    requests: int = 0
    """So many requests of this process are let through first."""
    seconds: float = 0.0
    ledger: bool = False
    """Strike the moment the control store has stored a batch's offer, before it can be sent."""

    def wait(self, process: SyncProcess, receiver: ReceiverProcess, folder: Path) -> bool:
        """Wait for the instant; false where the process ended before."""
        if not process.wait_for(self.note):
            return False
        start = receiver.stats()["requests"] if self.requests else 0
        while self.requests and receiver.stats()["requests"] - start < self.requests:
            if not process.alive:
                return False
            time.sleep(_POLL_SECONDS)
        if self.ledger:
            _until_change(folder / ".tailrace" / "store.db", lambda: process.alive)
        time.sleep(self.seconds)
        return process.alive


def _until_change(store: Path, alive: Callable[[], bool]) -> None:
    """Return as soon as another process has committed to this SQLite file."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        version = connection.execute("PRAGMA data_version").fetchone()
        while alive() and connection.execute("PRAGMA data_version").fetchone() == version:
            pass
    finally:
        connection.close()


def strike(
    blow: Blow, process: SyncProcess, second: Callable[[], tuple[int, dict[str, Any] | None]]
) -> tuple[int, dict[str, Any] | None] | None:
    """Deal the blow; where the process is frozen, give what a `second` one came to meanwhile."""
    met = None
    if blow.how.endswith(("freeze", "frozen")):
        process.signal(signal.SIGSTOP)
        met = second()
        if blow.how == "freeze":
            process.signal(signal.SIGCONT)
    process.signal(signal.SIGTERM if blow.how == "term" else signal.SIGKILL)
    return met


def late_blows(seed: int, most: int) -> Iterator[Blow]:
    """Blows in mid-send, each after a few commit intervals, so that progress reached the warehouse before."""
    dice = random.Random(seed)
    for number in range(most):
        how: How = "kill frozen" if number == most // 2 else "kill"
        yield Blow(how=how, requests=dice.randint(25, 55), seconds=dice.uniform(0, 0.05))


def blows(seed: int, most: int) -> Iterator[Blow]:
    """Every border once, and between them blows in mid-send at random instants: `most` in all, the last at the commit."""
    dice = random.Random(seed)
    yield Blow(note="planning", seconds=dice.uniform(0, 0.4))
    yield Blow(note="planned")
    yield Blow(note="sending", how=dice.choice(("kill", "term")), seconds=dice.uniform(0, 0.2))
    middle = [
        Blow(ledger=True, requests=dice.randint(2, 20)),
        Blow(how="freeze", requests=dice.randint(2, 20)),
    ]
    while len(middle) < most - 4:
        how: How = dice.choices(("kill", "term", "kill frozen"), (6, 2, 1))[0]
        middle.append(
            Blow(
                how=how,
                requests=dice.randint(1, 25),
                seconds=dice.uniform(0, 0.05),
                ledger=dice.random() < 0.3,
            )
        )
    dice.shuffle(middle)
    yield from middle
    yield Blow(note="committing", seconds=dice.uniform(0, 0.05))
