"""Takes a mapping's fence before anything is written, keeps its lease alive, and lets it go (R1 to R3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tailrace.clock import Clock
from tailrace.errors import Cancelled, SourceUnavailable, TailraceError
from tailrace.runtime.events import OnEvent, Waiting
from tailrace.runtime.heirs import check_heir
from tailrace.runtime.lease import LeaseKeeper, lease_seconds
from tailrace.runtime.prepared import Bound
from tailrace.runtime.stop import StopSignal
from tailrace.sources.base import Source
from tailrace.state import lease
from tailrace.state.checkpoint import Checkpoint
from tailrace.state.fence import Fence
from tailrace.state.holder import Holder, this_holder
from tailrace.state.lease import Taken
from tailrace.state.names import StateNames
from tailrace.state.renames import follow
from tailrace.state.tables import ensure_mapping, ensure_schema


@dataclass(frozen=True, slots=True)
class Held:
    """A mapping whose fence is ours; `keeper` says whether that is still certain."""

    fence: Fence
    checkpoint: Checkpoint
    """As it was found when the fence was taken."""
    taken: Taken
    keeper: LeaseKeeper
    ttl: float
    holder: Holder
    """This process."""

    @property
    def owner(self) -> str:
        """The random token of this take."""
        return self.fence.token


def take_fence(
    source: Source, names: StateNames, store_id: str, clock: Clock, *, ttl: float, http_timeout: float
) -> Taken:
    """Take the lease of a mapping whose tables exist; once more where the answer may be all that was lost (R2).

    Raises LeaseHeld, SourceError.
    """
    token = secrets.token_hex(16)

    def take() -> Taken:
        with source.session() as session:
            return lease.take(
                session,
                source.dialect,
                names,
                this_holder(store_id),
                token,
                ttl,
                clock,
                http_timeout=http_timeout,
                undo=source.cancel,
            )

    before, before_wall = clock.monotonic(), clock.now()
    try:
        return take()
    except SourceUnavailable:
        return replace(take(), taken_at=before, taken_wall=before_wall)


@contextmanager
def hold(
    bound: Bound,
    store_id: str,
    clock: Clock,
    *,
    http_timeout: float,
    renewed: Callable[[datetime], None],
) -> Iterator[Held]:
    """Create what is missing in the managed schema, take the fence, and release it at the end.

    `renewed` is told until when the lease holds, by this machine's clock; the lease does not hang on what comes of
    that. Raises LeaseHeld, StateError, SourceError.
    """
    source = bound.source
    with source.session() as session:
        schema = ensure_schema(session, source.dialect, source.schema)
        names = follow(session, source.dialect, replace(bound.names, schema=schema))
        ensure_mapping(
            session,
            source.dialect,
            names,
            source_id=bound.model.source,
            model_id=bound.model.name,
            project=bound.project.name,
            mapping=bound.mapping.name,
        )
    ttl = lease_seconds(http_timeout)
    taken = take_fence(source, names, store_id, clock, ttl=ttl, http_timeout=http_timeout)

    def renew() -> None:
        with source.session() as session:
            lease.renew(session, taken.fence, ttl)
        with suppress(TailraceError):
            renewed(clock.now() + timedelta(seconds=ttl))

    keeper = LeaseKeeper(renew, ttl, clock)
    try:
        with source.session() as session:
            check_heir(session, source, bound.project, bound.mapping, names, taken.checkpoint)
        if taken.previous_job is not None:
            source.cancel(taken.previous_job)
        keeper.start(taken.taken_at, taken.taken_wall)
        yield Held(taken.fence, taken.checkpoint, taken, keeper, ttl, this_holder(store_id))
    finally:
        keeper.stop()
        release_fence(source, taken.fence)


def wait_for_quiet(held: Held, clock: Clock, mapping: str, stop: StopSignal, on_event: OnEvent) -> None:
    """Wait until no request of an earlier owner can still be under way (R3). Raises Cancelled."""
    left = held.taken.send_not_before - clock.monotonic()
    if left <= 0:
        return
    on_event(Waiting(mapping, "requests of the previous run may still be under way", left))
    if stop.wait(left):
        raise Cancelled("Cancelled while waiting for an earlier run's requests to end.")


def release_fence(source: Source, fence: Fence) -> None:
    """Let go; a lease that cannot be released now ends by itself."""
    try:
        with source.session() as session:
            lease.release(session, fence)
    except TailraceError:
        return
