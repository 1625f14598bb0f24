"""Says in our own words, and with a place, what pydantic found wrong with an entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from tailrace.errors import ConfigError, Where
from tailrace.spec.installed import installed
from tailrace.spec.nodes import Node, Path, dotted
from tailrace.spec.suggest import did_you_mean, listed
from tailrace.spec.types import Spec

_SHAPES = {
    "string_type": "must be text",
    "bool_type": "must be `true` or `false`",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "dict_type": "must hold entries of the form `name: value`",
    "model_type": "must hold entries of the form `name: value`",
    "string_too_short": "cannot be empty",
}


def unknown_key(root: Node, path: Path, known: list[str]) -> ConfigError:
    """The error for a key that does not exist, with the one that was probably meant."""
    return ConfigError(
        f"`{path[-1]}` is not a key of {dotted(path[:-1]) or 'this file'}.",
        hint=did_you_mean(str(path[-1]), known),
        where=root.locate(path),
    )


def no_entries(section: str, where: Where) -> ConfigError:
    """The error for a section that is a list, or a single value."""
    return ConfigError(
        f"`{section}` must hold entries of the form `name: …`.",
        hint=f"Write each of the {section} as its name, a colon, and its settings indented; no dashes.",
        where=where,
    )


def wrong_value(written: str, error: ValueError, where: Where) -> ConfigError:
    """The error for a value that a check refused; what its text says after a semicolon is the remedy."""
    said, _, remedy = str(error).partition("; ")
    if not remedy and said.startswith("write "):
        said, remedy = "this is not what belongs here", said
    return ConfigError(
        f"`{written}` is wrong: {said}.",
        hint=f"{remedy[:1].upper()}{remedy[1:].rstrip('.?')}{'?' if remedy.endswith('?') else '.'}"
        if remedy
        else "",
        where=where,
    )


def described(error: ValidationError, spec: type[Spec], root: Node, path: Path) -> Iterator[ConfigError]:
    """One error per finding, each at its place below `path`."""
    for finding in error.errors(include_url=False):
        place: Path = (*path, *finding["loc"])
        owner = _owner(spec, finding["loc"])
        if finding["type"] == "extra_forbidden":
            yield unknown_key(root, place, keys_of(owner))
        elif finding["type"] == "missing":
            yield ConfigError(
                f"{dotted(place[:-1])} needs `{place[-1]}`.",
                hint=_meaning(owner, str(place[-1])),
                where=root.locate(place),
            )
        elif finding["type"] == "value_error":
            yield wrong_value(dotted(place), finding.get("ctx", {})["error"], root.locate(place))
        else:
            yield ConfigError(
                f"`{dotted(place)}` {shape(finding)}.", hint=_hint(finding), where=root.locate(place)
            )


def _meaning(spec: type[Spec], key: str) -> str:
    """What a key is for; of a `type`, which there are."""
    field = spec.model_fields.get(key)
    means = (field.description if field else None) or ""
    return f"{means} {listed(list(installed(spec.types)))}" if key == "type" and spec.types else means


def keys_of(spec: type[Spec]) -> list[str]:
    """The keys that may be written in an entry of this kind."""
    return [field.alias or name for name, field in spec.model_fields.items() if name != "name"]


def _owner(spec: type[Spec], loc: tuple[int | str, ...]) -> type[Spec]:
    """The model that the last step of `loc` belongs to."""
    for step in loc[:-1]:
        field = spec.model_fields.get(str(step))
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())) if field else ():
            if isinstance(inner, type) and issubclass(inner, Spec):
                spec = inner
    return spec


def shape(finding: Any) -> str:
    """What a value must be, of a finding that is about its type."""
    kind = finding["type"]
    if kind == "literal_error":
        return f"must be {finding['ctx']['expected']}".replace("'", "`")
    return _SHAPES.get(kind) or finding["msg"].replace("Input should be", "must be")


def _hint(finding: Any) -> str:
    value = finding["input"]
    if finding["type"] == "string_type" and isinstance(value, int | float):
        return "Put quotes around it."
    if finding["type"] == "bool_type" and str(value).lower() in ("yes", "on", "no", "off"):
        return f"Write `{'true' if str(value).lower() in ('yes', 'on') else 'false'}` without quotes."
    if finding["type"] in ("dict_type", "model_type"):
        dashes = "Remove the dashes, and write" if isinstance(value, list) else "Write"
        return f"{dashes} each entry on a line of its own, indented."
    return ""
