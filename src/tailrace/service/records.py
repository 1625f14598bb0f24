"""Refused records, and what a person may do about a mapping's records: release, resend, reset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailrace.errors import ConfigError
from tailrace.service.conversion import rejection_document
from tailrace.service.documents import ActionDocument, RejectionsDocument
from tailrace.service.holding import held_fence, mapping_state, stored_checkpoint
from tailrace.state import upkeep
from tailrace.state.quarantine import rejections as stored_rejections
from tailrace.state.quarantine import release_quarantine

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def rejections(workspace: Workspace, mapping: str) -> RejectionsDocument:
    """Every record that is refused now, from the warehouse, with payload and answer where this store has them."""
    source, names = mapping_state(workspace, mapping)
    with source.session() as session:
        found = stored_checkpoint(session, source, names)
        rows = stored_rejections(session, source.dialect, found[0]) if found else []
    details = {row.key: row for row in workspace.store.ledger.rejected(found[0].id if found else names.id)}
    return RejectionsDocument(
        mapping=mapping,
        rejections=[rejection_document(row, details.get(row.record_id)) for row in rows],
    )


def release(workspace: Workspace, mapping: str, key: str | None) -> ActionDocument:
    """Let one refused record, or all, go with the next sync. Raises LeaseHeld, ConfigError."""
    with held_fence(workspace, mapping) as (source, fence, _), source.session() as session:
        released = release_quarantine(session, fence, key)
    if key is not None and not released:
        raise ConfigError(
            f"The record {key} of `{mapping}` was not refused.",
            hint=f"List refused records with `tailrace rejections {mapping}`.",
            code="record_unknown",
        )
    words = "1 record goes" if released == 1 else f"{released:,} records go"
    return ActionDocument(
        action="release", mapping=mapping, records=released, message=f"{words} with the next sync."
    )


def resend(workspace: Workspace, mapping: str, keys: Sequence[str]) -> ActionDocument:
    """Mark delivered records to be sent again. Raises LeaseHeld, ConfigError."""
    with held_fence(workspace, mapping) as (source, fence, _), source.session() as session:
        marked = upkeep.mark_resend(session, fence, list(keys) or None)
    if keys and marked < len(set(keys)):
        raise ConfigError(
            f"Only {marked} of {len(set(keys))} keys were ever delivered; those are marked."
            if marked
            else "Nothing was ever delivered under "
            + ("that key." if len(set(keys)) == 1 else f"any of those {len(set(keys))} keys."),
            hint="A record that was never delivered goes with the next sync anyway.",
            code="record_unknown",
        )
    words = "1 record is" if marked == 1 else f"{marked:,} records are"
    return ActionDocument(
        action="resend", mapping=mapping, records=marked, message=f"{words} sent again with the next sync."
    )


def reset(workspace: Workspace, mapping: str) -> ActionDocument:
    """Forget what was delivered and refused. Raises LeaseHeld."""
    with held_fence(workspace, mapping) as (source, fence, _), source.session() as session:
        forgotten = upkeep.reset(session, fence)
    words = "1 record was" if forgotten == 1 else f"{forgotten:,} records were"
    return ActionDocument(
        action="reset",
        mapping=mapping,
        records=forgotten,
        message=f"{words} forgotten; the next sync sends all records as added, and deletes none.",
    )


def accept(workspace: Workspace, mapping: str) -> ActionDocument:
    """Take the state's records as they stand after somebody changed their number. Raises LeaseHeld."""
    with held_fence(workspace, mapping) as (source, fence, _), source.session() as session:
        rows = upkeep.accept_row_count(session, fence).rows
    words = "1 record is" if rows == 1 else f"{rows:,} records are"
    return ActionDocument(
        action="reset",
        mapping=mapping,
        records=rows,
        message=f"{words} taken as they stand; the next sync sends what differs from them.",
    )
