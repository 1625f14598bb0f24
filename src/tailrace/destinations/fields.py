"""Fields: one object per setting or action field feeds validation, forms, the mapping editor and docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from tailrace.errors import ConfigError, ConfigErrors, Where
from tailrace.spec.durations import format_duration, parse_duration
from tailrace.spec.references import references_in
from tailrace.spec.suggest import did_you_mean

FieldType = Literal[
    "text", "integer", "number", "boolean", "date", "datetime", "object", "array", "json",
    "duration", "url", "headers", "choice",
]  # fmt: skip
"""The last four are for settings; to the others the mapping coerces the fields of an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting of a destination, or one field of an action."""

    name: str
    label: str
    help: str = ""
    type: FieldType = "text"
    required: bool = False
    default: Any = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    multiple: bool = False
    """An action's field that takes a list of such values."""
    check: Callable[[Any], object] | None = None
    """What else must hold of a value; raises ValueError with the end of a sentence, such as "is empty"."""


class Settings(Mapping[str, Any]):
    """Validated settings of one destination; its text form hides what is secret."""

    __slots__ = ("_fields", "_secrets", "_values")

    def __init__(self, fields: Sequence[Field], values: Mapping[str, Any]) -> None:
        self._fields = {field.name: field for field in fields}
        self._values = dict(values)
        self._secrets: tuple[str, ...] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={'***' if self._fields[name].secret and value else repr(value)}"
            for name, value in self._values.items()
        )
        return f"Settings({shown})"

    def secrets(self) -> tuple[str, ...]:
        """Every text in secret settings that must never be shown, longest first."""
        if self._secrets is None:
            found: set[str] = set()
            for name, value in self._values.items():
                if self._fields[name].secret and value is not None:
                    found.update(_secret_texts(value, self._fields[name].type))
            self._secrets = tuple(sorted(found, key=len, reverse=True))
        return self._secrets

    def hide(self, text: str) -> str:
        """The text with every secret in it made unreadable."""
        for secret in self.secrets():
            text = text.replace(secret, "***")
        return text


def validate(
    fields: Sequence[Field], values: Mapping[str, Any], *, where: str = "", references: bool = False
) -> Settings:
    """The settings, with defaults; raises ConfigErrors that name every wrong one, but no secret value."""
    known = {field.name: field for field in fields}
    errors: list[ConfigError] = []

    def complain(name: str, message: str, hint: str) -> None:
        place = Where(field=f"{where}.{name}" if where else name)
        errors.append(ConfigError(message, hint=hint, where=place))

    for name in values:
        if name not in known:
            complain(name, f"There is no setting `{name}` here.", did_you_mean(name, known))
    checked: dict[str, Any] = {}
    for field in fields:
        value = values.get(field.name)
        if value is None:
            if field.required:
                complain(field.name, f"`{field.name}` is missing.", field.help or f"Set {field.label}.")
            checked[field.name] = field.default
            continue
        try:
            open_reference = references and bool(references_in(value))
            checked[field.name] = value if open_reference else _check(field, value)
        except ValueError as error:
            complain(field.name, f"`{field.name}` {error}.", field.help)
    if errors:
        raise errors[0] if len(errors) == 1 else ConfigErrors(errors)
    return Settings(fields, checked)


def _check(field: Field, value: Any) -> Any:
    checked = _CHECKS.get(field.type, lambda _field, it: it)(field, value)
    if isinstance(checked, int | float) and not isinstance(checked, bool):
        show = format_duration if field.type == "duration" else "{:g}".format
        if field.minimum is not None and checked < field.minimum:
            raise ValueError(f"must be at least {show(field.minimum)}")
        if field.maximum is not None and checked > field.maximum:
            raise ValueError(f"may be at most {show(field.maximum)}")
    if field.check is not None:
        field.check(checked)
    return checked


def _text(field: Field, value: Any) -> str:
    if isinstance(value, bool | int | float):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("must be text")
    if field.required and not value.strip():
        raise ValueError("is empty")
    return value


def _integer(_field: Field, value: Any) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _number(_field: Field, value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("must be a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError("must be a number")
    return value


def _boolean(_field: Field, value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _duration(_field: Field, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise ValueError("must be a duration such as 30s or 15m")
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError("must be a duration such as 30s or 15m") from None


def _url(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address that starts with https:// (or http://)")
    if port == 0 or any(character.isspace() or ord(character) < 32 for character in text):
        raise ValueError("is not a valid address")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password; put them into an Authorization header")
    return text


def _headers(_field: Field, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be names with values")
    headers: dict[str, str] = {}
    seen: set[str] = set()
    for name, content in value.items():
        if not isinstance(name, str) or not name or set(name) - _TOKEN:
            raise ValueError("has a header name with characters that HTTP does not allow")
        if name.lower() in _RESERVED or name.lower().startswith("webhook-"):
            raise ValueError(f"cannot hold {name}: Tailrace sets it itself")
        if name.lower() in seen:
            raise ValueError(f"holds {name} twice")
        seen.add(name.lower())
        if content is None or isinstance(content, Mapping | list | tuple):
            raise ValueError(f"needs one text for the header {name}")
        text = str(content).strip()
        if any((ord(character) < 32 and character != "\t") or ord(character) == 127 for character in text):
            raise ValueError(f"has line breaks or control characters in the header {name}")
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError(f"has characters in the header {name} that HTTP cannot carry") from None
        headers[name] = text
    return headers


def _choice(field: Field, value: Any) -> str:
    if value not in field.choices:
        raise ValueError(f"must be one of {', '.join(field.choices)}")
    return value


_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_RESERVED = frozenset(
    ["host", "content-length", "content-encoding", "transfer-encoding", "connection", "idempotency-key"]
)
_CHECKS = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
    "url": _url,
    "headers": _headers,
    "choice": _choice,
}
_SHORTEST_SECRET = 4
"""Shorter texts are not looked for in what others answer: they would blot out ordinary words."""


def _secret_texts(value: Any, kind: FieldType) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _secret_texts(inner, "text")
        return
    text = str(value)
    candidates = [text]
    if kind == "url":
        parts = urlsplit(text)
        candidates = [text, parts.query, *(pair.partition("=")[2] for pair in parts.query.split("&"))]
        candidates += [piece for piece in parts.path.split("/") if len(piece) >= 16]
    elif " " in text:
        candidates.append(text.rpartition(" ")[2])
    yield from (candidate for candidate in candidates if len(candidate) >= _SHORTEST_SECRET)
