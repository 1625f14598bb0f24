"""Gives an interrupted sync up because a person said so: what was accepted is kept, the rest is planned anew."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from tailrace.clock import Clock
from tailrace.errors import StateError, TailraceError
from tailrace.runtime.fenced import hold
from tailrace.runtime.finishing import begin_row, give_up
from tailrace.runtime.prepared import bind
from tailrace.runtime.resuming import load
from tailrace.spec.project import Project

if TYPE_CHECKING:
    from tailrace.store.rows import SyncRow
    from tailrace.store.store import Store


def give_up_interrupted(
    project: Project, environ: Mapping[str, str], store: Store, clock: Clock, mapping: str, sync: str
) -> SyncRow:
    """End the sealed plan of `sync` as discarded. Raises LeaseHeld while it runs, StateError if it has no plan."""
    bound = bind(project, mapping, environ)
    timeout = bound.target.action.limits(bound.target.settings).timeout
    with hold(bound, store.id, clock, http_timeout=timeout, renewed=lambda _until: None) as held:
        found = held.checkpoint
        if found.phase != "planned" or found.sync_id != sync:
            raise StateError(
                f"Sync {sync} has no plan that waits to be sent.",
                hint="Only an interrupted sync can be discarded; see `tailrace syncs`.",
                code="not_interrupted",
            )
        row = begin_row(bound, held, store, clock, sync, resumed=True)
        try:
            interrupted = load(project, environ, store, bound, held)
            return give_up(
                interrupted.sealed,
                held,
                store,
                clock,
                started_at=row.started_at,
                status="discarded",
                unknown=interrupted.unsettled,
                warnings=(),
            )
        except TailraceError as error:
            with suppress(TailraceError):
                store.syncs.finish(sync, held.owner, "interrupted", error=error.document())
            raise
