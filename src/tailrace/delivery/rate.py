"""How fast requests may go: a token bucket as a value, which slows down when the destination says so."""

from __future__ import annotations

import math
from typing import NamedTuple

_BACK = 1.5
"""Growth of a slowed rate per second, up to near the rate that was too fast."""
_NEAR = 0.9
_BEYOND = 1.1
"""Growth per second from there on."""
_LEAST_OBSERVED = 10.0
"""A first burst says little about the rate that was too fast: it is taken to be at least this."""
_FREE_AGAIN = 4.0
"""An unlimited bucket drops its adapted rate once it is this many times the rate that was too fast."""


class Bucket(NamedTuple):
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
        slowed = (state.paused_until, state.slowed_at, state.slowed_from)
        return Bucket(state.ceiling, None, state.tokens, now, recent, *slowed), pause
    tokens = min(_capacity(rate), state.tokens + elapsed * rate) - 1.0
    wait = -tokens / rate if tokens < 0 else 0.0
    return state._replace(rate=rate, tokens=tokens, at=now, recent=recent), max(pause, wait)


def slow_down(state: Bucket, now: float, pause: float, sent_at: float) -> Bucket:
    """The destination said "too many": everybody waits for `pause`, then goes at half the speed.

    Complaints about requests that were sent before the last slowing only lengthen the pause.
    """
    paused = state._replace(paused_until=max(state.paused_until, now + pause))
    if sent_at < state.slowed_at:
        return paused
    was = min(max(state.recent, _LEAST_OBSERVED), state.rate or math.inf)
    slower = max(was / 2.0, 0.1)
    return paused._replace(rate=slower, tokens=min(state.tokens, 1.0), slowed_at=now, slowed_from=was)


def _capacity(rate: float) -> float:
    return max(1.0, rate / 10.0)


def _recovered(state: Bucket, elapsed: float) -> float | None:
    if state.rate is None or state.rate == state.ceiling:
        return state.rate
    near = state.slowed_from * _NEAR
    seconds = min(elapsed, 600.0)
    if state.rate < near:
        soon = math.log(near / state.rate, _BACK)
        rate = state.rate * _BACK ** min(soon, seconds)
        seconds = max(0.0, seconds - soon)
    else:
        rate = state.rate
    rate *= _BEYOND**seconds
    if state.ceiling is not None:
        return min(rate, state.ceiling)
    return None if rate > state.slowed_from * _FREE_AGAIN else rate
