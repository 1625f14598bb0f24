"""The counts of a sync (R32): what was found, planned and became of it, and the sums that must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from tailrace.errors import TailraceError
from tailrace.outcomes import Outcome

OPERATIONS = ("added", "updated", "deleted")


class CountsError(TailraceError):
    """Counts that must add up do not: a defect of Tailrace, found before it could hide a lost record."""

    code = "counts_do_not_add_up"


@dataclass(frozen=True, slots=True)
class OperationCounts:
    """One operation's share: what was planned and became of it, and what was held back."""

    planned: int = 0
    delivered: int = 0
    rejected: int = 0
    aborted: int = 0
    unknown: int = 0
    quarantined: int = 0
    not_sent: int = 0

    @property
    def decided(self) -> int:
        """Records with an outcome."""
        return self.delivered + self.rejected + self.aborted + self.unknown


@dataclass(frozen=True, slots=True)
class Counts:
    """Every count of one sync; deletions held back stand in `by_operation` alone: they have no model row."""

    model_rows: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    set_aside: int = 0
    quarantined: int = 0
    not_sent: int = 0
    planned: int = 0
    delivered: int = 0
    rejected: int = 0
    aborted: int = 0
    unknown: int = 0
    by_operation: Mapping[str, OperationCounts] = field(
        default_factory=lambda: {operation: OperationCounts() for operation in OPERATIONS}
    )

    def to_json(self) -> str:
        """The text that the checkpoint keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """The counts from the checkpoint's text."""
        document = json.loads(text)
        shares = document.pop("by_operation", {})
        known = {each.name for each in fields(cls)}
        return cls(
            **{name: value for name, value in document.items() if name in known},
            by_operation={operation: OperationCounts(**share) for operation, share in shares.items()},
        )

    def with_outcomes(self, outcomes: Mapping[tuple[str, Outcome], int]) -> Counts:
        """The same plan with what became of it, counted by operation and outcome."""
        shares = {
            operation: replace(
                self.by_operation.get(operation, OperationCounts()),
                **{outcome.value: outcomes.get((operation, outcome), 0) for outcome in Outcome},
            )
            for operation in OPERATIONS
        }
        totals = {
            outcome.value: sum(outcomes.get((operation, outcome), 0) for operation in OPERATIONS)
            for outcome in Outcome
        }
        return replace(self, **totals, by_operation=shares)


def assert_plan(counts: Counts) -> None:
    """Hold the plan's sums of R32, each term counted on its own. Raises CountsError naming the sum."""
    _equal(
        "model rows",
        counts.model_rows,
        added=counts.added,
        updated=counts.updated,
        unchanged=counts.unchanged,
        set_aside=counts.set_aside,
        quarantined=counts.quarantined,
        not_sent=counts.not_sent,
    )
    _equal(
        "planned records",
        counts.planned,
        added=counts.added,
        updated=counts.updated,
        deleted=counts.deleted,
    )
    for operation in OPERATIONS:
        share = counts.by_operation.get(operation, OperationCounts())
        _equal(f"planned {operation}", share.planned, planned=getattr(counts, operation))


def assert_outcomes(counts: Counts) -> None:
    """Hold R32's sums over a finished sync: one outcome per planned record. Raises CountsError."""
    _equal(
        "planned records",
        counts.planned,
        delivered=counts.delivered,
        rejected=counts.rejected,
        aborted=counts.aborted,
        unknown=counts.unknown,
    )
    for outcome in Outcome:
        shares = {
            operation: getattr(counts.by_operation.get(operation, OperationCounts()), outcome.value)
            for operation in OPERATIONS
        }
        _equal(f"{outcome.value} records", getattr(counts, outcome.value), **shares)
    for operation, share in counts.by_operation.items():
        _equal(f"planned {operation}", share.planned, decided=share.decided)


def _equal(what: str, total: int, **terms: int) -> None:
    if total == sum(terms.values()):
        return
    summed = " + ".join(f"{name} {value:,}" for name, value in terms.items())
    raise CountsError(
        f"the counts of this sync do not add up: {total:,} {what}, but {summed} = {sum(terms.values()):,}",
        hint="this is a defect of Tailrace; nothing was lost, but please report it with this message",
    )
