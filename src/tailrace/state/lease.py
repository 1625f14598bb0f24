"""The lease on a mapping, in warehouse time (R1 to R3): take it, renew it, let it go.

Taking is one conditional UPDATE that raises the fence number, so that of two takers one wins and every write of
an earlier owner finds that it lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from tailrace.clock import Clock
from tailrace.errors import LeaseHeld, SourceError, StateError
from tailrace.sources.base import Job, Session
from tailrace.sources.dialect import Dialect
from tailrace.state.checkpoint import Checkpoint, job_text, read_checkpoint
from tailrace.state.fence import CONFLICT, Fence, lasting, patiently, update_checkpoint
from tailrace.state.holder import Holder, proven_dead
from tailrace.state.names import StateNames

_LOCK_WAIT = 5.0
"""How long a taker waits for the row while its owner is inside a transaction."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease that was taken: the fence to write under, and what was found."""

    fence: Fence
    checkpoint: Checkpoint
    """As it was found, before this take."""
    taken_at: float
    taken_wall: datetime
    """Both clocks as they stood before the lease was taken: deadlines count from there."""
    send_not_before: float
    """On the monotonic clock: until then a request of an earlier owner may still be under way (R3)."""
    previous_job: Job | None
    """What the earlier owner left running in the warehouse; cancel it before anything else (R3)."""


def take(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    holder: Holder,
    token: str,
    ttl: float,
    clock: Clock,
    *,
    http_timeout: float,
    is_dead: Callable[[Holder, Holder], bool] = proven_dead,
    undo: Callable[[Job], object] = lambda job: None,
) -> Taken:
    """Take the lease if it is free, ended, or held by a process that is proven dead. Raises LeaseHeld.

    `undo` cancels what an owner left that was not able to let go: a transaction that is still open in the warehouse
    would keep the row from being taken. `token` is random and new for every owner. After a lost answer, take again
    with the same token.
    """
    taken_at, taken_wall = clock.monotonic(), clock.now()
    found = read_checkpoint(session, dialect, names)
    if found is None:
        raise StateError(
            f"The table {names.checkpoints} is gone.", hint="Run the sync again: it is created anew then."
        )
    if found.owner == token:
        fence = Fence(dialect, names, token, found.fence, ttl)
        return _taken(found, fence, clock, taken_at, taken_wall, found.quiet_until)
    dead = found.owner is not None and found.holder is not None and is_dead(found.holder, holder)
    if found.owner is not None and _ends(found) > found.now and not dead:
        raise _held(found)
    quiet_until = _quiet_until(found, http_timeout, dead=dead)
    outlives = lasting(session)
    fence = Fence(dialect, names, token, found.fence + 1, ttl, {outlives.id} if outlives else set())
    free = f"owner IS NULL OR lease_until IS NULL OR lease_until <= {dialect.now()}"
    if dead:
        free += f" OR owner = {dialect.literal(found.owner)}"
    if found.owner is not None and found.job is not None:
        undo(found.job)
    won = _update(
        session,
        fence,
        {
            "owner": dialect.literal(token),
            "holder": dialect.literal(_holder_text(holder, taken_wall, http_timeout, quiet_until)),
            "fence": str(fence.number),
            "lease_until": dialect.plus_seconds(dialect.now(), ttl),
            "job": dialect.literal(job_text(outlives)),
        },
        f"fence = {found.fence} AND ({free})",
    )
    if not won:
        raise _held(read_checkpoint(session, dialect, names) or found)
    return _taken(found, fence, clock, taken_at, taken_wall, quiet_until)


def _taken(
    found: Checkpoint,
    fence: Fence,
    clock: Clock,
    taken_at: float,
    taken_wall: datetime,
    quiet_until: datetime | None,
) -> Taken:
    quiet = (quiet_until - found.now).total_seconds() if quiet_until else 0.0
    return Taken(
        fence=fence,
        checkpoint=found,
        taken_at=taken_at,
        taken_wall=taken_wall,
        send_not_before=clock.monotonic() + max(0.0, quiet),
        previous_job=found.job,
    )


def renew(session: Session, fence: Fence, ttl: float) -> None:
    """Extend the lease from now. Raises FenceLost.

    A conflict with a write of our own is tried again once that is over.
    """
    later = fence.dialect.plus_seconds(fence.dialect.now(), ttl)
    patiently(session, fence, lambda: update_checkpoint(session, fence, {"lease_until": later}))


def record_job(session: Session, fence: Fence, job: Job | None) -> None:
    """Store how another process would cancel what we run now; None once it has ended. Raises FenceLost."""
    job_known = {"job": fence.dialect.literal(job_text(job or lasting(session)))}
    patiently(session, fence, lambda: update_checkpoint(session, fence, job_known))


def release(session: Session, fence: Fence) -> None:
    """Let the lease go: nothing of ours is under way any more. Raises FenceLost."""
    nobody = {"owner": "NULL", "lease_until": "NULL", "job": "NULL"}
    patiently(session, fence, lambda: update_checkpoint(session, fence, nobody))


def _update(session: Session, fence: Fence, assignments: dict[str, str], condition: str) -> bool:
    """The conditional UPDATE; False where the row is not ours to take, or its owner is in a transaction on it."""
    sets = ", ".join(f"{fence.dialect.quote(name)} = {value}" for name, value in assignments.items())
    update = f"UPDATE {fence.checkpoints} SET {sets} WHERE {condition}"
    patience = fence.dialect.lock_wait(_LOCK_WAIT)
    try:
        if not patience:
            return session.execute(update) == 1
        with session.transaction():
            for statement in patience:
                session.execute(statement)
            return session.execute(update) == 1
    except SourceError as error:
        if error.code == CONFLICT:
            return False
        raise


def _ends(found: Checkpoint) -> datetime:
    return found.lease_until or found.now


def _quiet_until(found: Checkpoint, http_timeout: float, *, dead: bool) -> datetime | None:
    """Until when an earlier owner's requests may be under way, in warehouse time; None if not at all."""
    ends = [found.quiet_until] if found.quiet_until else []
    if found.owner is not None and not dead:
        timeout = max(http_timeout, found.http_timeout)
        ends.append(_ends(found) + timedelta(seconds=timeout))
    latest = max(ends, default=None)
    return latest if latest is not None and latest > found.now else None


def _holder_text(holder: Holder, since: datetime, http_timeout: float, quiet_until: datetime | None) -> str:
    """The holder, and what a next owner must know to wait long enough, whoever holds the lease meanwhile."""
    known = asdict(holder) | {"since": since.isoformat(), "http_timeout": http_timeout}
    if quiet_until is not None:
        known["quiet_until"] = quiet_until.isoformat()
    return json.dumps(known, separators=(",", ":"))


def _held(found: Checkpoint) -> LeaseHeld:
    who = str(found.holder) if found.holder else "another process"
    since = f" since {found.since:%Y-%m-%d %H:%M:%S} UTC" if found.since else ""
    until = f" until {found.lease_until:%Y-%m-%d %H:%M:%S} UTC" if found.lease_until else ""
    return LeaseHeld(
        f"Another sync of this mapping is running: {who} holds its lease{since},{until} by the warehouse's clock,"
        f" where it is {found.now:%H:%M:%S} now.",
        hint="Wait for it, or cancel it: `tailrace syncs` shows its id. If that process is gone, its lease ends by itself.",
    )
