"""Spans of time as users write them: `30s`, `15m`, `1h30m`, `7d`."""

from __future__ import annotations

import re

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SHAPE = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+)ms)?",
    re.ASCII,
)

LONGEST = 3_650 * 86_400.0
"""Ten years, in seconds: whatever is longer is a slip of the keyboard."""


def parse_duration(text: str) -> float:
    """The seconds that `text` stands for; ValueError says how to write it instead.

    >>> parse_duration("1h30m")
    5400.0
    """
    match = _SHAPE.fullmatch(text.replace(" ", ""))
    parts = {unit: number for unit, number in match.groupdict().items() if number} if match else {}
    if not parts:
        raise ValueError(f"{text!r} is not a duration; write for example 30s, 15m or 1h30m")
    seconds = sum(float(number) * _SECONDS[unit] for unit, number in parts.items())
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is longer than ten years; write a shorter duration")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest way to write so many seconds, exact to the millisecond.

    >>> format_duration(5400)
    '1h30m'
    """
    left = round(seconds * 1000)
    parts: list[str] = []
    for unit, factor in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, left = divmod(left, factor)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
