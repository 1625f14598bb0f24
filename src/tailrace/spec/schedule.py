"""When a mapping runs under `tailrace serve`: at an interval, by cron, or by hand only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tailrace.spec.cron import parse_cron
from tailrace.spec.durations import format_duration
from tailrace.spec.suggest import did_you_mean
from tailrace.spec.types import Duration, Spec

SHORTEST_INTERVAL = 60.0


def _interval(seconds: float) -> float:
    if seconds < SHORTEST_INTERVAL:
        raise ValueError(f"{format_duration(seconds)} is too often; the shortest interval is 1m")
    return seconds


def _cron(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError('a cron expression is text; write it in quotes, for example "0 6 * * *"')
    parse_cron(text)
    return text


def _timezone(name: Any) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    if not isinstance(name, str):
        raise ValueError("write a time zone such as Europe/Berlin")
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        known = available_timezones()
        if known:  # without a time zone database nothing can be said about the name
            raise ValueError(f"there is no time zone {name!r}; {did_you_mean(name, known)}") from None
    return name


class ScheduleSpec(Spec):
    """Exactly one of `every` and `cron`; without a schedule a mapping runs by hand only."""

    every: Annotated[Duration, AfterValidator(_interval)] | None = Field(
        default=None, description="The interval between the starts of two syncs, such as 15m; at least 1m."
    )
    cron: Annotated[str, BeforeValidator(_cron)] | None = Field(
        default=None,
        description="Minute, hour, day of the month, month and day of the week, such as `0 6 * * mon-fri`.",
    )
    timezone: Annotated[str, BeforeValidator(_timezone)] = Field(
        default="UTC", description="The time zone that `cron` is read in, such as Europe/Berlin."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> ScheduleSpec:
        if (self.every is None) == (self.cron is None):
            raise ValueError(
                "a schedule needs exactly one of `every` and `cron`; write one of them, or `schedule: manual`"
            )
        return self

    def __str__(self) -> str:
        if self.every is not None:
            return f"every {format_duration(self.every)}"
        return f"{self.cron} ({self.timezone})"


def _manual(value: Any) -> Any:
    return None if value == "manual" else value


Schedule = Annotated[
    ScheduleSpec | None,
    BeforeValidator(_manual, json_schema_input_type=ScheduleSpec | Literal["manual"]),
]
