"""Cron expressions of five fields, checked so that one that can never fire is refused when it is written."""

from __future__ import annotations

from typing import NamedTuple

_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)  # noqa: SIM905
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class _FieldRule(NamedTuple):
    name: str
    low: int
    high: int
    words: dict[str, int]


_RULES = (
    _FieldRule("minute", 0, 59, {}),
    _FieldRule("hour", 0, 23, {}),
    _FieldRule("day of the month", 1, 31, {}),
    _FieldRule("month", 1, 12, _MONTHS),
    _FieldRule("day of the week", 0, 7, _DAYS),
)


class Cron(NamedTuple):
    """When a schedule fires: the minutes, hours, days, months and weekdays (0 is Sunday) that match.

    As in every cron, where both a day of the month and one of the week are given, either is enough.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


def parse_cron(text: str) -> Cron:
    """The times that a cron expression stands for; ValueError says which field is wrong.

    >>> sorted(parse_cron("0,30 6-8 * * mon-fri").hours)
    [6, 7, 8]
    """
    fields = text.split()
    if len(fields) != len(_RULES):
        raise ValueError(
            f"a cron expression has five fields (minute hour day month weekday), this has {len(fields)};"
            ' write for example "0 6 * * *" for every day at six'
        )
    minutes, hours, days, months, weekdays = (
        _numbers(field, rule) for field, rule in zip(fields, _RULES, strict=True)
    )
    any_weekday = fields[4].startswith("*")
    if any_weekday and min(days) > max(_LONGEST_MONTH.get(month, 31) for month in months):
        raise ValueError(
            f"{text!r} never fires: no such month has a day {min(days)}; choose another day or month"
        )
    return Cron(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        fields[2].startswith("*"),
        any_weekday,
    )


def _numbers(field: str, rule: _FieldRule) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = rule.low, rule.high - (rule.high == 7)
        else:
            low = _number(first, field, rule)
            high = _number(last, field, rule) if dash else (rule.high if slash else low)
        step = int(step_text) if step_text.isascii() and step_text.isdigit() else 0
        if slash and step < 1:
            raise ValueError(
                f"{field!r} is not a {rule.name}: {part!r} has no step; after / stands a number from 1 on"
            )
        if low > high:
            raise ValueError(
                f"{field!r} is not a {rule.name}: {span!r} goes backwards; write the smaller number first"
            )
        found.update(range(low, high + 1, step or 1))
    return frozenset(found)


def _number(text: str, field: str, rule: _FieldRule) -> int:
    number = rule.words.get(text.lower())
    if number is None and text.isascii() and text.isdigit() and rule.low <= int(text) <= rule.high:
        number = int(text)
    if number is None:
        raise ValueError(f"{field!r} is not a {rule.name}; write numbers from {rule.low} to {rule.high}")
    return number
