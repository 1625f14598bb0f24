"""Turns the expression tree into the JSON text of each record, with everything that refuses a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tailrace.mapping.allowed import Size
from tailrace.mapping.catalogue_logic import json_step
from tailrace.mapping.coerce import ActionField, coerce
from tailrace.mapping.convert import to_json_text, to_text
from tailrace.mapping.expression import (
    Array,
    Case,
    ColumnRef,
    FieldError,
    Filtered,
    Literal_,
    Node,
    Object,
    Path,
    Sql,
    Text,
    Value,
    columns_of,
    dotted,
)
from tailrace.mapping.filters import constant
from tailrace.mapping.functions import FILTERS
from tailrace.mapping.program import Fault, Program, Scalar, literal

Pieces = list[tuple[bool, str]]
"""Parts of a JSON text: (True, constant text) or (False, SQL that is never NULL)."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """A fault and the field that it names."""

    field: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Built:
    """A node's JSON text and the conditions (SQL) under which it is null or left out; None is never."""

    pieces: Pieces
    faults: tuple[Refusing, ...] = ()
    null: str | None = None
    omitted: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an action's field asks of a value."""

    type: str = "any"
    multiple: bool = False


def text_of(pieces: Pieces) -> str:
    """The pieces as one SQL expression."""
    merged: Pieces = []
    for fixed, text in pieces:
        if fixed and merged and merged[-1][0]:
            merged[-1] = (True, merged[-1][1] + text)
        else:
            merged.append((fixed, text))
    parts = [literal(text) if fixed else text for fixed, text in merged]
    if not parts:
        return "''"
    return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})"


