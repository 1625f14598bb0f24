"""The guards: pure decisions on counts, before and while sending (R30), and what an approval permits (R31)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from tailrace.state.counts import Counts

PERCENT_FROM = 20
"""Percent guards look away below this many records: three of ten is no landslide."""
OUTCOMES_FROM = 1_000
"""Outcomes after which the rejected share is looked at while sending."""
APPROVAL_PERCENT = 110
"""An approval covers counts up to this share of what was approved."""


class GuardLimits(Protocol):
    """The limits of one mapping, as its `guards` say."""

    @property
    def max_deletes(self) -> int | None: ...
    @property
    def max_delete_percent(self) -> float | None: ...
    @property
    def max_set_aside_percent(self) -> float | None: ...
    @property
    def max_changes(self) -> int | None: ...
    @property
    def max_rejected_percent(self) -> float | None: ...
    @property
    def allow_empty_model(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class GuardResult:
    """One guard's verdict: `count` of the guarded records is what an approval must cover."""

    name: str
    limit: str
    value: str
    passed: bool
    count: int
    approved: bool = False
    """It would have stopped the sync, had nobody approved."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person approved: the guarded counts of a blocked sync."""

    sync_id: str
    counts: Mapping[str, int]
    """By guard name; only the guards that stopped the sync."""
    approved: bool = True
    """False: the sync was stopped, and nobody has approved yet."""

    def permits(self, guard: str, count: int) -> bool:
        """Whether a new plan with this guarded count goes: at most 10 % more than was approved."""
        covered = self.counts.get(guard)
        return self.approved and covered is not None and count * 100 <= covered * APPROVAL_PERCENT

    def to_json(self) -> str:
        """The text that the checkpoint keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Approval:
        """The approval from the checkpoint's text."""
        document = json.loads(text)
        return cls(document["sync_id"], document["counts"], document["approved"])


def evaluate(
    counts: Counts,
    limits: GuardLimits,
    *,
    rows: int,
    delivered_rows: int,
    largest_24h: int,
    approval: Approval | None = None,
) -> list[GuardResult]:
    """Every guard's verdict on a plan, before it is sealed.

    `rows` is all of the state, `delivered_rows` what the destination holds of us now, `largest_24h` the most it
    held within 24 hours: the share of deletes counts what vanished since then, so that many small syncs cannot
    empty it unnoticed.
    """
    largest = max(delivered_rows, largest_24h)
    vanished = largest - delivered_rows + counts.deleted if counts.deleted else 0
    found = [
        _count("max_deletes", limits.max_deletes, counts.deleted),
        _percent("max_delete_percent", limits.max_delete_percent, counts.deleted, vanished, largest),
        _empty_model(counts, rows, allowed=limits.allow_empty_model),
        _percent(
            "max_set_aside_percent",
            limits.max_set_aside_percent,
            counts.set_aside,
            counts.set_aside,
            delivered_rows or counts.model_rows,
        ),
        _count("max_changes", limits.max_changes, counts.planned),
    ]
    return [_approved(result, approval) for result in found]


def stopped(results: list[GuardResult]) -> list[GuardResult]:
    """The verdicts that block the sync."""
    return [result for result in results if not result.passed]


def rejected_guard(rejected: int, outcomes: int, limits: GuardLimits, *, at_end: bool) -> GuardResult | None:
    """The verdict on the share of rejected records; None while there are too few outcomes to judge by."""
    if outcomes < (PERCENT_FROM if at_end else OUTCOMES_FROM):
        return None
    share = 100 * rejected / outcomes
    limit = limits.max_rejected_percent
    return GuardResult(
        "max_rejected_percent",
        _shown(limit),
        f"{share:.1f} % ({rejected:,} of {outcomes:,})",
        limit is None or share <= limit,
        rejected,
    )


def _count(name: str, limit: int | None, count: int) -> GuardResult:
    return GuardResult(
        name, "none" if limit is None else f"{limit:,}", f"{count:,}", limit is None or count <= limit, count
    )


def _shown(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g} %"


def _percent(name: str, limit: float | None, count: int, affected: int, base: int) -> GuardResult:
    share = 100 * affected / base if base else (100.0 if affected else 0.0)
    few = affected < PERCENT_FROM
    spared = f", from {PERCENT_FROM} on" if few and limit is not None and share > limit else ""
    return GuardResult(
        name,
        _shown(limit) + spared,
        f"{share:.1f} % ({affected:,} of {base:,})",
        limit is None or few or share <= limit,
        count,
    )


def _empty_model(counts: Counts, rows: int, *, allowed: bool) -> GuardResult:
    return GuardResult(
        "empty_model",
        "none" if allowed else "at least 1 row",
        f"{counts.model_rows:,} model rows ({rows:,} records in the state)",
        allowed or counts.model_rows > 0 or rows == 0,
        counts.deleted,
    )


def _approved(result: GuardResult, approval: Approval | None) -> GuardResult:
    if result.passed or approval is None or not approval.permits(result.name, result.count):
        return result
    return GuardResult(result.name, result.limit, result.value, True, result.count, approved=True)
