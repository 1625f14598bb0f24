"""Reads a source's settings against its model, and says in our own words what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tailrace.errors import ConfigError, ConfigErrors, Where
from tailrace.spec.problems import shape


class SourceSettings(BaseModel):
    """What users write for one type of source; unknown settings are refused, errors show no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


S = TypeVar("S", bound=SourceSettings)

_TEXTS = {"missing": "this setting is required", "extra_forbidden": "there is no such setting"}
_HINTS = {
    "missing": "Add this setting.",
    "extra_forbidden": "Remove it, or correct its spelling.",
}


def read_settings(model: type[S], source: str, settings: Mapping[str, Any]) -> S:
    """The settings as checked values. Raises ConfigErrors, one for each setting that is wrong."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        problems = []
        for found in error.errors(include_url=False, include_input=False):
            setting = ".".join(map(str, found["loc"]))
            field = ".".join(filter(None, ("sources", source, setting)))
            known = ", ".join(model.model_fields)
            hint = _HINTS.get(found["type"], "")
            if found["type"] == "extra_forbidden":
                hint += f" Known settings: {known}."
            text = _TEXTS.get(found["type"]) or shape(found).removeprefix("Value error, ")
            problems.append(
                ConfigError(
                    ": ".join(filter(None, (f"source {source!r}", setting, text))),
                    hint=hint,
                    where=Where(field=field),
                    code="source_settings",
                )
            )
        raise ConfigErrors(problems) from None
