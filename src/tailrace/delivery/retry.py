"""When to try again: full jitter, the destination's own hints in their spellings, and an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
_SHORTEST = 0.01
"""With less than this left, retries have ended."""
_EPOCH_FROM = 1_000_000_000.0
"""Reset values above this are points in time, below it they are seconds from now."""


def delay(attempt: int, elapsed: float, retry_for: float, hint: float | None, dice: float) -> float | None:
    """Seconds until the next attempt, or None where retries have ended.

    `attempt` counts those made, `elapsed` runs from the first, `dice` is random in [0, 1). A hint that
    would lie beyond `retry_for` ends it; so the last attempt is made within `retry_for`.
    """
    left = retry_for - elapsed
    if left <= _SHORTEST:
        return None
    if hint is not None:
        return hint if hint <= left else None
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 30))
    return min(dice * longest, left)


def hint(headers: Mapping[str, str], now: datetime, *, limited: bool) -> float | None:
    """How long the answer asks us to wait.

    `Retry-After` or `RetryAfter`, as seconds, date or epoch; where the answer says that we are too fast
    (`limited`), also the reset headers, as seconds or as a point in time.
    """
    for name in ("retry-after", "retryafter"):
        value = headers.get(name)
        if value:
            seconds = _seconds(value.strip(), now)
            if seconds is not None:
                return seconds
    if limited:
        for name in ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"):
            value = headers.get(name)
            number = _number(value.strip()) if value else None
            if number is not None:
                return _from_reset(number, now)
    return None


def _seconds(value: str, now: datetime) -> float | None:
    number = _number(value)
    if number is not None:
        return _from_reset(number, now)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def _from_reset(number: float, now: datetime) -> float:
    if number > _EPOCH_FROM * 1000:
        number /= 1000.0
    if number > _EPOCH_FROM:
        number -= now.timestamp()
    return max(0.0, number)
