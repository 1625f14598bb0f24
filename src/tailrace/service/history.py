"""The syncs that this control store remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.errors import ConfigError
from tailrace.service.conversion import exception_document, sync_document
from tailrace.service.documents import ShowDocument, SyncsDocument
from tailrace.spec.suggest import did_you_mean

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace
    from tailrace.store.rows import SyncRow

_SHOWN_REJECTIONS = 200


def syncs(workspace: Workspace, mapping: str | None, limit: int) -> SyncsDocument:
    """The newest syncs first, of one mapping or of the project in its environment."""
    project = workspace.project
    found = None
    if mapping is not None:
        workspace.require_mapping(mapping)
        found = local_state_id(workspace, mapping)
    rows = workspace.store.syncs.list(
        found, limit=limit, project=project.name, environment=project.environment
    )
    return SyncsDocument(syncs=[sync_document(row, workspace.clock.now()) for row in rows])


def local_state_id(workspace: Workspace, mapping: str) -> str:
    """What this store knows a mapping's state by; where it was renamed again and again, by the name before."""
    project, spec = workspace.project, workspace.project.mappings[mapping]
    own, before = project.state_id(spec), project.renamed(spec)
    if before is None or workspace.store.syncs.last(own) is not None:
        return own
    return workspace.store.syncs.kept_under(before[0], project.environment, before[1]) or own


def show(workspace: Workspace, sync: str) -> ShowDocument:
    """One sync with its counts, and its records that were not delivered."""
    row = known_sync(workspace, sync)
    exceptions = workspace.store.ledger.exceptions(sync, limit=_SHOWN_REJECTIONS)
    return ShowDocument(
        sync=sync_document(row, workspace.clock.now()),
        rejections=[exception_document(found) for found in exceptions],
    )


def known_sync(workspace: Workspace, sync: str) -> SyncRow:
    """A sync by its id. Raises ConfigError where this store does not know it."""
    row = workspace.store.syncs.get(sync)
    if row is None:
        known = [each.sync for each in workspace.store.syncs.list(limit=200)]
        raise ConfigError(
            f"This control store knows no sync {sync}.",
            hint=did_you_mean(sync, known) or "List them with `tailrace syncs`.",
            code="sync_unknown",
        )
    return row
