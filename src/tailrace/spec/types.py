"""The kinds of value that several parts of a project share: names, durations, counts, words from a list."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from tailrace.spec.durations import format_duration, parse_duration

LONGEST_NAME = 64
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
WRITTEN: Final = {"written": True}
"""Validation context for values from a file, where a duration needs its unit."""


class Spec(BaseModel):
    """A part of a project as the user wrote it: never changed once read, and nothing unknown in it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, strict=True, defer_build=True
    )
    types: ClassVar[str] = ""
    """The group of entry points that its `type` is one of."""


def check_name(name: Any) -> str:
    """The name itself if it can name something in a project; ValueError says what a name may hold."""
    if not isinstance(name, str):
        raise ValueError(f'a name is text; put quotes around it: "{name}"')
    if not name:
        raise ValueError("a name cannot be empty; write one between the quotes")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"this has {len(name)} characters; a name has at most {LONGEST_NAME} characters")
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(f"{name!r} cannot be a name; use letters A-Z, digits, _ and - only")
    return name


def _seconds(value: Any, info: ValidationInfo) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if info.context and info.context.get("written"):
            raise ValueError(f"{value} needs a unit; write for example {value}s, {value}m or {value}h")
        return float(value)
    raise ValueError("write a duration such as 30s, 15m or 1h30m")


Name = Annotated[
    str, BeforeValidator(check_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})
]

Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^([0-9.]+(d|h|m|s|ms) ?)+$", "examples": ["30s", "15m", "1h30m"]}
    ),
]
