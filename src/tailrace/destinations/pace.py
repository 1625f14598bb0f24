"""Settings that every destination may offer: how many requests at once, how fast, and how long to try."""

from __future__ import annotations

from dataclasses import replace

from tailrace.destinations.define import Limits
from tailrace.destinations.fields import Field, Settings

_NAMES = ("concurrency", "requests_per_second", "timeout", "retry_for")


def pace_fields(*, concurrency: int, timeout: float, longest_timeout: float) -> tuple[Field, ...]:
    """`concurrency`, `requests_per_second`, `timeout` and `retry_for`, with these defaults."""
    return (
        Field(
            name="concurrency",
            label="Requests at a time",
            type="integer",
            default=concurrency,
            minimum=1,
            maximum=256,
            help="How many requests are in flight at once.",
        ),
        Field(
            name="requests_per_second",
            label="Requests per second",
            type="number",
            minimum=0.001,
            maximum=100_000,
            help="An upper limit; without it, only the destination's own answers slow us down.",
        ),
        Field(
            name="timeout",
            label="Timeout",
            type="duration",
            default=timeout,
            minimum=0.1,
            maximum=longest_timeout,
            help=f"How long one request may take, at most {longest_timeout:g}s.",
        ),
        Field(
            name="retry_for",
            label="Retry for",
            type="duration",
            default=900.0,
            minimum=0,
            maximum=86_400,
            help="How long a request is tried again before its records are given up for this sync, e.g. 15m.",
        ),
    )


def paced(settings: Settings, limits: Limits) -> Limits:
    """The limits with what the user set for pace."""
    return replace(limits, **{name: settings[name] for name in _NAMES})
