"""Counting outcomes, in total and by operation, without an object per record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tailrace.outcomes import Outcome, Resolution


@dataclass(slots=True)
class Counts:
    """Outcomes so far."""

    delivered: int = 0
    rejected: int = 0
    aborted: int = 0
    unknown: int = 0
    by_operation: dict[str, Counter[str]] = field(default_factory=dict)
    """Per operation, how many records had which outcome."""

    @property
    def total(self) -> int:
        return self.delivered + self.rejected + self.aborted + self.unknown

    def add(self, resolution: Resolution) -> None:
        """Count a decided batch; what it says must add up to its records."""
        delivered = sum(resolution.delivered.values())
        if delivered + len(resolution.refusals) != resolution.records:
            raise AssertionError(f"outcomes do not add up to the {resolution.records} records of a batch")
        self.delivered += delivered
        for operation, count in resolution.delivered.items():
            self._of(operation)[Outcome.DELIVERED] += count
        for refusal in resolution.refusals:
            self._of(refusal.operation)[refusal.outcome] += 1
            match refusal.outcome:
                case Outcome.REJECTED:
                    self.rejected += 1
                case Outcome.ABORTED:
                    self.aborted += 1
                case _:
                    self.unknown += 1

    def _of(self, operation: str) -> Counter[str]:
        if operation not in self.by_operation:
            self.by_operation[operation] = Counter()
        return self.by_operation[operation]


@dataclass(slots=True)
class DeliverySummary:
    """What a delivery did; records that were never offered have no outcome here."""

    counts: Counts = field(default_factory=Counts)
    requests: int = 0
    """Attempts, retries included."""
    retries: int = 0
    bytes_sent: int = 0
    complete: bool = False
    """Every piece was offered and resolved; False where it was stopped before the end."""
    warnings: list[str] = field(default_factory=list)
