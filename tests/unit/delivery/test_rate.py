"""The token bucket."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.delivery.rate import bucket, slow_down, take


@settings(deadline=None)
@given(st.floats(0.5, 500), st.lists(st.floats(0, 0.5), min_size=30, max_size=120))
def test_never_faster_than_configured(rate: float, gaps: list[float]) -> None:
    state, now, sent = bucket(rate, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        state, wait = take(state, now)
        now += wait
        sent.append(now)
    burst = max(1.0, rate / 10)
    for start in range(0, len(sent), 7):
        for end in range(start, len(sent), 5):
            assert end - start + 1 <= burst + rate * (sent[end] - sent[start]) + 1.001


def test_unlimited_never_waits_until_told() -> None:
    state = bucket(None, 0.0)
    for step in range(1_000):
        state, wait = take(state, step / 1_000)
        assert wait == 0
    state = slow_down(state, 1.0, 30.0, sent_at=0.99)
    assert take(state, 2.0)[1] == pytest.approx(29.0)


def test_a_complaint_halves_the_speed_once_and_it_recovers() -> None:
    state = bucket(100.0, 0.0)
    now = 0.0
    for _ in range(300):
        state, wait = take(state, now)
        now += max(wait, 0.001)
    slowed = slow_down(state, now, 0.0, sent_at=now - 0.01)
    assert slowed.rate is not None
    assert slowed.rate <= 50.0
    again = slow_down(slowed, now + 0.01, 5.0, sent_at=now - 0.005)
    assert again.rate == slowed.rate
    assert again.paused_until == pytest.approx(now + 5.01)
    assert take(slowed, now + 600)[0].rate == 100.0


def test_an_unlimited_account_gets_free_again() -> None:
    state = slow_down(bucket(None, 0.0), 1.0, 0.0, sent_at=0.9)
    assert state.rate == 5.0
    assert take(state, 4.0)[0].rate is not None
    assert take(state, 120.0)[0].rate is None
