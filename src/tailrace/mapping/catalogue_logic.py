"""The filters for JSON and for logic."""

from __future__ import annotations

from dataclasses import replace

from tailrace.mapping.allowed import FUNCTIONS, fixed, largest
from tailrace.mapping.convert import json_fault, shown, to_json_text, to_number, to_text
from tailrace.mapping.expression import FieldError, Path
from tailrace.mapping.filters import WHITE_SPACE, Filter, Parameter
from tailrace.mapping.program import JSON, NUMBER, Fault, Program, Scalar, literal

_NUMBERS = ("int", "decimal", "float", "number")
_TRUE = "('true', 't', 'yes', 'y', 'on', '1')"
_FALSE = "('false', 'f', 'no', 'n', 'off', '0')"


def to_bool(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    """A value as a boolean; one that is neither true nor false refuses the record."""
    if value.family in ("bool", "null"):
        return value
    if value.family in _NUMBERS:
        number = to_number(program, value, "bool", path)
        return replace(number, sql=f"({number.sql} <> 0)", type="BOOLEAN")
    text = program.value(to_text(value))
    word = f"lower(trim({text.sql}, {WHITE_SPACE}))"
    known = f"CASE WHEN {word} IN {_TRUE} THEN true WHEN {word} IN {_FALSE} THEN false END"
    result = program.value(replace(text, sql=known, type="BOOLEAN"))
    fault = Fault(
        f"({text.sql} IS NOT NULL AND {result.sql} IS NULL)",
        f"{shown(text.sql)} || ' is neither true nor false'",
    )
    return replace(result, faults=(*result.faults, fault))


def _same_kind(values: list[Scalar]) -> str | None:
    """The type in which all values can stand side by side unchanged, if there is one."""
    types = {value.type for value in values}
    if len(types) == 1:
        return types.pop()
    if all(value.family in ("int", "decimal") for value in values):
        return "exact"
    if all(value.family in ("int", "decimal", "number") for value in values):
        return NUMBER
    return None


def either(program: Program, condition: str, first: Scalar, second: Scalar) -> Scalar:
    """One value where the condition holds, else the other, each as it is."""
    if first.family == "null":
        first = replace(first, type=second.type)
    if second.family == "null":
        second = replace(second, type=first.type)
    faults = (
        *(replace(fault, condition=f"({condition} AND {fault.condition})") for fault in first.faults),
        *(replace(fault, condition=f"(NOT {condition} AND {fault.condition})") for fault in second.faults),
    )
    kind = _same_kind([first, second])
    if kind is None or kind == "exact":
        one, other = to_json_text(program, first), to_json_text(program, second)
        faults = (
            *(replace(fault, condition=f"({condition} AND {fault.condition})") for fault in one.faults),
            *(replace(fault, condition=f"(NOT {condition} AND {fault.condition})") for fault in other.faults),
        )
        type_ = NUMBER if kind == "exact" else JSON
        chosen = f"CASE WHEN {condition} THEN {one.sql} ELSE {other.sql} END"
        return Scalar(chosen, type_, faults, checked=True)
    if kind == NUMBER:
        first, second = to_text(first), to_text(second)
    numeric = first.numeric
    return Scalar(
        f"CASE WHEN {condition} THEN {first.sql} ELSE {second.sql} END", kind, faults, numeric=numeric
    )


def _default(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    return either(program, f"({value.sql} IS NOT NULL)", value, arguments[0])


def _if_empty(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    text = to_text(value)
    return either(program, f"(trim(coalesce({text.sql}, ''), {WHITE_SPACE}) <> '')", value, arguments[0])


def _not(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    truth = to_bool(program, value, arguments, path)
    return replace(truth, sql=f"(NOT {truth.sql})", type="BOOLEAN")


def _alike(program: Program, value: Scalar, other: Scalar, path: Path) -> str:
    """SQL that is true where two values are equal: numbers as numbers, all else by text."""
    if value.family in _NUMBERS and other.family in _NUMBERS:
        one = to_number(program, value, "equals", path)
        two = to_number(program, other, "equals", path)
        return f"({one.sql} = {two.sql})"
    return f"({to_text(value).sql} = {to_text(other).sql})"


def _equals(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    return replace(value, sql=_alike(program, value, arguments[0], path), type="BOOLEAN")


def _in(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    tests = [f"coalesce({_alike(program, value, argument, path)}, false)" for argument in arguments]
    sql = f"CASE WHEN {value.sql} IS NOT NULL THEN ({' OR '.join(tests)}) END"
    return replace(value, sql=sql, type="BOOLEAN")


def _map(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    if len(arguments) < 2:
        raise FieldError("`map` needs pairs", path, hint="Write map: 'pro', 'gold', 'free', 'basic'.")
    result = arguments[-1] if len(arguments) % 2 else Scalar("NULL", "NULL")
    for index in range(len(arguments) // 2 * 2 - 2, -1, -2):
        test = f"coalesce({_alike(program, value, arguments[index], path)}, false)"
        result = either(program, test, arguments[index + 1], result)
    if result.family == "null":
        return result
    sql = f"CASE WHEN {value.sql} IS NOT NULL THEN {result.sql} END"
    return replace(result, sql=sql, faults=(*value.faults, *result.faults))


def _json(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    if value.family == "json":
        return value
    return replace(program.value(to_text(value)), type=JSON)


def _to_json(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    return replace(to_json_text(program, value), type="VARCHAR", checked=False)


def json_step(value: Scalar, steps: tuple[str | int, ...]) -> Scalar:
    """A place inside a JSON value; NULL where there is none, or where JSON null stands there."""
    where = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{_quoted(step)}" for step in steps)
    found = f"json_extract({value.sql}, {literal(where)})::VARCHAR"
    sql = f"CASE WHEN json_valid({value.sql}) THEN nullif({found}, 'null') END"
    faults = value.faults if value.checked else (*value.faults, json_fault(value.sql))
    return replace(value, sql=sql, type=JSON, faults=faults, checked=True)


def _quoted(step: str) -> str:
    return '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _get(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    if value.family not in ("json", "text", "null"):
        raise FieldError("`get` takes JSON", path)
    steps: list[str | int] = []
    for part in str(arguments[0].literal).removeprefix("$").strip(".").replace("[", ".[").split("."):
        index = part.removeprefix("[").removesuffix("]")
        if part.startswith("[") and index.isdigit():
            steps.append(int(index))
        elif part:
            steps.append(part)
    return json_step(value, tuple(steps))


LOGIC = (
    Filter(
        "json",
        "json",
        "Text read as JSON; text that is none refuses the record.",
        ("{{ '[1, 2]' | json }}", "[1, 2]"),
        "any",
        _json,
    ),
    Filter(
        "to_json",
        "json",
        "The value written as JSON, as text.",
        ("{{ 'a' | to_json }}", '"\\"a\\""'),
        "any",
        _to_json,
        growth=FUNCTIONS["to_json"],
    ),
    Filter(
        "get",
        "json",
        "What stands at a place in JSON, such as `city` or `lines[0].name`; NULL where nothing does.",
        ("{{ '{\"a\": [1, {\"b\": 2}]}' | json | get: 'a[1].b' }}", "2"),
        "any",
        _get,
        (Parameter("path", fixed=True),),
    ),
    Filter(
        "default",
        "logic",
        "The other value where this one is NULL.",
        ("{{ null | default: 'there' }}", '"there"'),
        "any",
        _default,
        (Parameter("other", "any"),),
        growth=largest,
    ),
    Filter(
        "if_empty",
        "logic",
        "The other value where this one is NULL, empty or blank.",
        ("{{ '  ' | if_empty: 'none' }}", '"none"'),
        "any",
        _if_empty,
        (Parameter("other", "any"),),
        growth=largest,
    ),
    Filter(
        "bool",
        "logic",
        "true or false, from a number or from words such as yes, no, on, off, 1, 0.",
        ("{{ 'Yes' | bool }}", "true"),
        "any",
        to_bool,
        growth=fixed,
    ),
    Filter("not", "logic", "The opposite.", ("{{ true | not }}", "false"), "any", _not, growth=fixed),
    Filter(
        "equals",
        "logic",
        "Whether both are equal: numbers as numbers, all else as text.",
        ("{{ 'pro' | equals: 'pro' }}", "true"),
        "any",
        _equals,
        (Parameter("other", "any"),),
        growth=fixed,
    ),
    Filter(
        "in",
        "logic",
        "Whether it equals one of the values.",
        ("{{ 'pro' | in: 'pro', 'team' }}", "true"),
        "any",
        _in,
        (Parameter("value", "any", many=True),),
        growth=fixed,
    ),
    Filter(
        "map",
        "logic",
        "Pairs of a value and what to put for it; a last single value is for all others, else they are NULL.",
        ("{{ 'pro' | map: 'pro', 'gold', 'free', 'basic', 'other' }}", '"gold"'),
        "any",
        _map,
        (Parameter("value", "any", many=True),),
        growth=lambda sizes: largest(sizes[1:]),
    ),
)
