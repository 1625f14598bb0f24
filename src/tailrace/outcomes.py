"""What became of planned records: positions in a plan, outcomes, and what the ledger is told of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of one planned record (R20)."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class Span(NamedTuple):
    """Plan positions (`seq`) from `first` to `last`, both included. Gaps between positions mean nothing."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not delivered, and all that is known of why."""

    seq: int
    key: str
    operation: str
    outcome: Outcome
    reason: str
    """Class of the reason, e.g. `mapping`, `http_400`, `result`, `timeout`, `connection_refused`."""
    code: str
    message: str
    record_id: str = ""
    payload: str | None = None
    answer: str | None = None
    attempts: int = 1


class Resolution(NamedTuple):
    """A batch that is decided: every record of the span was delivered, except the refusals."""

    unit: int
    span: Span
    records: int
    delivered: dict[str, int]
    """Delivered records by operation."""
    refusals: tuple[Refusal, ...] = ()


class Offer(NamedTuple):
    """A batch about to be sent: stored before the first byte leaves (R25)."""

    unit: int
    span: Span


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """What the ledger knows of one unit when a sync goes on."""

    resolved: tuple[Span, ...] = ()
    in_flight: tuple[Span, ...] = ()
    """Offered, and not resolved: each is cut again exactly as it was, for the same bytes and the same key."""
    doubtful: tuple[Span, ...] = ()
    """May have been sent by a run whose ledger was lost, nobody knows how cut."""
