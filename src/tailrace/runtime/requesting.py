"""What a mapping asks of its plan: the request that the plan's statement is made from, on top of what was stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tailrace.errors import Blocked
from tailrace.ids import digest
from tailrace.runtime.pinned import PinnedMapping
from tailrace.runtime.prepared import Prepared, Target
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.checkpoint import Checkpoint, Remember
from tailrace.state.columns import StoredColumn, used
from tailrace.state.evolve import Evolution
from tailrace.state.guards import GuardResult
from tailrace.state.names import StateNames
from tailrace.state.plan import QUARANTINE_FROM
from tailrace.state.plan_request import PlanRequest

OnChange = Literal["same", "rerender", "resend", "keep"]

_EARLIER, _KEY = "rendered_before", "key"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A version of the mapping that rendered what the destination holds; `until` is the first sync it did not."""

    fingerprint: str
    spec: dict[str, Any]
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """What earlier syncs left: how the records are stored, and the mapping that rendered them."""

    columns: tuple[StoredColumn, ...] = ()
    remember: Remember = "values"
    renderings: tuple[Rendering, ...] = ()
    """In their order; several only after edits in a mode that sends no updates. The last is the last sync's."""
    destination: str | None = None
    first: bool = True


def previous_of(found: Checkpoint | None) -> Previous:
    """What a checkpoint says of earlier syncs."""
    if found is None:
        return Previous()
    spec = dict(found.spec or {})
    renderings = [_rendering(each) for each in spec.pop(_EARLIER, ())]
    if found.fingerprint is not None:
        renderings.append(Rendering(found.fingerprint, spec))
    return Previous(found.columns or (), found.remember, tuple(renderings), found.destination, found.first)


def _rendering(stored: Any) -> Rendering:
    """A version as it was stored; one in a form that is not ours becomes one that `unpin` refuses, should it matter."""
    try:
        return Rendering(**stored)
    except TypeError:
        return Rendering("", {})


def pinned_document(
    pinned: PinnedMapping, prepared: Prepared, previous: Previous, change: OnChange, n: int
) -> dict[str, Any]:
    """What the checkpoint keeps of a mapping as planned for sync number `n`.

    Where its fields were edited in a mode that sends no updates, earlier versions stay beside it, each with the syncs
    that it rendered, so that a later mode finds what renders differently since (R8, R17).
    """
    document = pinned.document() | {_KEY: [column.name for column in prepared.key]}
    if change in ("same", "keep") or "updated" in prepared.mapping.operations:
        return document
    *earlier, last = previous.renderings
    if _edited(prepared, previous):
        earlier.append(replace(last, until=n))
    return document | {_EARLIER: [asdict(each) for each in earlier]}


def other_key(prepared: Prepared, previous: Previous) -> str | None:
    """A warning where records are known by another unique identifier than the model has now; None where all is well."""
    before = previous.renderings[-1].spec.get(_KEY) if previous.renderings else None
    now = [column.name for column in prepared.key]
    if before in (None, now):
        return None
    return (
        f"The unique identifier was {', '.join(before)} and is {', '.join(now)} now: every record counts as new under"
        " its new key, and what was delivered under the old one as gone."
    )


def on_change(prepared: Prepared, previous: Previous) -> OnChange:
    """What is to be done about an edited expression (R17). Raises Blocked where only a person can say."""
    if not previous.renderings or (len(previous.renderings) == 1 and not _edited(prepared, previous)):
        return "same"
    chosen = prepared.mapping.on_change
    checksums = prepared.remember == "checksum" or previous.remember == "checksum"
    if chosen == "keep":
        return "keep"
    if chosen == "resend":
        return "resend"
    if checksums:
        raise Blocked(
            "The mapping's fields were edited, and with `remember: checksum` it cannot be told which records "
            "render differently now.",
            hint="Set the mapping's `on_change` to `resend` (all records go again) or `keep` (only later changes go).",
            code="mapping_changed",
        )
    return "rerender"


def _edited(prepared: Prepared, previous: Previous) -> bool:
    """Whether the mapping renders by other expressions than at the last sync."""
    last = previous.renderings[-1].fingerprint
    return last != prepared.compiled.fingerprint or _other_class(prepared, previous)


def _other_class(prepared: Prepared, previous: Previous) -> bool:
    """Whether a column that the mapping reads is of another type class now, which changes its expressions (R15)."""
    dialect = prepared.source.dialect
    held = {column.name: column.column for column in used(previous.columns)}
    return any(
        column.name in held and dialect.widen(held[column.name], dialect.storage(column)) is None
        for column in prepared.used
    )


def changed_destination(prepared: Prepared, found: Checkpoint) -> GuardResult | None:
    """The verdict on a destination that became another account (R18); None where it did not, or that was approved."""
    identity = prepared.target.identity
    name = f"destination_changed:{digest(identity)[:16]}"
    approved = found.approval is not None and found.approval.permits(name, 1)
    if found.destination in (None, identity) or approved:
        return None
    return GuardResult(name, "the same destination", "another one", False, 1)


def rejection_scope(fingerprint: str, target: Target) -> str:
    """What a refusal belongs to: the mapping as it renders, and the destination's settings (R23)."""
    return f"{fingerprint}:{target.settings_digest}"


def plan_request(
    prepared: Prepared,
    previous: Previous,
    evolution: Evolution,
    change: OnChange,
    *,
    quarantine: bool,
) -> PlanRequest:
    """The request for a new plan against the records table as `evolution` leaves it."""
    mapping = prepared.mapping
    return PlanRequest(
        sql=prepared.statement,
        where=mapping.where,
        key=prepared.key,
        columns=evolution.columns,
        records=evolution.records,
        operations=mapping.operations,
        first=previous.first,
        first_sync_skip=mapping.first_sync == "skip",
        remember=prepared.remember,
        fingerprint=rejection_scope(prepared.compiled.fingerprint, prepared.target),
        quarantine=quarantine,
        candidates=change == "rerender" and "updated" in mapping.operations,
        resend=change == "resend",
    )


def anything_quarantined(session: Session, dialect: Dialect, names: StateNames) -> bool:
    """Whether any record was refused often enough to wait (R23)."""
    table = dialect.table(names.schema, names.rejections)
    return bool(
        session.rows(dialect.limited(f"SELECT 1 AS one FROM {table} WHERE attempts >= {QUARANTINE_FROM}", 1))
    )
