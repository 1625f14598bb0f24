"""What a person decides about one sync: approve it, give it up, cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.errors import ConfigError, StateError
from tailrace.runtime.giving_up import give_up_interrupted
from tailrace.service.conversion import process_gone
from tailrace.service.documents import ActionDocument
from tailrace.service.history import known_sync
from tailrace.service.holding import mapping_state, stored_checkpoint
from tailrace.state import approval

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def approve(workspace: Workspace, sync: str) -> ActionDocument:
    """Store the approval of a blocked sync in the warehouse. Raises StateError `not_blocked`, ConfigError."""
    mapping = _mapping_of(workspace, sync, blocked=True)
    source, names = mapping_state(workspace, mapping)
    with source.session() as session:
        found = stored_checkpoint(session, source, names)
        if found is None:
            raise StateError(f"Sync {sync} is not blocked.", hint="Run `tailrace sync`.", code="not_blocked")
        approval.approve(session, source.dialect, found[0], sync)
    return ActionDocument(
        action="approve",
        mapping=mapping,
        sync=sync,
        message="Approved: a new plan goes if it exceeds what was approved by at most 10 %.",
    )


def discard(workspace: Workspace, sync: str) -> ActionDocument:
    """Give up the sealed plan of an interrupted sync: what was accepted is kept, the rest is planned anew."""
    mapping = _mapping_of(workspace, sync, blocked=False)
    row = give_up_interrupted(
        workspace.project, workspace.environ, workspace.store, workspace.clock, mapping, sync
    )
    return ActionDocument(
        action="discard",
        mapping=mapping,
        sync=sync,
        records=row.counts.get("delivered", 0),
        message="The plan was given up; what the destination accepted is kept.",
    )


def cancel(workspace: Workspace, sync: str) -> ActionDocument:
    """Ask the process that runs a sync to stop; asking twice stops it at once. Raises ConfigError."""
    row = known_sync(workspace, sync)
    gone = row.status == "running" and process_gone(row)
    if gone or not workspace.store.syncs.request_cancel(sync):
        status = "interrupted" if gone else row.status
        go_on = f"`tailrace sync {row.mapping}` finishes it, `tailrace discard {sync}` gives it up."
        raise ConfigError(
            f"Sync {sync} is not running: it is {status}.",
            hint=go_on if status == "interrupted" else "List syncs with `tailrace syncs`.",
            code="sync_not_running",
        )
    return ActionDocument(
        action="cancel",
        mapping=row.mapping,
        sync=sync,
        message="Asked to stop: it sends nothing new, waits for what is under way, and commits.",
    )


def _mapping_of(workspace: Workspace, sync: str, *, blocked: bool) -> str:
    """The mapping that a sync belongs to: from this store, else by asking the warehouse of each mapping."""
    row = workspace.store.syncs.get(sync)
    if row is not None and row.mapping in workspace.project.mappings:
        return row.mapping
    for mapping in workspace.project.mappings:
        source, names = mapping_state(workspace, mapping)
        with source.session() as session:
            found = stored_checkpoint(session, source, names)
        if found is None:
            continue
        checkpoint = found[1]
        if blocked and checkpoint.approval is not None and checkpoint.approval.sync_id == sync:
            return mapping
        if not blocked and checkpoint.phase == "planned" and checkpoint.sync_id == sync:
            return mapping
    raise ConfigError(
        f"No mapping of this project has a sync {sync} that waits for a decision.",
        hint="List syncs with `tailrace syncs`.",
        code="sync_unknown",
    )
