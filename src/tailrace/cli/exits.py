"""Exit codes, decided in one place from what the documents say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.service.documents import ErrorDocument, PlanDocument, SyncDocument

SUCCESS, FAILED, USAGE, PARTIAL, BLOCKED, BUSY, CHANGES, CANCELLED = 0, 1, 2, 3, 4, 5, 6, 130

MEANINGS = {
    SUCCESS: "success (records set aside or quarantined are shown as warnings)",
    FAILED: "failed, also when the destination refuses the credentials or the address while sending",
    USAGE: "usage or configuration, before a sync starts",
    PARTIAL: "partial: some records were not delivered, as the mapping's `fail_on` says",
    BLOCKED: "blocked by a guard or a changed destination",
    BUSY: "another sync of the mapping is running",
    CHANGES: "`plan --exit-code` found changes",
    CANCELLED: "cancelled",
}

_WORST_FIRST = (CANCELLED, USAGE, FAILED, BLOCKED, PARTIAL, BUSY, CHANGES, SUCCESS)
_OF_STATUS = {
    "running": SUCCESS,
    "success": SUCCESS,
    "superseded": SUCCESS,
    "discarded": SUCCESS,
    "partial": PARTIAL,
    "failed": FAILED,
    "blocked": BLOCKED,
    "cancelled": CANCELLED,
    "interrupted": CANCELLED,
}
_BUSY_CODES = frozenset({"lease_held", "fence_lost"})


def worst(codes: Iterable[int]) -> int:
    """The code of a command that did several things: the worst of 1, 4, 3, 5; a cancel outranks all."""
    ranked = {code: rank for rank, code in enumerate(_WORST_FIRST)}
    return min(codes, key=lambda code: ranked.get(code, 0), default=SUCCESS)


def of_sync(document: SyncDocument) -> int:
    """What one sync means for the exit code; one that was interrupted by an error failed, for now."""
    if document.status in ("failed", "interrupted") and document.error is not None:
        if is_busy(document.error):
            return BUSY
        if document.error.code != "cancelled":
            return FAILED
    return _OF_STATUS[document.status]


def of_plan(document: PlanDocument, changes: bool) -> int:
    """What one plan means: an error that is no block fails; with `--exit-code`, blocks and changes count."""
    if document.error is not None and not document.blocked:
        return BUSY if is_busy(document.error) else FAILED
    if not changes:
        return SUCCESS
    if document.blocked:
        return BLOCKED
    return CHANGES if document.counts.planned else SUCCESS


def of_outcome(outcome: str) -> int:
    """What the outcome of a single test record means."""
    return {"delivered": SUCCESS, "rejected": PARTIAL, "unknown": PARTIAL}.get(outcome, FAILED)


def is_busy(error: ErrorDocument | None) -> bool:
    """Did another process hold, or take over, the mapping?"""
    return error is not None and error.code in _BUSY_CODES
