"""What the control store is given and gives back: plain values, without a database behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tailrace.outcomes import Outcome, Span


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One sync as the store remembers it."""

    sync: str
    mapping: str
    state_id: str
    project: str
    environment: str | None
    status: str
    resumed: bool
    started_at: datetime
    finished_at: datetime | None
    fence: int
    owner: str
    """The random token of the process that holds the sync; every write is conditional on it."""
    host: str
    pid: int
    lease_until: datetime
    counts: dict[str, int] = field(default_factory=dict)
    by_operation: dict[str, dict[str, int]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of plan, send and commit."""
    error: dict[str, Any] | None = None
    holder: str | None = None
    """Its process as JSON, by which others on its host can prove it dead; None in rows of older versions."""
    renewed_at: datetime | None = None
    """When that process was last heard of."""


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit of work as it enters the ledger; the last three are what the warehouse already knows."""

    unit: int
    span: Span
    records: int
    resolved: tuple[Span, ...] = ()
    resolved_records: int = 0
    delivered: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """How far a unit has come. Every position of its span is resolved, in flight, or not offered yet."""

    unit: int
    span: Span
    records: int
    resolved: tuple[Span, ...]
    resolved_records: int
    in_flight: tuple[Span, ...]
    """Batches that were offered and not decided: exactly these go again on resume, with the same keys."""
    unoffered: tuple[Span, ...]
    delivered: dict[str, int]
    """Delivered records by operation."""

    @property
    def offered(self) -> int:
        """The highest position that was offered; one before the span where nothing was."""
        return max(
            (span.last for span in (*self.resolved, *self.in_flight)),
            default=self.span.first - 1,
        )

    @property
    def complete(self) -> bool:
        """Whether every record of the unit is decided."""
        return not self.in_flight and not self.unoffered


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """A record that was not delivered, with the sync and the time."""

    sync: str
    number: int
    """Rises within a sync in the order of recording."""
    seq: int
    key: str
    operation: str
    outcome: Outcome
    reason: str
    code: str
    message: str
    record_id: str
    payload: str | None
    answer: str | None
    attempts: int
    at: datetime
