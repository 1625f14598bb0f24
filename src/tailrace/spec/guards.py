"""The limits that stop a sync before it does harm (R30)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from tailrace.spec.types import Spec


def _count(value: Any) -> int | None:
    if value is None or value == "off":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("write a whole number from 0 on, or `off`")


def _percent(value: Any) -> float | None:
    if value is None or value == "off":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return float(value)
    raise ValueError("write a number from 0 to 100 (without %), or `off`")


_OFF = {"type": "string", "const": "off"}
Count = Annotated[
    int | None, BeforeValidator(_count), WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, _OFF]})
]
Percent = Annotated[
    float | None,
    BeforeValidator(_percent),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, _OFF]}),
]


class GuardSpec(Spec):
    """When a sync is blocked instead of sent; a limit that is off is None."""

    max_deletes: Count = Field(default=None, description="Most records that one sync may delete, or `off`.")
    max_delete_percent: Percent = Field(
        default=25.0,
        description="Most records that one sync may delete, in percent of the delivered records (counts from"
        " 20 deletes on, against the largest count of 24 hours), or `off`.",
    )
    max_changes: Count = Field(
        default=None, description="Most records that one sync may add, update and delete together, or `off`."
    )
    max_set_aside_percent: Percent = Field(
        default=10.0,
        description="Most rows with a null, empty, blank or repeated key, in percent of the delivered records"
        " (counts from 20 rows on), or `off`.",
    )
    max_rejected_percent: Percent = Field(
        default=50.0,
        description="Most records that the destination may refuse, in percent of those decided so far (looked"
        " at after 1,000 outcomes and at the end, from 20 on), or `off`.",
    )
    allow_empty_model: bool = Field(
        default=False,
        description="Whether a model without rows is believed while the destination still holds its records.",
    )
