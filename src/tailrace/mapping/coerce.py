"""Brings values to the type of an action's field; what does not fit refuses the record, or the mapping."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from tailrace.mapping.catalogue_logic import to_bool
from tailrace.mapping.convert import described, exact_number, json_fault, shown, to_text, to_time
from tailrace.mapping.expression import FieldError, Path
from tailrace.mapping.program import JSON, NUMBER, Fault, Program, Scalar


class ActionField(Protocol):
    """A field of an action, as a destination declares it."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def multiple(self) -> bool: ...


def coerce(program: Program, scalar: Scalar, wanted: str, path: Path) -> Scalar:
    """The value as the wanted type. Raises FieldError where no value of its kind could ever fit."""
    if scalar.family == "null":
        return scalar
    match wanted:
        case "string" | "text":
            return _text(program, scalar, path)
        case "integer":
            return _integer(program, scalar, path)
        case "number":
            return _number(program, scalar, path)
        case "boolean":
            return _boolean(program, scalar, path)
        case "datetime":
            return _time(program, scalar, "datetime", path)
        case "date":
            time = _time(program, scalar, "date", path)
            return replace(time, sql=f"{time.sql}::DATE", type="DATE")
        case "object":
            return _structure(program, scalar, "OBJECT", "an object", path)
        case "array":
            return as_array(program, scalar, path)
        case _:
            return scalar


def _misfit(scalar: Scalar, wanted: str, path: Path) -> FieldError:
    return FieldError(
        f"{described(scalar)} cannot fill a field of type {wanted}", path, code="field_type_mismatch"
    )


def _with(scalar: Scalar, condition: str, message: str) -> Scalar:
    return replace(scalar, faults=(*scalar.faults, Fault(condition, message)))


def _text(program: Program, scalar: Scalar, path: Path) -> Scalar:
    if scalar.family == "json":
        scalar = program.value(scalar)
        kinds = f"CASE WHEN json_valid({scalar.sql}) THEN json_type({scalar.sql}) END"
        plain = _with(scalar, f"({kinds} IN ('OBJECT', 'ARRAY'))", f"{shown(scalar.sql)} || ' is not a text'")
        return to_text(plain)
    if scalar.family in ("list", "other"):
        raise _misfit(scalar, "text", path)
    if scalar.family == "float":
        scalar = program.value(scalar)
        scalar = _with(scalar, f"NOT isfinite({scalar.sql})", f"{scalar.sql}::VARCHAR || ' is not a number'")
    if scalar.family == "number":
        return replace(exact_number(program, scalar), type="VARCHAR")
    return to_text(scalar)


def _integer(program: Program, scalar: Scalar, path: Path) -> Scalar:
    if scalar.family == "int":
        return scalar
    if scalar.family in ("bool", "blob", "date", "timestamp", "timestamptz", "list", "other"):
        raise _misfit(scalar, "integer", path)
    if scalar.family == "float":
        scalar = program.value(scalar)
        whole = program.value(replace(scalar, sql=f"TRY_CAST({scalar.sql} AS HUGEINT)", type="HUGEINT"))
        wrong = f"({scalar.sql} IS NOT NULL AND coalesce({whole.sql} <> {scalar.sql}, true))"
        return _with(whole, wrong, f"{scalar.sql}::VARCHAR || ' is not an integer'")
    number = exact_number(program, scalar)
    pattern = r"'-?(0|[1-9][0-9]*)(\.0+)?'"
    whole = replace(number, sql=f"regexp_replace({number.sql}, '\\.0+$', '')", type=NUMBER)
    return _with(
        whole,
        f"NOT regexp_full_match({number.sql}, {pattern})",
        f"{shown(number.sql)} || ' is not an integer'",
    )


def _number(program: Program, scalar: Scalar, path: Path) -> Scalar:
    if scalar.family in ("int", "decimal", "float", "number"):
        return scalar
    if scalar.family in ("text", "json"):
        return exact_number(program, scalar)
    raise _misfit(scalar, "number", path)


def _boolean(program: Program, scalar: Scalar, path: Path) -> Scalar:
    if scalar.family == "bool":
        return scalar
    if scalar.family in ("int", "text", "json", "number"):
        return to_bool(program, replace(to_text(scalar)), [], path)
    raise _misfit(scalar, "boolean", path)


def _time(program: Program, scalar: Scalar, wanted: str, path: Path) -> Scalar:
    if scalar.family not in ("date", "timestamp", "timestamptz", "text", "json"):
        raise _misfit(scalar, wanted, path)
    return to_time(program, scalar, wanted, path)


def _structure(program: Program, scalar: Scalar, kind: str, plain: str, path: Path) -> Scalar:
    if scalar.family == "text":
        scalar = replace(scalar, type=JSON)
    if scalar.family == "other" and kind == "OBJECT":
        return scalar
    if scalar.family != "json":
        raise _misfit(scalar, plain.split()[-1], path)
    scalar = program.value(scalar)
    scalar = replace(scalar, faults=(*scalar.faults, json_fault(scalar.sql)))
    kinds = f"CASE WHEN json_valid({scalar.sql}) THEN json_type({scalar.sql}) END"
    return _with(scalar, f"({kinds} <> '{kind}')", f"{shown(scalar.sql)} || ' is not {plain}'")


def as_array(program: Program, scalar: Scalar, path: Path) -> Scalar:
    """The value as an array: lists and JSON arrays only."""
    if scalar.family == "list":
        return scalar
    return _structure(program, scalar, "ARRAY", "an array", path)
