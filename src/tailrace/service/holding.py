"""Holds a mapping's fence for a moment, so that a person's decision cannot meet a running sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tailrace.errors import StateError
from tailrace.runtime.fenced import release_fence, take_fence
from tailrace.runtime.heirs import check_heir
from tailrace.runtime.lease import LEASE_SECONDS
from tailrace.runtime.prepared import project_source, state_names
from tailrace.sources.base import Session, Source
from tailrace.state.checkpoint import Checkpoint, read_checkpoint
from tailrace.state.fence import Fence
from tailrace.state.names import StateNames
from tailrace.state.renames import find_names

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def mapping_state(workspace: Workspace, mapping: str) -> tuple[Source, StateNames]:
    """The source of a mapping, and the names of its tables as they would be. Connects nowhere."""
    project = workspace.project
    spec = project.mappings[mapping]
    source = project_source(project, project.models[spec.model].source, workspace.environ)
    return source, state_names(project, spec, source)


def stored_checkpoint(
    session: Session, source: Source, names: StateNames
) -> tuple[StateNames, Checkpoint] | None:
    """The mapping's checkpoint, read only; None where it was never synced."""
    found = find_names(session, source.dialect, names)
    if found is None:
        return None
    checkpoint = read_checkpoint(session, source.dialect, found)
    return (found, checkpoint) if checkpoint is not None else None


@contextmanager
def held_fence(workspace: Workspace, mapping: str) -> Iterator[tuple[Source, Fence, Checkpoint]]:
    """Take the fence of a mapping that was synced before. Raises LeaseHeld while a sync of it runs, StateError."""
    source, names = mapping_state(workspace, mapping)
    project = workspace.project
    with source.session() as session:
        found = stored_checkpoint(session, source, names)
        if found is not None:
            check_heir(session, source, project, project.mappings[mapping], *found)
    if found is None:
        raise StateError(
            f"The mapping `{mapping}` was never synced: there is nothing to change.",
            hint=f"Run `tailrace sync {mapping}` first.",
            code="never_synced",
        )
    taken = take_fence(
        source, found[0], workspace.store.id, workspace.clock, ttl=LEASE_SECONDS, http_timeout=0.0
    )
    try:
        yield source, taken.fence, taken.checkpoint
    finally:
        release_fence(source, taken.fence)
