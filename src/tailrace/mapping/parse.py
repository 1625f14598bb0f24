"""Reads a mapping's `fields` in every notation of the files into the expression tree."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tailrace.columns import Column
from tailrace.errors import ConfigError, ConfigErrors
from tailrace.mapping.columns import Columns
from tailrace.mapping.expression import (
    Array,
    Case,
    ColumnRef,
    FieldError,
    Literal_,
    Node,
    Object,
    Path,
    Sql,
    Value,
)
from tailrace.mapping.template import read_reference, read_text

DEPTH_LIMIT = 32
_DOLLAR_NAME = re.compile(r"\$(?=[^\W\d]|\")")


def check_fields(fields: Mapping[str, Any] | None) -> None:
    """Check a mapping's fields as far as that goes without the model's columns.

    Raises FieldError, or ConfigErrors where there are several.
    """
    if fields is not None:
        parse_fields(fields, None)


def parse_fields(fields: Mapping[str, Any] | None, columns: Sequence[Column] | None) -> Object:
    """The tree of a mapping's fields over the model's columns; without fields, every column as it is.

    Raises FieldError (each with the path of its field), or ConfigErrors where there are several.
    """
    known = Columns(columns)
    if fields is None:
        return Object(tuple((column.name, ColumnRef(column)) for column in known))
    reader = _Reader(known)
    try:
        if not isinstance(fields, Mapping) or not fields:
            raise FieldError("`fields` must name at least one field", (), hint="Write name: $column.")
        tree = reader.object(fields, ())
    except FieldError as error:
        reader.errors.append(error)
        tree = Object(())
    if len(reader.errors) == 1:
        raise reader.errors[0]
    if reader.errors:
        raise ConfigErrors(reader.errors)
    return tree


class _Reader:
    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.errors: list[ConfigError] = []
        self._directives: dict[frozenset[str], Callable[[Mapping[str, Any], Path], Node]] = {
            frozenset({"sql"}): self._sql,
            frozenset({"case"}): self._case,
            frozenset({"literal"}): lambda raw, path: Literal_(_constant(raw["literal"], path)),
            frozenset({"object"}): self._escaped,
            frozenset({"value"}): self._value,
            frozenset({"value", "when_null"}): self._value,
            frozenset({"value", "when_nan"}): self._value,
            frozenset({"value", "when_null", "when_nan"}): self._value,
        }

    def node(self, raw: Any, path: Path) -> Node:
        if len(path) > DEPTH_LIMIT:
            raise FieldError(f"fields are nested deeper than {DEPTH_LIMIT}", path)
        if isinstance(raw, str):
            return self._text(raw, path)
        if isinstance(raw, Mapping):
            directive = self._directives.get(frozenset(map(str, raw)))
            return directive(raw, path) if directive else self.object(raw, path)
        if isinstance(raw, list | tuple):
            return Array(tuple(self._kept(item, (*path, index)) for index, item in enumerate(raw)))
        return Literal_(_constant(raw, path))

    def object(self, raw: Mapping[str, Any], path: Path) -> Object:
        fields: list[tuple[str, Node]] = []
        for name, value in raw.items():
            if not isinstance(name, str):
                self.errors.append(FieldError(f"a field's name must be text, not {name!r}", path))
                continue
            fields.append((name, self._kept(value, (*path, name))))
        return Object(tuple(fields))

    def _kept(self, raw: Any, path: Path) -> Node:
        """The node, or a stand-in with its error remembered, so that one reading finds all errors."""
        try:
            return self.node(raw, path)
        except FieldError as error:
            self.errors.append(error)
            return Literal_(None)

    def _text(self, raw: str, path: Path) -> Node:
        if raw.startswith("$") and "{{" not in raw:
            return read_reference(raw[1:].strip(), self.columns, path)
        stray = _DOLLAR_NAME.search(re.sub(r"\{\{.*?\}\}", "", raw, flags=re.DOTALL))
        if stray is not None:
            raise FieldError(
                "`$` in the middle of a text means nothing",
                path,
                hint="Write {{ column }} inside text, or put the text under `literal:`.",
            )
        if "{{" in raw:
            return read_text(raw, self.columns, path)
        return Literal_(_constant(raw, path))

    def _sql(self, raw: Mapping[str, Any], path: Path) -> Sql:
        return self._checked_sql(raw["sql"], (*path, "sql"))

    def _checked_sql(self, text: Any, path: Path) -> Sql:
        from tailrace.mapping.check import check_sql
        from tailrace.mapping.engine import parser

        if isinstance(text, bool):
            text = "true" if text else "false"
        if isinstance(text, int | float):
            text = str(text)
        return check_sql(parser().cursor(), text, self.columns, path)

    def _case(self, raw: Mapping[str, Any], path: Path) -> Case:
        body, here = raw["case"], (*path, "case")
        example = "case: {when: [{if: \"plan = 'pro'\", then: gold}], else: basic}"
        if not isinstance(body, Mapping) or "when" not in body or set(body) - {"when", "else"}:
            raise FieldError("`case` needs `when`, and may have `else`", here, hint=f"Write {example}.")
        branches: list[tuple[Sql, Node]] = []
        if not isinstance(body["when"], list | tuple) or not body["when"]:
            raise FieldError("`when` must be a list of {if, then}", here, hint=f"Write {example}.")
        for index, branch in enumerate(body["when"]):
            at = (*here, "when", index)
            if not isinstance(branch, Mapping) or set(branch) != {"if", "then"}:
                raise FieldError(
                    "a branch of `case` has exactly `if` and `then`", at, hint=f"Write {example}."
                )
            try:
                condition = self._checked_sql(branch["if"], (*at, "if"))
            except FieldError as error:
                self.errors.append(error)
                continue
            branches.append((condition, self._kept(branch["then"], (*at, "then"))))
        return Case(tuple(branches), self._kept(body.get("else"), (*here, "else")))

    def _escaped(self, raw: Mapping[str, Any], path: Path) -> Object:
        body = raw["object"]
        if not isinstance(body, Mapping):
            raise FieldError("`object` must hold fields", path, hint="Write object: {name: $column}.")
        return self.object(body, (*path, "object"))

    def _value(self, raw: Mapping[str, Any], path: Path) -> Value:
        inner = self._kept(raw["value"], (*path, "value"))
        when_null: Any = raw.get("when_null", "null")
        if isinstance(when_null, Mapping) and set(when_null) == {"default"}:
            when_null = self._kept(when_null["default"], (*path, "when_null", "default"))
        elif when_null is None:
            when_null = "null"
        elif when_null not in ("null", "omit"):
            raise FieldError(
                f"`when_null` cannot be {when_null!r}",
                (*path, "when_null"),
                hint="Write omit, null or {default: …}.",
            )
        when_nan = raw.get("when_nan", "reject")
        if when_nan not in (None, "null", "reject"):
            raise FieldError(
                f"`when_nan` cannot be {when_nan!r}", (*path, "when_nan"), hint="Write null or reject."
            )
        return Value(inner, when_null, "reject" if when_nan == "reject" else "null")


def _constant(raw: Any, path: Path) -> Any:
    """A constant as it goes on the wire: JSON values; dates and times as ISO text."""
    if isinstance(raw, Mapping):
        return {str(name): _constant(value, (*path, str(name))) for name, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_constant(value, (*path, index)) for index, value in enumerate(raw)]
    if isinstance(raw, float | Decimal) and not math.isfinite(raw):
        raise FieldError("NaN and infinity do not exist in JSON", path)
    if isinstance(raw, datetime.datetime):
        utc = raw if raw.tzinfo is None else raw.astimezone(datetime.UTC).replace(tzinfo=None)
        return utc.isoformat() + "Z"
    if isinstance(raw, datetime.date):
        return raw.isoformat()
    if raw is None or isinstance(raw, bool | int | float | Decimal):
        return raw
    if isinstance(raw, str):
        try:
            raw.encode()
        except UnicodeEncodeError:
            raise FieldError("the text is not valid Unicode", path) from None
        return raw
    raise FieldError(f"a {type(raw).__name__} cannot be a field's value", path)
