"""The checkpoint row of a mapping, typed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tailrace.errors import StateError
from tailrace.sources.base import Job, Session
from tailrace.sources.dialect import Dialect
from tailrace.state.columns import StoredColumn, columns_from_json, columns_to_json
from tailrace.state.counts import Counts
from tailrace.state.guards import Approval
from tailrace.state.holder import Holder
from tailrace.state.names import StateNames

Phase = Literal["idle", "planned"]
Remember = Literal["values", "checksum"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the warehouse knows of one mapping; `columns` and `remember` describe its records table."""

    source_id: str
    model_id: str
    checkpoint: datetime | None
    n: int
    sync_id: str | None
    phase: Phase
    plan_table: str | None
    counts: Counts | None
    columns: tuple[StoredColumn, ...] | None
    remember: Remember
    fingerprint: str | None
    spec: dict[str, Any] | None
    destination: str | None
    project: str
    mapping: str
    row_count: int
    planned_at: datetime | None
    owner: str | None
    holder: Holder | None
    fence: int
    lease_until: datetime | None
    job: Job | None
    approval: Approval | None
    first: bool
    """No sync of this mapping was committed yet."""
    now: datetime
    """The warehouse's clock when the row was read."""
    since: datetime | None
    """When the lease was taken, by its holder's clock."""
    http_timeout: float
    """How long a request of the holder may be under way."""
    quiet_until: datetime | None
    """Until then, requests of an owner before the holder may still be under way (R3)."""


_COLUMNS = (
    "source_id", "model_id", "checkpoint", "n", "sync_id", "phase", "plan_table", "counts", "columns",
    "fingerprint", "spec", "destination", "project", "mapping", "row_count", "planned_at", "owner", "holder",
    "fence", "lease_until", "job", "approval", "first",
)  # fmt: skip
_DOCUMENTS = ("columns", "spec")
"""Columns of the checkpoint that grow with the mapping; what stands in them is ASCII."""


def read_checkpoint(session: Session, dialect: Dialect, names: StateNames) -> Checkpoint | None:
    """The mapping's checkpoint; None where nothing was ever synced. Raises StateError for a row that is no row."""
    found = {name for name, _ in session.rows(dialect.list_tables(names.schema))}
    if names.checkpoints not in found:
        return None
    selected = ", ".join(
        dialect.document(dialect.quote(name), 1) if name in _DOCUMENTS else dialect.quote(name)
        for name in _COLUMNS
    )
    table = dialect.table(names.schema, names.checkpoints)
    rows = session.rows(f"SELECT {selected}, {dialect.now()} FROM {table}")
    if len(rows) != 1:
        raise StateError(
            f"The table {names.checkpoints} holds {len(rows)} rows; it must hold exactly one.",
            hint="Restore it from a backup, or drop this mapping's tables to begin anew.",
        )
    row: dict[str, Any] = dict(zip((*_COLUMNS, "now"), rows[0], strict=True))
    if not all(_completed(session, dialect, table, row, name) for name in _DOCUMENTS):
        return read_checkpoint(session, dialect, names)
    try:
        return _typed(row)
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"The row in {names.checkpoints} cannot be read: {error}",
            hint="Restore it from a backup, or drop this mapping's tables to begin anew.",
        ) from error


def _completed(session: Session, dialect: Dialect, table: str, row: dict[str, Any], name: str) -> bool:
    """Read on where one value of a result holds a part of a document only; False if the row has changed meanwhile."""
    most = dialect.document_characters
    same = f"fence = {row['fence']} AND n = {row['n']} AND phase = {dialect.literal(row['phase'])}"
    while most and row[name] and len(row[name]) % most == 0:
        rest = dialect.document(dialect.quote(name), len(row[name]) + 1)
        found = session.rows(f"SELECT {rest} FROM {table} WHERE {same}")
        if not found:
            return False
        if not found[0][0]:
            break
        row[name] += found[0][0]
    return True


def _typed(row: dict[str, Any]) -> Checkpoint:
    holder = json.loads(row["holder"]) if row["holder"] else {}
    stored = json.loads(row["columns"]) if row["columns"] else {}
    job = json.loads(row["job"]) if row["job"] else None
    return Checkpoint(
        **row
        | {
            "counts": Counts.from_json(row["counts"]) if row["counts"] else None,
            "columns": columns_from_json(stored["columns"]) if stored else None,
            "remember": stored.get("remember", "values"),
            "spec": json.loads(row["spec"]) if row["spec"] else None,
            "holder": Holder.from_json(row["holder"]),
            "since": _time(holder.get("since")),
            "http_timeout": float(holder.get("http_timeout", 0)),
            "quiet_until": _time(holder.get("quiet_until")),
            "job": Job(job["id"], job["attributes"]) if job else None,
            "approval": Approval.from_json(row["approval"]) if row["approval"] else None,
            "first": bool(row["first"]),
        }
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def stored_columns_text(columns: Sequence[StoredColumn], remember: Remember) -> str:
    """The checkpoint's `columns`: what the records table holds, and in which form."""
    return json.dumps({"remember": remember, "columns": columns_to_json(columns)}, separators=(",", ":"))


def job_text(job: Job | None) -> str | None:
    """The checkpoint's `job`."""
    return json.dumps({"id": job.id, "attributes": job.attributes}, separators=(",", ":")) if job else None
