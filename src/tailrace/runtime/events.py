"""What a running sync tells those who watch: one union of small values, used by CLI, logs and web alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

Phase: TypeAlias = Literal["plan", "send", "commit"]


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A sync of the mapping entered a phase."""

    mapping: str
    sync: str
    phase: Phase
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanSealed:
    """The plan stands: from here on its counts do not change."""

    mapping: str
    sync: str
    counts: dict[str, int]
    """As in the `counts` of the sync's document."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far sending has come; `done` of `total` planned records have an outcome."""

    mapping: str
    sync: str
    done: int
    total: int
    delivered: int
    rejected: int
    aborted: int
    unknown: int
    at_monotonic: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing moves for a while, and why: a rate limit, a retry, another's lease."""

    mapping: str
    reason: str
    seconds: float
    gives_up_in: float | None = None
    """Of a request that is tried again: for how many seconds at most."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know, which does not stop the sync."""

    mapping: str
    message: str


@dataclass(frozen=True, slots=True)
class SyncFinished:
    """The sync has its final status."""

    mapping: str
    document: Any
    """The sync as `sync --json` shows it; a layer above defines its shape."""


Event: TypeAlias = PhaseStarted | PlanSealed | Progress | Waiting | Warned | SyncFinished
OnEvent: TypeAlias = Callable[[Event], None]
