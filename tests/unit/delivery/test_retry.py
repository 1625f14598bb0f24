"""When to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.delivery.retry import LONGEST_DELAY, delay, hint

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@settings(deadline=None)
@given(st.integers(1, 1_000), st.floats(0, 2_000), st.floats(0, 2_000), st.floats(0, 0.999))
def test_backoff_stays_within_retry_for(attempt: int, elapsed: float, retry_for: float, dice: float) -> None:
    wait = delay(attempt, elapsed, retry_for, None, dice)
    if elapsed >= retry_for:
        assert wait is None
    elif wait is not None:
        assert 0 <= wait <= LONGEST_DELAY
        assert elapsed + wait <= retry_for + 1e-6


def test_backoff_doubles_with_full_jitter() -> None:
    assert [delay(attempt, 0, 900, None, 1.0) for attempt in (1, 2, 3, 4, 7, 60)] == [1, 2, 4, 8, 60, 60]
    assert delay(5, 0, 900, None, 0.0) == 0


def test_a_hint_beyond_the_end_ends_it() -> None:
    assert delay(1, 0, 900, 900, 0.5) == 900
    assert delay(1, 1, 900, 900, 0.5) is None
    assert delay(1, 0, 0, None, 0.5) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90.0),
        ({"retry-after": "2026-03-01T12:00:30Z"}, 30.0),
        ({"retry-after": str(int((NOW + timedelta(seconds=45)).timestamp()))}, 45.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}, 0.0),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retryafter": "3"}, 3.0),
        ({"x-ratelimit-reset": str((NOW + timedelta(seconds=20)).timestamp())}, 20.0),
        ({"x-ratelimit-reset": str(int((NOW + timedelta(seconds=20)).timestamp() * 1000))}, 20.0),
        ({"ratelimit-reset": "12"}, 12.0),
        ({"retry-after": "1", "x-ratelimit-reset": "99"}, 1.0),
        ({}, None),
    ],
)
def test_hints_in_their_spellings(headers: dict[str, str], seconds: float | None) -> None:
    assert hint(headers, NOW, limited=True) == pytest.approx(seconds)


def test_reset_headers_mean_nothing_where_we_are_not_too_fast() -> None:
    assert hint({"x-ratelimit-reset": "99"}, NOW, limited=False) is None
