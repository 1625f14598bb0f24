"""A mapping as the user writes it: which records of a model go where, how, and when."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from tailrace.outcomes import Outcome
from tailrace.spec.guards import GuardSpec
from tailrace.spec.schedule import Schedule
from tailrace.spec.source import Remember
from tailrace.spec.suggest import did_you_mean
from tailrace.spec.types import NAME_PATTERN, Duration, Name, Spec, check_name

OPERATIONS = ("added", "updated", "deleted")
MODES: dict[str, frozenset[str]] = {
    "insert": frozenset({"added"}),
    "update": frozenset({"updated"}),
    "upsert": frozenset({"added", "updated"}),
    "delete": frozenset({"deleted"}),
    "mirror": frozenset({"added", "updated", "deleted"}),
}
_FAILURES = tuple(str(outcome) for outcome in (Outcome.REJECTED, Outcome.ABORTED, Outcome.UNKNOWN))

Mode: TypeAlias = str | tuple[str, ...]


def _words(value: Any, known: tuple[str, ...], example: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"write a list such as {example}")
    for word in value:
        if word not in known:
            raise ValueError(f"{word!r} is not one of {', '.join(known)}; {did_you_mean(str(word), known)}")
    if len(set(value)) < len(value):
        raise ValueError("the same word stands here twice; remove one of them")
    return tuple(value)


def _mode(value: Any) -> Mode:
    if isinstance(value, list | tuple):
        words = _words(value, OPERATIONS, "[added, updated]")
        if not words:
            raise ValueError("write at least one operation, or `enabled: false` to stop the mapping")
        return words
    if not isinstance(value, str) or value not in MODES:
        raise ValueError(
            f"{value!r} is no sync mode; write {', '.join(MODES)}, or a list of {', '.join(OPERATIONS)}"
        )
    return value


def _fail_on(value: Any) -> tuple[str, ...]:
    return _words(value, _FAILURES, "[rejected, unknown]")


def _previously(value: Any) -> str:
    if not isinstance(value, str) or value.count("/") > 1:
        raise ValueError("write the mapping's old id, or old_project/old_id")
    for part in value.split("/"):
        check_name(part)
    return value


def _list_of(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": list(words)}, "uniqueItems": True}


class MappingSpec(Spec):
    """Model + destination + action + sync mode + fields + schedule; owns its own state."""

    name: Name
    id: Name = Field(
        default="",
        description="What the state is kept under. Default: the name. Set it to the old name after a rename.",
    )
    previously: (
        Annotated[
            str,
            BeforeValidator(_previously),
            WithJsonSchema(
                {"type": "string", "pattern": NAME_PATTERN.replace("$", "(/[A-Za-z0-9_-]{1,64})?$")}
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="The id that this mapping had before, or old_project/old_id: its state is taken over.",
    )
    model: Name = Field(description="The model whose records are sent.")
    destination: Name = Field(description="The destination that they are sent to.")
    action: Name = Field(description="What the destination does with a record; `send` for a webhook.")
    mode: Annotated[
        Mode,
        BeforeValidator(_mode),
        WithJsonSchema({"anyOf": [{"enum": list(MODES)}, _list_of(OPERATIONS) | {"minItems": 1}]}),
    ] = Field(
        default="upsert",
        description="Which operations are sent: insert (added), update (updated), upsert (added and updated),"
        " delete (deleted), mirror (all three), or a list of added, updated, deleted.",
    )
    fields: dict[str, Any] | None = Field(
        default=None,
        description="The destination's fields, each with an expression. Left out: every column as it is.",
    )
    where: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="A condition in the source's SQL: only records that meet it take part. One that stops"
        " meeting it is deleted in a mode that deletes.",
    )
    guards: GuardSpec = Field(
        default_factory=lambda: GuardSpec(), description="When a sync is blocked instead of sent."
    )
    first_sync: Literal["send", "skip"] = Field(
        default="send",
        description="`skip` takes what is there as known to the destination, and sends later changes only.",
    )
    on_change: Literal["rerender", "resend", "keep"] | None = Field(
        default=None,
        description="What an edited expression sends: records that render differently (rerender, the default"
        " where values are remembered), all (resend), or none (keep).",
    )
    fail_on: Annotated[tuple[str, ...], BeforeValidator(_fail_on), WithJsonSchema(_list_of(_FAILURES))] = (
        Field(
            default=_FAILURES,
            description="Outcomes that make a sync `partial`, which is exit code 3.",
        )
    )
    schedule: Schedule = Field(
        default=None, description="When `tailrace serve` runs this mapping, or `manual`."
    )
    enabled: bool = Field(
        default=True, description="`false`: left out by `tailrace sync` without names, and by the schedule."
    )
    max_plan_age: Duration = Field(
        default=3600.0, description="A plan that is older when sending starts, or starts again, is made anew."
    )
    remember: Remember | None = Field(
        default=None,
        description="What is kept per record: `values` or `checksum`. Default: as the source says.",
    )

    @model_validator(mode="before")
    @classmethod
    def _id_defaults_to_name(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("id"):
            return values | {"id": values.get("name")}
        return values

    @property
    def operations(self) -> frozenset[str]:
        """The operations that this mapping sends."""
        return MODES[self.mode] if isinstance(self.mode, str) else frozenset(self.mode)
