"""The fence: every write to the state begins with a compare-and-set on owner and fence number (R2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tailrace.errors import FenceLost, SourceError
from tailrace.sources.base import Job, Session
from tailrace.sources.dialect import Dialect
from tailrace.state.checkpoint import job_text
from tailrace.state.names import StateNames

Result = TypeVar("Result")

CONFLICT = "source_conflict"
"""The code of a SourceError that says: another session holds or has just changed the same rows."""
EXISTS = "source_exists"
"""The code of one that says: another session has just created the same."""

_ATTEMPTS = 40
_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write one mapping's state, until somebody raises the number."""

    dialect: Dialect
    names: StateNames
    token: str
    number: int
    ttl: float
    """Seconds that the lease lasts from each write on."""
    named: set[str] = field(default_factory=set, compare=False)
    """What of this process would outlive it, and stands in the checkpoint for the next owner: ids of `lasting`."""

    def table(self, name: str) -> str:
        """One of the managed tables, by its unqualified name."""
        return self.dialect.table(self.names.schema, name)

    @property
    def checkpoints(self) -> str:
        return self.table(self.names.checkpoints)

    @property
    def held(self) -> str:
        """The condition on the checkpoint row that holds as long as the fence does."""
        return f"owner = {self.dialect.literal(self.token)} AND fence = {self.number}"

    def lost(self) -> FenceLost:
        return FenceLost(
            "Another process took this mapping over.",
            hint="Nothing is lost: what was acknowledged is kept, and the other process goes on from there.",
        )


def verify(session: Session, fence: Fence) -> None:
    """Read the token back, as after a lost answer. Raises FenceLost."""
    if not session.rows(f"SELECT 1 FROM {fence.checkpoints} WHERE {fence.held}"):
        raise fence.lost()


def update_checkpoint(session: Session, fence: Fence, assignments: dict[str, str]) -> None:
    """Change the checkpoint row; values are SQL expressions. Raises FenceLost.

    Every change also moves the lease's end: DuckDB sees two writers of one row only where both really change the
    same column, and whoever takes a lease changes this one.
    """
    extended = {"lease_until": fence.dialect.plus_seconds(fence.dialect.now(), fence.ttl)}
    sets = ", ".join(
        f"{fence.dialect.quote(name)} = {value}" for name, value in (extended | assignments).items()
    )
    if session.execute(f"UPDATE {fence.checkpoints} SET {sets} WHERE {fence.held}") != 1:
        raise fence.lost()


def lasting(session: Session) -> Job | None:
    """What of this process the warehouse would keep open if it died: the session that has its transactions."""
    return getattr(session, "lasting", None)


def _name_lasting(session: Session, fence: Fence) -> None:
    """Let the next owner know what to end, before anything is open in it (R3). Raises FenceLost."""
    job = lasting(session)
    if job is not None and job.id not in fence.named:
        update_checkpoint(session, fence, {"job": fence.dialect.literal(job_text(job))})
        fence.named.add(job.id)


def write_fenced(
    session: Session,
    fence: Fence,
    write: Callable[[], Result],
    *,
    attempts: int = _ATTEMPTS,
    pause: Callable[[float], object] = threading.Event().wait,
) -> Result:
    """Run `write` in one transaction that begins with the compare-and-set. Raises FenceLost."""

    def transact() -> Result:
        _name_lasting(session, fence)
        with session.transaction():
            update_checkpoint(session, fence, {})
            return write()

    return patiently(session, fence, transact, attempts=attempts, pause=pause)


def patiently(
    session: Session,
    fence: Fence,
    act: Callable[[], Result],
    *,
    attempts: int = _ATTEMPTS,
    pause: Callable[[float], object] = threading.Event().wait,
) -> Result:
    """Do it again where another session changed the same rows first and the fence is still ours.

    Then it was our own other thread, a renewal say. Raises FenceLost, or the conflict of the last attempt.
    """
    return insist(act, lambda: verify(session, fence), attempts=attempts, pause=pause)


def insist(
    act: Callable[[], Result],
    check: Callable[[], object] = lambda: None,
    *,
    attempts: int = _ATTEMPTS,
    pause: Callable[[float], object] = threading.Event().wait,
) -> Result:
    """Do it again where another session changed the same rows first; `check` raises where that is of no use.

    Raises the conflict of the last attempt.
    """
    for left in reversed(range(attempts)):
        try:
            return act()
        except SourceError as error:
            if error.code != CONFLICT:
                raise
            check()
            if not left:
                raise
            pause(_PAUSE)
    raise ValueError("at least one attempt")
