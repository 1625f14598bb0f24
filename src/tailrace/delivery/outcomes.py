"""The words of delivery: positions in a plan, what became of a record, and the promise of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class Outcome(StrEnum):
    """What became of one planned record (R20)."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Span:
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


@dataclass(frozen=True, slots=True)
class Resolution:
    """A batch that is decided: every record of the span was delivered, except the refusals."""

    unit: int
    span: Span
    records: int
    delivered: dict[str, int]
    """Delivered records by operation."""
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A batch about to be sent: stored before the first byte leaves (R25)."""

    unit: int
    span: Span


@dataclass(frozen=True, slots=True)
class Rendered:
    """A contiguous piece of one unit of the plan, rendered and ready to be cut into batches.

    `items` holds each record's text in a request, each already ended by the destination's separator; a record
    that the mapping refused has an empty item and a refusal, so that slices of the items' buffer stay contiguous.
    """

    unit: int
    seqs: pa.Int64Array
    keys: pa.StringArray
    operations: pa.StringArray
    record_ids: pa.StringArray
    items: pa.LargeStringArray
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By row index in this piece."""


class Ledger(Protocol):
    """Durable memory of what was offered and what was decided."""

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        """Store both in one durable transaction; raises FenceLost where another process took over."""
        ...
