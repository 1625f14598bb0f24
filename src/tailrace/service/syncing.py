"""Runs syncs, mapping after mapping; one that cannot start does not keep the others from running."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tailrace.errors import TailraceError
from tailrace.runtime.events import Event, SyncFinished
from tailrace.runtime.planning import Options
from tailrace.runtime.stop import StopSignal
from tailrace.runtime.sync import Surroundings, run_mapping
from tailrace.service.conversion import sync_document
from tailrace.service.documents import SyncDocument
from tailrace.service.failures import Failures

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def sync(
    workspace: Workspace,
    names: Sequence[str],
    *,
    plan_id: str | None,
    limit: int | None,
    on_event: Callable[[Event], None],
    stop: StopSignal,
) -> Iterator[SyncDocument]:
    """Each sync as it ends. Raises what keeps a mapping from starting, once all others had their turn."""

    def pass_on(event: Event) -> None:
        if isinstance(event, SyncFinished):
            event = SyncFinished(event.mapping, sync_document(event.document))
        on_event(event)

    around = Surroundings(
        workspace.project, workspace.environ, workspace.store, workspace.clock, stop, pass_on
    )
    workspace.store.purge()
    failures = Failures(names)
    for name in names:
        if stop.graceful:
            break
        try:
            for row in run_mapping(around, name, Options(limit, plan_id)):
                yield sync_document(row)
        except TailraceError as error:
            failures.add(name, error)
    failures.end()
