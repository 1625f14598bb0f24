"""What a sync would do now: the plan's own statement, read and never stored (`tailrace plan`)."""

from __future__ import annotations

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where no checker sees them.
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.columns import rows_of
from tailrace.runtime.plan_id import OUTPUTS, PlanId
from tailrace.runtime.prepared import Prepared, running_model
from tailrace.runtime.requesting import Previous
from tailrace.runtime.rerendering import Differing, old_mappings, stored_for
from tailrace.sources.base import Session
from tailrace.state.names import StateNames
from tailrace.state.operations import CANDIDATE, SENDABLE
from tailrace.state.plan_read import OLD, stream_plan
from tailrace.state.plan_request import PlanRequest
from tailrace.state.plan_table import PlanCounts, SetAside, counts_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a plan: values by column as the state holds them and as the model has them, and the payload."""

    operation: str
    key: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    payload: str | None
    problem: str | None


@dataclass(slots=True)
class Explained:
    """A plan that was read to its end."""

    plan_id: str = ""
    counts: PlanCounts | None = None
    changes: list[Change] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    refused: int = 0
    """Records that the mapping refuses."""
    differing: int | None = None
    """Unchanged records that the edited mapping renders differently."""


def explain(
    session: Session,
    prepared: Prepared,
    names: StateNames,
    request: PlanRequest,
    previous: Previous,
    *,
    samples: int,
) -> Explained:
    """Read the plan as it would be made now. Raises SourceError, ModelError."""
    reading = _Reading(prepared, request, previous, samples)
    try:
        attempt = secrets.token_hex(4)
        dialect = prepared.source.dialect
        with (
            running_model(prepared),
            stream_plan(session, dialect, names, request, reading.before, attempt) as batches,
        ):
            for batch in batches:
                if batch.num_rows:
                    reading.take(batch)
    finally:
        reading.close()
    return reading.explained()


class _Reading:
    """Takes the rows of a plan in order, those with a position first."""

    def __init__(self, prepared: Prepared, request: PlanRequest, previous: Previous, samples: int) -> None:
        self._columns = [column.name for column in request.used]
        self._samples = samples
        self._renderer = prepared.compiled.renderer(OUTPUTS, threads=2)
        old = old_mappings(previous, prepared) if request.candidates else ()
        self._differing = Differing(old, prepared.compiled) if old else None
        stored = stored_for(old, previous.columns)
        self.before = [column for column in stored if column.name not in self._columns]
        """Where the state holds what only the earlier mapping reads."""
        self._id = PlanId()
        self._result = Explained(differing=0 if request.candidates else None)
        self._tally: dict[tuple[str, str | None], list[int]] = {}
        self._sampled: Counter[str] = Counter()
        self._set_aside: Counter[tuple[str, str | None]] = Counter()

    def close(self) -> None:
        self._renderer.close()
        if self._differing is not None:
            self._differing.__exit__(None, None, None)

    def take(self, batch: pa.RecordBatch) -> None:
        """Count the rows, render those that would be sent, keep samples."""
        batch = self._settle_candidates(batch)
        self._count(batch)
        self._note_set_aside(batch)
        self._render(batch)

    def explained(self) -> Explained:
        """The result; only whole once all rows were taken."""
        self._result.plan_id = self._id.hexdigest()
        self._result.counts = counts_of(
            [(operation, reason, *numbers) for (operation, reason), numbers in self._tally.items()]  # pyright: ignore[reportArgumentType]
        )
        self._result.set_aside = [
            SetAside(reason, key, rows) for (reason, key), rows in self._set_aside.most_common(self._samples)
        ]
        return self._result

    def _settle_candidates(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Candidates that render differently are updates here, as in a sealed plan."""
        import pyarrow as pa
        import pyarrow.compute as pc

        operations = batch.column("_operation")
        is_candidate = pc.equal(operations, CANDIDATE)
        if self._differing is None or not pc.any(is_candidate).as_py():
            return batch
        differs = pc.and_(is_candidate, self._differing.rows(batch))
        self._result.differing = (self._result.differing or 0) + (pc.sum(differs).as_py() or 0)
        settled = pc.if_else(differs, pa.scalar("updated", operations.type), operations)
        index = batch.schema.get_field_index("_operation")
        return batch.set_column(index, "_operation", settled)

    def _count(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        rows = pa.table({name: batch.column(f"_{name}") for name in ("operation", "reason", "total")})
        grouped = rows.group_by(["operation", "reason"]).aggregate([([], "count_all"), ("total", "sum")])
        for row in grouped.to_pylist():
            operation, reason = row["operation"], row["reason"]
            modelled = (
                operation not in ("count", "deleted", "deleted_not_sent", "drop") and reason != "deleted"
            )
            numbers = self._tally.setdefault((operation, reason), [0, 0, 0])
            numbers[0] += row["count_all"]
            numbers[1] += row["total_sum"] or 0
            numbers[2] += row["count_all"] if modelled else 0

    def _note_set_aside(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        found = batch.filter(pc.equal(batch.column("_operation"), "set_aside"))
        for reason, key in zip(
            found.column("_reason").to_pylist(), found.column("_key").to_pylist(), strict=True
        ):
            self._set_aside[reason, key] += 1

    def _render(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        sent = batch.filter(pc.is_in(batch.column("_operation"), pa.array(SENDABLE)))
        if not sent.num_rows:
            return
        done = self._renderer.render(sent)
        self._id.add(done.column("line"))
        problems = done.column("error_message")
        self._result.refused += len(problems) - problems.null_count
        operations = sent.column("_operation")
        for operation in SENDABLE:
            room = self._samples - self._sampled[operation]
            if room > 0:
                rows = pc.indices_nonzero(pc.equal(operations, operation))[:room]
                self._keep(sent.take(rows), done.take(rows))
                self._sampled[operation] += len(rows)

    def _keep(self, sent: pa.RecordBatch, done: pa.RecordBatch) -> None:
        for row, rendered in zip(rows_of(sent), done.to_pylist(), strict=True):
            operation = row["_operation"]
            values = {name: row[name] for name in self._columns}
            state = {name: row[OLD + name] for name in self._columns}
            field_name, message = rendered["error_field"], rendered["error_message"]
            self._result.changes.append(
                Change(
                    operation,
                    row["_key"],
                    old=values if operation == "deleted" else state if operation == "updated" else None,
                    new=None if operation == "deleted" else values,
                    payload=rendered["payload"],
                    problem=f"{field_name}: {message}" if field_name else message,
                )
            )
