"""The words of delivery: what a renderer hands to the engine, and the promise of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tailrace.outcomes import Offer, Outcome, Refusal, Resolution, Span, UnitProgress

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ledger", "Offer", "Outcome", "Refusal", "Rendered", "Resolution", "Span", "UnitProgress"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A contiguous piece of one unit of the plan, rendered and ready to be cut into batches.

    `items` holds each record's text in a request, each already ended by the destination's separator; a record
    that the mapping refused has an empty item and a refusal, so that slices of the items' buffer stay
    contiguous.
    """

    unit: int
    seqs: pa.Int64Array
    keys: pa.StringArray
    operations: pa.StringArray
    record_ids: pa.StringArray
    items: pa.LargeStringArray
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By row index in this piece."""
    last: bool = False
    """Nothing of this unit comes after this piece; its last batch need not wait for more."""


class Ledger(Protocol):
    """Durable memory of what was offered and what was decided."""

    def record(self, resolutions: Sequence[Resolution], offers: Sequence[Offer]) -> None:
        """Store both in one durable transaction; raises FenceLost where another process took over."""
        ...
