"""`why`: all that is known of one record, from the model to the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailrace.columns import Column
from tailrace.runtime.prepared import prepare
from tailrace.runtime.record import Facts, facts, render_one, verdict
from tailrace.service.conversion import attempt_document, moment, plain_values, rejection_document
from tailrace.service.documents import WhyDocument
from tailrace.service.exact import parsed
from tailrace.service.holding import stored_checkpoint

if TYPE_CHECKING:
    from tailrace.service.workspace import Workspace


def why(workspace: Workspace, mapping: str, key: str) -> WhyDocument:
    """Model values, state, change, payload, quarantine and every attempt this store knows. Reads only."""
    prepared = prepare(workspace.project, mapping, workspace.environ)
    with prepared.source.session(model=True) as session:
        found = stored_checkpoint(session, prepared.source, prepared.names)
        known = facts(session, prepared, found, key)
    change, sentence, differing = verdict(known, prepared.mapping.operations)
    if known.waits and change in ("added", "updated", "deleted") and known.rejected is not None:
        change = "quarantined"
        sentence = (
            f"It was refused {known.rejected.attempts} times and waits until {moment(known.rejected.next_try_at)}, "
            "or until its values, the mapping or the destination's settings change."
        )
    elif known.rejected is not None and change != "unchanged":
        sentence += f" The destination refused it last: {known.rejected.message}"
    row = known.rows if known.rows.num_rows == 1 else (known.state.row if known.state else None)
    operation = "deleted" if known.rows.num_rows == 0 else "updated"
    payload = render_one(prepared, row, key, operation, "why") if row is not None else None
    names = found[0] if found else prepared.names
    attempts = workspace.store.ledger.attempts(names.id, key)
    detail = attempts[0] if attempts else None
    return WhyDocument(
        mapping=mapping,
        key=key,
        verdict=sentence,
        model=[plain_values(each, prepared.columns) for each in known.model],
        state=_state(known, prepared.columns),
        change=None if change == "unknown_key" else change,
        changed_columns=differing,
        payload=parsed(payload.text) if payload is not None and payload.text is not None else None,
        problem=payload.problem if payload is not None else None,
        quarantine=rejection_document(known.rejected, detail) if known.rejected else None,
        attempts=[attempt_document(each) for each in attempts],
    )


def _state(known: Facts, columns: Sequence[Column]) -> dict[str, Any] | None:
    state = known.state
    if state is None:
        return None
    return {
        "values": plain_values(state.values, columns),
        "delivered": state.delivered,
        "uncertain": state.uncertain,
        "baseline": state.baseline,
        "sync": known.last_sync[0] if known.last_sync else None,
        "at": moment(known.last_sync[1]) if known.last_sync else None,
    }
