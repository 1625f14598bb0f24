"""Values are brought to the types of an action's fields; what does not fit is refused with the field named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.unit.mapping.rendering import column, render

from tailrace.columns import Kind
from tailrace.errors import ConfigErrors
from tailrace.mapping.compile import compile_mapping
from tailrace.mapping.expression import FieldError


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "any"
    required: bool = False
    multiple: bool = False


COLUMNS = [
    column("text"),
    column("whole", Kind.INT),
    column("amount", Kind.DECIMAL, "numeric(10,2)"),
    column("ratio", Kind.FLOAT),
    column("flag", Kind.BOOL),
    column("day", Kind.DATE),
    column("at", Kind.TIMESTAMP),
    column("data", Kind.JSON),
    column("raw", Kind.BYTES),
]


def coerced(type_: str, expression: object, row: dict[str, object], *, multiple: bool = False) -> str | None:
    action = [Field("x", type_, multiple=multiple)]
    result = render({"x": expression}, COLUMNS, [row], action_fields=action)[0]
    if result["payload"] is None:
        assert result["error_field"] == "x"
        assert result["error_message"]
        return None
    return result["payload"][5:-1]


@pytest.mark.parametrize(
    ("type_", "expression", "row", "expected"),
    [
        ("string", "$whole", {"whole": 5}, '"5"'),
        ("string", "$amount", {"amount": "1.50"}, '"1.50"'),
        ("string", "$flag", {"flag": True}, '"true"'),
        ("text", "$data", {"data": '"a"'}, '"a"'),
        ("string", "$data", {"data": "[1]"}, None),
        ("string", "$amount", {"amount": "NaN"}, None),
        ("string", 5, {}, '"5"'),
        ("integer", "$whole", {"whole": 5}, "5"),
        ("integer", "$text", {"text": " 12 "}, "12"),
        ("integer", "$text", {"text": "12.0"}, "12"),
        ("integer", "$text", {"text": "12.5"}, None),
        ("integer", "$text", {"text": "x"}, None),
        ("integer", "$amount", {"amount": "7.00"}, "7"),
        ("integer", "$amount", {"amount": "7.01"}, None),
        ("integer", "$ratio", {"ratio": 3.0}, "3"),
        ("integer", "$ratio", {"ratio": 3.5}, None),
        ("integer", "$ratio", {"ratio": float("nan")}, None),
        ("number", "$text", {"text": "1.50"}, "1.50"),
        ("number", "$text", {"text": "abc"}, None),
        ("number", "$text", {"text": "NaN"}, None),
        ("boolean", "$text", {"text": "YES"}, "true"),
        ("boolean", "$text", {"text": "maybe"}, None),
        ("boolean", "$whole", {"whole": 0}, "false"),
        ("boolean", "$whole", {"whole": 7}, None),
        ("datetime", "$text", {"text": "2026-01-02T03:04:05+02:00"}, '"2026-01-02T01:04:05Z"'),
        ("datetime", "$day", {"day": __import__("datetime").date(2026, 1, 2)}, '"2026-01-02T00:00:00Z"'),
        ("datetime", "$text", {"text": "soon"}, None),
        ("date", "$at", {"at": __import__("datetime").datetime(2026, 1, 2, 3)}, '"2026-01-02"'),
        ("object", "$data", {"data": '{"a":1}'}, '{"a":1}'),
        ("object", "$data", {"data": "[1]"}, None),
        ("object", "$text", {"text": '{"a":1}'}, '{"a":1}'),
        ("object", {"a": "$whole"}, {"whole": 1}, '{"a":1}'),
        ("array", "$data", {"data": "[1]"}, "[1]"),
        ("array", "$data", {"data": "{}"}, None),
        ("array", ["$whole"], {"whole": 1}, "[1]"),
        ("any", "$amount", {"amount": "1.50"}, "1.50"),
        ("integer", "$text", {}, "null"),
        ("integer", {"case": {"when": [{"if": "flag", "then": "$text"}], "else": 0}}, {"text": "x"}, "0"),
        ("integer", {"value": "$text", "when_null": {"default": "$amount"}}, {"amount": "2.00"}, "2"),
    ],
)
def test_coercion(type_, expression, row, expected):
    assert coerced(type_, expression, row) == expected


@pytest.mark.parametrize(
    ("expression", "row", "expected"),
    [
        ("$text", {"text": "7"}, "[7]"),
        ("$text", {}, "null"),
        ("$data", {"data": "[1, 2]"}, "[1, 2]"),
        ("$data", {"data": "{}"}, None),
        (["$text", "$whole"], {"text": "7", "whole": 8}, "[7,8]"),
    ],
)
def test_a_field_that_takes_several_values_gets_an_array(expression, row, expected):
    assert coerced("integer", expression, row, multiple=True) == expected


@pytest.mark.parametrize(
    ("type_", "expression"),
    [
        ("integer", "$flag"),
        ("integer", "$at"),
        ("number", "$raw"),
        ("datetime", "$whole"),
        ("boolean", "$raw"),
        ("object", "$whole"),
        ("string", {"a": 1}),
        ("integer", ["$whole"]),
    ],
)
def test_what_can_never_fit_is_an_error_of_the_mapping(type_, expression):
    with pytest.raises(FieldError) as caught:
        compile_mapping({"x": expression}, COLUMNS, action_fields=[Field("x", type_)])
    assert caught.value.code == "field_type_mismatch"


def test_a_required_field_without_a_value_refuses_its_record():
    action = [Field("x", "string", required=True)]
    for expression in ("$text", {"value": "$text", "when_null": "omit"}):
        results = render({"x": expression}, COLUMNS, [{"text": "a"}, {}], action_fields=action)
        assert [result["payload"] for result in results] == ['{"x":"a"}', None]
        assert results[1]["error_field"] == "x"
        assert "required" in results[1]["error_message"]


def test_required_and_unknown_fields_are_checked_with_the_mapping():
    action = [Field("email", "string", required=True), Field("name", "string")]
    with pytest.raises(ConfigErrors) as caught:
        compile_mapping({"nam": "$text"}, COLUMNS, action_fields=action)
    assert [error.code for error in caught.value.errors] == ["field_unknown", "field_required"]
    assert "Did you mean `name`?" in caught.value.errors[0].hint


def test_an_action_without_declared_fields_takes_any():
    assert compile_mapping({"anything": "$text"}, COLUMNS, action_fields=[]).field_names == ("anything",)