def json_constant(value: Any) -> str:
    """A constant as compact JSON text, decimals and big integers with their exact digits."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_constant(str(k))}:{json_constant(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_constant, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class Builder:
    """Builds the JSON text of a mapping's tree over one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.index = {column.name: at for at, column in enumerate(program.columns)}
        self.nan_null = False

    def document(self, tree: Object, action_fields: Sequence[ActionField]) -> Built:
        """The whole payload. Raises FieldError for the first field that can never work."""
        declared = {field.name: field for field in action_fields}
        entries: list[tuple[str, Built]] = []
        for name, node in tree.fields:
            field = declared.get(name)
            wanted = Wanted(field.type, field.multiple) if field is not None else Wanted()
            built = self.node(node, wanted, (name,))
            if field is not None and field.required:
                missing = " OR ".join(f"({one})" for one in (built.null, built.omitted) if one)
                if missing:
                    fault = Fault(f"({missing})", "'is required, but has no value'")
                    built = replace(built, faults=(*built.faults, Refusing(name, fault)))
            entries.append((name, built))
        return self._object(entries)

    def node(self, node: Node, wanted: Wanted, path: Path) -> Built:
        """One node's JSON text."""
        match node:
            case Object(fields):
                if wanted.type not in ("any", "object"):
                    raise FieldError(
                        f"an object cannot fill a field of type {wanted.type}",
                        path,
                        code="field_type_mismatch",
                    )
                built = self._object(
                    [(name, self.node(value, Wanted(), (*path, name))) for name, value in fields]
                )
                return self._listed(built) if wanted.multiple else built
            case Array(items):
                if not wanted.multiple and wanted.type not in ("any", "array"):
                    raise FieldError(
                        f"an array cannot fill a field of type {wanted.type}",
                        path,
                        code="field_type_mismatch",
                    )
                inner = Wanted(wanted.type) if wanted.multiple else Wanted()
                return self._array([self.node(item, inner, (*path, at)) for at, item in enumerate(items)])
            case Case():
                return self._case(node, wanted, path)
            case Value():
                return self._value(node, wanted, path)
            case Literal_(value) if wanted.type == "any" or isinstance(value, dict | list):
                return Built([(True, json_constant(value))], null="true" if value is None else None)
            case _:
                return self._leaf(self.scalar(node, path), wanted, path)

    def scalar(self, node: Node, path: Path) -> Scalar:
        """A leaf of the tree as a value."""
        match node:
            case Literal_(value):
                return constant(value)
            case ColumnRef(column, steps):
                scalar = self.program.column(self.index[column.name])
                if steps:
                    if scalar.family != "json":
                        raise FieldError(
                            f"`{column.name}` is not JSON: nothing in it can be reached by `{dotted(steps)}`",
                            path,
                        )
                    scalar = json_step(scalar, steps)
                return self._without_nan(scalar)
            case Sql():
                return self._without_nan(self._sql(node, path))
            case Filtered(source, filters):
                scalar = self.scalar(source, path)
                for call in filters:
                    arguments = [self.scalar(argument, path) for argument in call.arguments]
                    scalar = FILTERS[call.name].apply(self.program, scalar, arguments, path)
                return self._without_nan(scalar)
            case Text(parts):
                return self._text(parts, path)
            case _:
                raise FieldError("an object or array cannot stand inside text", path)

    def _sql(self, node: Sql, path: Path) -> Scalar:
        type_ = self.program.infer(node.runnable, path)
        faults = tuple(
            fault for name in columns_of(node) for fault in self.program.typed(self.index[name]).faults
        )
        return self.program.attempt(
            Scalar(node.runnable, type_, faults), "'the SQL expression failed'", explain=True
        )

    def _text(self, parts: Sequence[Node], path: Path) -> Scalar:
        texts: list[str] = []
        faults: list[Fault] = []
        size = Size(0, 0)
        for part in parts:
            if isinstance(part, Literal_) and isinstance(part.value, str):
                texts.append(literal(part.value))
                continue
            text = to_text(self.scalar(part, path))
            texts.append(f"coalesce({text.sql}, '')")
            faults.extend(text.faults)
            size = size.plus(text.size)
        return Scalar(f"concat({', '.join(texts)})", "VARCHAR", tuple(faults), size=size)

    def _without_nan(self, scalar: Scalar) -> Scalar:
        if not self.nan_null:
            return scalar
        if scalar.family == "float":
            scalar = self.program.value(scalar)
            return replace(scalar, sql=f"CASE WHEN isfinite({scalar.sql}) THEN {scalar.sql} END")
        if scalar.family == "number":
            nan = f"regexp_full_match({scalar.sql}, '(?i)[+-]?(nan|inf|infinity)')"
            return replace(scalar, sql=f"CASE WHEN NOT {nan} THEN {scalar.sql} END")
        return scalar

    def _leaf(self, scalar: Scalar, wanted: Wanted, path: Path) -> Built:
        plain = scalar
        if wanted.multiple and plain.family in ("list", "json"):
            scalar = coerce(self.program, scalar, "array", path)
            wanted = Wanted()
        elif wanted.type != "any":
            scalar = coerce(self.program, scalar, wanted.type, path)
        scalar = self.program.value(scalar)
        text = to_json_text(self.program, scalar)
        field = dotted(path)
        refusals = tuple(Refusing(field, fault) for fault in text.faults)
        if scalar.family == "null":
            return Built([(True, "null")], refusals, null="true")
        built = Built([(False, f"coalesce({text.sql}, 'null')")], refusals, null=f"{scalar.sql} IS NULL")
        return self._listed(built) if wanted.multiple else built

    @staticmethod
    def _listed(built: Built) -> Built:
        """A single value as an array of one; NULL stays null."""
        listed: Pieces = [(True, "["), *built.pieces, (True, "]")]
        if built.null is None:
            return replace(built, pieces=listed)
        return replace(
            built, pieces=[(False, f"CASE WHEN {built.null} THEN 'null' ELSE {text_of(listed)} END")]
        )

    def _object(self, entries: list[tuple[str, Built]]) -> Built:
        named = [
            replace(built, pieces=[(True, json_constant(name) + ":"), *built.pieces])
            for name, built in entries
        ]
        return self._joined(named, "{", "}")

    def _array(self, items: list[Built]) -> Built:
        return self._joined(items, "[", "]")

    def _joined(self, items: list[Built], first: str, last: str) -> Built:
        faults = tuple(fault for item in items for fault in item.faults)
        anchor = next((at for at, item in enumerate(items) if item.omitted is None), None)
        pieces: Pieces = [(True, first)]
        for at, item in enumerate(items):
            body = list(item.pieces)
            if anchor is None or at > anchor:
                body.insert(0, (True, ","))
            elif at < anchor:
                body.append((True, ","))
            if item.omitted is not None:
                body = [(False, f"CASE WHEN {item.omitted} THEN '' ELSE {text_of(body)} END")]
            pieces.extend(body)
        if anchor is None and items:
            return Built(
                [(True, first), (False, f"substring({text_of(pieces[1:])}, 2)"), (True, last)], faults
            )
        return Built([*pieces, (True, last)], faults)

    def _case(self, node: Case, wanted: Wanted, path: Path) -> Built:
        faults: list[Refusing] = []
        conditions: list[str] = []
        branches: list[Built] = []
        for at, (condition, value) in enumerate(node.branches):
            here = (*path, "case", "when", at)
            truth = self._sql(condition, (*here, "if"))
            if truth.type != "BOOLEAN":
                raise FieldError(
                    f"the condition gives {truth.type}, not true or false",
                    (*here, "if"),
                    code="expression_invalid",
                )
            before = " OR ".join(conditions)
            for fault in truth.faults:
                only = f"(NOT ({before}) AND {fault.condition})" if before else fault.condition
                faults.append(Refusing(dotted(path), replace(fault, condition=only)))
            conditions.append(f"coalesce({truth.sql}, false)")
            branches.append(self.node(value, wanted, path))
        branches.append(self.node(node.otherwise, wanted, path))
        for at, branch in enumerate(branches):
            earlier = " OR ".join(conditions[:at])
            active = " AND ".join(
                [
                    *([f"NOT ({earlier})"] if earlier else []),
                    *([conditions[at]] if at < len(conditions) else []),
                ]
            )
            for refusal in branch.faults:
                guarded = f"({active} AND {refusal.fault.condition})"
                faults.append(replace(refusal, fault=replace(refusal.fault, condition=guarded)))

        def chosen(values: list[str]) -> str:
            whens = " ".join(
                f"WHEN {condition} THEN {value}" for condition, value in zip(conditions, values, strict=False)
            )
            return f"CASE {whens} ELSE {values[-1]} END"

        text = chosen([text_of(branch.pieces) for branch in branches])
        nulls = [branch.null or "false" for branch in branches]
        omitted = [branch.omitted or "false" for branch in branches]
        return Built(
            [(False, text)],
            tuple(faults),
            null=chosen(nulls) if any(one != "false" for one in nulls) else None,
            omitted=chosen(omitted) if any(one != "false" for one in omitted) else None,
        )

    def _value(self, node: Value, wanted: Wanted, path: Path) -> Built:
        outer, self.nan_null = self.nan_null, self.nan_null or node.when_nan == "null"
        try:
            inner = self.node(node.inner, wanted, path)
        finally:
            self.nan_null = outer
        if node.when_null == "null" or inner.null is None:
            return inner
        if node.when_null == "omit":
            omitted = f"({inner.null})" + (f" OR ({inner.omitted})" if inner.omitted else "")
            return replace(inner, omitted=omitted)
        other = self.node(node.when_null, wanted, path)
        guarded = tuple(
            replace(one, fault=replace(one.fault, condition=f"(({inner.null}) AND {one.fault.condition})"))
            for one in other.faults
        )
        text = f"CASE WHEN {inner.null} THEN {text_of(other.pieces)} ELSE {text_of(inner.pieces)} END"
        null = f"(({inner.null}) AND ({other.null}))" if other.null else None
        return Built([(False, text)], (*inner.faults, *guarded), null=null, omitted=inner.omitted)
