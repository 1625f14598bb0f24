"""How fast requests may go: a token bucket as a value, which slows down when the destination says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_RECOVERY = 1.05
"""Growth of a slowed rate per second without another complaint."""
_FREE_AGAIN = 4.0
"""An unlimited bucket drops its adapted rate once it is this many times the rate that was too fast."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state of one destination account's rate; times are monotonic seconds."""

    ceiling: float | None = None
    """The configured requests per second; None: no limit of our own."""
    rate: float | None = None
    """What is allowed now."""
    tokens: float = 1.0
    at: float = 0.0
    recent: float = 0.0
    """Requests of about the last second."""
    paused_until: float = 0.0
    slowed_at: float = -math.inf
    slowed_from: float = 0.0


def bucket(requests_per_second: float | None, now: float) -> Bucket:
    """A full bucket."""
    rate = requests_per_second
    return Bucket(ceiling=rate, rate=rate, tokens=_capacity(rate) if rate else 1.0, at=now)


def take(state: Bucket, now: float) -> tuple[Bucket, float]:
    """Take a token; the second value is how long to wait before using it."""
    elapsed = max(0.0, now - state.at)
    recent = state.recent * math.exp(-elapsed) + 1.0
    pause = max(0.0, state.paused_until - now)
    rate = _recovered(state, elapsed) if pause == 0.0 else state.rate
    if rate is None:
        return replace(state, rate=None, at=now, recent=recent), pause
    tokens = min(_capacity(rate), state.tokens + elapsed * rate) - 1.0
    wait = -tokens / rate if tokens < 0 else 0.0
    return replace(state, rate=rate, tokens=tokens, at=now, recent=recent), max(pause, wait)


def slow_down(state: Bucket, now: float, pause: float, sent_at: float) -> Bucket:
    """The destination said "too many": everybody waits for `pause`, then goes at half the speed.

    Complaints about requests that were sent before the last slowing only lengthen the pause.
    """
    paused = replace(state, paused_until=max(state.paused_until, now + pause))
    if sent_at < state.slowed_at:
        return paused
    was = min(max(state.recent, 1.0), state.rate or math.inf)
    slower = max(was / 2.0, 0.1)
    return replace(paused, rate=slower, tokens=min(state.tokens, 1.0), slowed_at=now, slowed_from=was)


def _capacity(rate: float) -> float:
    return max(1.0, rate / 10.0)


def _recovered(state: Bucket, elapsed: float) -> float | None:
    if state.rate is None or state.rate == state.ceiling:
        return state.rate
    rate = state.rate * _RECOVERY ** min(elapsed, 600.0)
    if state.ceiling is not None:
        return min(rate, state.ceiling)
    return None if rate > state.slowed_from * _FREE_AGAIN else rate
