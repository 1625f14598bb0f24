"""One record by itself: what the model, the state and the mapping make of it, for `send` and `why`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tailrace.columns import rows_of
from tailrace.runtime.prepared import Prepared
from tailrace.runtime.requesting import anything_quarantined, previous_of
from tailrace.sources.base import Session
from tailrace.state.checkpoint import Checkpoint
from tailrace.state.columns import store_columns
from tailrace.state.lookup import StateRow, model_rows, state_row, sync_of
from tailrace.state.names import StateNames
from tailrace.state.quarantine import Rejected, rejection_of

if TYPE_CHECKING:
    import pyarrow as pa

ChangeWord = Literal[
    "added", "updated", "deleted", "unchanged", "set_aside", "quarantined", "not_sent", "unknown_key"
]


_OWN = ("_key", "_reason")


@dataclass(frozen=True, slots=True)
class Payload:
    """A rendered record, or the field and reason for which the mapping refuses it."""

    text: str | None
    problem: str | None
    item: str = ""
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one record."""

    rows: pa.Table
    """The model's rows with this key, columns by model name (and `_key` and `_reason`)."""
    state: StateRow | None
    last_sync: tuple[str, Any] | None
    rejected: Rejected | None
    waits: bool
    """It is in quarantine now."""

    @property
    def model(self) -> list[dict[str, Any]]:
        """The model's rows as values."""
        return [
            {name: value for name, value in row.items() if name not in _OWN} for row in rows_of(self.rows)
        ]


def facts(
    session: Session, prepared: Prepared, found: tuple[StateNames, Checkpoint] | None, key: str
) -> Facts:
    """Look the record up in model and state; reads only. Raises SourceError."""
    dialect = prepared.source.dialect
    columns = store_columns(dialect, prepared.used)
    rows = model_rows(
        session, dialect, prepared.statement, prepared.mapping.where, prepared.key, columns, key
    )
    if found is None:
        return Facts(rows, None, None, None, False)
    names, checkpoint = found
    state = state_row(session, dialect, names, previous_of(checkpoint).columns, key)
    rejected = rejection_of(session, dialect, names, key)
    waits = (
        rejected is not None
        and rejected.next_try_at is not None
        and (anything_quarantined(session, dialect, names) and rejected.next_try_at > checkpoint.now)
    )
    synced_n = state.synced_n if state else None
    return Facts(rows, state, sync_of(session, dialect, names, synced_n), rejected, waits)


def verdict(known: Facts, operations: frozenset[str]) -> tuple[ChangeWord, str, list[str]]:
    """What the next sync does with the record, one sentence why, and the columns that differ (R7, R8, R21)."""
    state = known.state
    count = known.rows.num_rows
    if count > 1:
        return "set_aside", f"The key stands in {count} rows of the model: none of them is sent.", []
    if count == 0:
        return _gone(state, operations)
    if reason := known.rows.column("_reason")[0].as_py():
        told = "too long" if reason == "long" else reason
        return "set_aside", f"Its key is {told}: it is never sent.", []
    if state is None:
        return _if_sent("added", operations, "It is new: no destination has it yet.", [])
    values, held = known.model[0], state.values
    differing = [name for name, value in values.items() if name in held and held[name] != value]
    differing += [name for name in values if name not in held and values[name] is not None]
    if state.uncertain:
        known_before = state.baseline == "known" or (state.baseline is not None and "added" not in operations)
        operation: ChangeWord = "updated" if state.delivered or known_before else "added"
        return _if_sent(
            operation, operations, "It may or may not have arrived last time, so it goes again.", differing
        )
    if state.baseline == "unsent" and "added" in operations:
        return _if_sent(
            "added", operations, "It was known but never sent; the mode sends added records.", differing
        )
    if differing:
        listed = ", ".join(differing)
        return _if_sent("updated", operations, f"It differs from what was delivered in: {listed}.", differing)
    if state.baseline is not None:
        return "unchanged", "It is known and was never sent, and did not change since.", []
    return "unchanged", "The destination has it as it is.", []


def _gone(state: StateRow | None, operations: frozenset[str]) -> tuple[ChangeWord, str, list[str]]:
    if state is None:
        return "unknown_key", "Neither the model nor the state has this key.", []
    if state.delivered or state.uncertain:
        return _if_sent("deleted", operations, "It has left the model.", [])
    return "unchanged", "It has left the model and was never sent; it is forgotten at the next sync.", []


def _if_sent(
    operation: ChangeWord, operations: frozenset[str], why: str, differing: list[str]
) -> tuple[ChangeWord, str, list[str]]:
    if operation in operations:
        return operation, why, differing
    return "not_sent", f"{why} The mapping's mode does not send {operation} records.", differing


def render_one(prepared: Prepared, row: pa.Table, key: str, operation: str, sync: str) -> Payload:
    """Render one record, the first row, with the mapping as it is now, as an item of a request."""
    import pyarrow as pa

    from tailrace.destinations.define import Call
    from tailrace.runtime.rendering import record_id_sql

    target = prepared.target
    call = Call(target.settings, prepared.project.name, prepared.mapping.name, sync)
    outputs = {"id": record_id_sql(call.mapping, sync), "item": target.action.item(call)}
    own = {"_key": [key], "_operation": [operation], "_prior_id": pa.array([None], pa.string())}
    columns = {
        name: row.column(name).slice(0, 1).combine_chunks() if name in row.column_names else pa.nulls(1)
        for name in prepared.compiled.used_columns
    }
    batch = pa.RecordBatch.from_pydict({**columns, **own})
    with prepared.compiled.renderer(outputs) as renderer:
        done = renderer.render(batch).to_pylist()[0]
    if done["error_message"] is not None:
        field = done["error_field"]
        return Payload(None, f"field {field}: {done['error_message']}" if field else done["error_message"])
    return Payload(done["payload"], None, done["item"], done["id"])
