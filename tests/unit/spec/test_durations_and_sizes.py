from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.spec.durations import LONGEST, format_duration, parse_duration
from tailrace.spec.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("7d", 604800),
        ("250ms", 0.25),
        ("1.5s", 1.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "1x", "30m1h", "-5s", "1h30", "½h", "4000d", "1.5h", "١s"])
def test_what_is_no_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"30s, 15m or 1h30m|longer than ten years"):
        parse_duration(text)


@given(st.integers(0, int(LONGEST * 1000)))
def test_every_duration_is_read_back_as_written(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("10GB", 10**10),
        ("4MiB", 4 << 20),
        ("1.5 kB", 1500),
        ("2k", 2000),
        ("100B", 100),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "1.5", "1iB", "-1MB", "1 XB", "1,5MB"])
def test_what_is_no_size_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="500KB, 4MB or 10GB"):
        parse_size(text)


@given(st.integers(0, 2**63))
def test_every_size_is_read_back_as_written(size: int) -> None:
    assert parse_size(format_size(size)) == size
