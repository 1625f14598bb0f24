"""Every notation of `fields`, and errors that lead to their place."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from tests.unit.mapping.rendering import column, one, render

from tailrace.columns import Kind
from tailrace.errors import ConfigErrors
from tailrace.mapping.compile import compile_mapping
from tailrace.mapping.expression import FieldError
from tailrace.mapping.parse import check_fields

COLUMNS = [
    column("id", Kind.INT),
    column("Email"),
    column("plan"),
    column("address", Kind.JSON),
    column("first name"),
    column("a.b"),
    column("b"),
]
ROW = {
    "id": 7,
    "Email": "a@x",
    "plan": "pro",
    "address": '{"city": "Bonn", "lines": [{"no": 1}, {"no": 2}], "odd key": true}',
    "first name": "Ada",
    "a.b": "dotted",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$id", "7"),
        ("$email", '"a@x"'),
        ("$EMAIL", '"a@x"'),
        ("$address.city", '"Bonn"'),
        ("$address.lines[1].no", "2"),
        ("$address.lines[9].no", "null"),
        ('$address["odd key"]', "true"),
        ("$first name", '"Ada"'),
        ('$"first name"', '"Ada"'),
        ('{{ $"first name" | upper }}', '"ADA"'),
        ("$a.b", '"dotted"'),
        ("{{ id }}", "7"),
        ("{{id}}", "7"),
        ("{{ $id }}", "7"),
        ("no {{ id }}: {{ email | upper }}!", '"no 7: A@X!"'),
        ("{{ b }}-{{ b }}", '"-"'),
        ("{{ address.city | upper }}", '"BONN"'),
        ("{{ address.lines }}", '[{"no":1},{"no":2}]'),
        ("{{ 'it\\'s }} {{' }}", '"it\'s }} {{"'),
        ("costs $5", '"costs $5"'),
        ("plain", '"plain"'),
        ("", '""'),
        ("{{ plan | equals: 'pro' }}", "true"),
        ({"sql": "id * 2"}, "14"),
        ({"sql": "\"first name\" || '!'"}, '"Ada!"'),
        ({"sql": "address ->> '$.city'"}, '"Bonn"'),
        ({"literal": "$id {{ id }}"}, '"$id {{ id }}"'),
        ({"literal": {"sql": "x", "n": [1, None]}}, '{"sql":"x","n":[1,null]}'),
        ({"object": {"sql": "$id"}}, '{"sql":7}'),
        ({"object": {"value": {"literal": 1}}}, '{"value":1}'),
        ({"sql": "$id", "other": 1}, '{"sql":7,"other":1}'),
        ({"a": {"b": "$id"}}, '{"a":{"b":7}}'),
        ({}, "{}"),
        ([], "[]"),
        (["$id", "x", ["$b"]], '[7,"x",[null]]'),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.50"),
        (10**30, str(10**30)),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), '"2026-01-02T03:04:05Z"'),
        ({"value": "$b", "when_null": "null"}, "null"),
        ({"value": "$b", "when_null": None}, "null"),
        ({"value": "$b", "when_null": {"default": "none"}}, '"none"'),
        ({"value": "$b", "when_null": {"default": "$id"}}, "7"),
        ({"value": "$id", "when_null": {"default": "none"}}, "7"),
        ({"case": {"when": [{"if": "plan = 'pro'", "then": "gold"}], "else": "basic"}}, '"gold"'),
        ({"case": {"when": [{"if": "id > 9", "then": 1}, {"if": "id > 5", "then": "$id"}]}}, "7"),
        ({"case": {"when": [{"if": "b = 'x'", "then": 1}]}}, "null"),
        ({"case": {"when": [{"if": "true", "then": {"deep": "$plan"}}], "else": [1]}}, '{"deep":"pro"}'),
    ],
)
def test_a_notation_renders(expression, expected):
    assert one(expression, COLUMNS, ROW) == expected


def test_omitted_fields_leave_valid_json_wherever_they_stand():
    maybe = {"value": "$b", "when_null": "omit"}
    for fields in (
        {"m": maybe, "x": "$id"},
        {"x": "$id", "m": maybe},
        {"m": maybe, "x": "$id", "n": maybe, "y": 1},
        {"m": maybe, "n": maybe},
        {"o": {"m": maybe}, "list": [maybe, 1, maybe]},
    ):
        given = render(fields, COLUMNS, [{**ROW, "b": "here"}, ROW])
        there, gone = (result["payload"] for result in given)
        assert '"here"' in there
        assert '"m"' not in gone
        assert ",}" not in gone
        assert "{," not in gone
        assert ",]" not in gone
        assert "[," not in gone
    assert render({"m": maybe, "n": maybe}, COLUMNS, [ROW])[0]["payload"] == "{}"


def test_a_branch_of_a_case_may_be_left_out():
    fields = {
        "x": "$id",
        "tier": {
            "case": {
                "when": [{"if": "plan = 'pro'", "then": "gold"}],
                "else": {"value": "$b", "when_null": "omit"},
            }
        },
    }
    rendered = [
        result["payload"] for result in render(fields, COLUMNS, [ROW, {"plan": "free"}, {"b": "own"}])
    ]
    assert rendered == ['{"x":7,"tier":"gold"}', '{"x":null}', '{"x":null,"tier":"own"}']


def test_without_fields_every_column_is_sent_as_it_is():
    payload = render(None, COLUMNS[:3], [ROW])[0]["payload"]
    assert payload == '{"id":7,"Email":"a@x","plan":"pro"}'


@pytest.mark.parametrize(
    ("expression", "path", "said"),
    [
        ("$emial", ("x",), "no column `emial`"),
        ("{{ emial | lower }}", ("x",), "no column `emial`"),
        ({"a": ["$id", "$nope"]}, ("x", "a", 1), "no column `nope`"),
        ({"sql": "emial || 'x'"}, ("x", "sql"), "no column `emial`"),
        ({"case": {"when": [{"if": "plann = 1", "then": 1}]}}, ("x", "case", "when", 0, "if"), "`plann`"),
        ({"case": {"when": [{"if": "1", "then": 1}]}}, ("x", "case", "when", 0, "if"), "not true or false"),
        ({"case": {"when": []}}, ("x", "case"), "list of"),
        ({"case": {"when": [{"if": "true"}]}}, ("x", "case", "when", 0), "exactly `if` and `then`"),
        ({"case": {"if": 1}}, ("x", "case"), "needs `when`"),
        ({"value": "$b", "when_null": "skip"}, ("x", "when_null"), "cannot be 'skip'"),
        ({"value": "$b", "when_nan": "omit"}, ("x", "when_nan"), "cannot be 'omit'"),
        ({"object": 1}, ("x",), "must hold fields"),
        ("{{ id", ("x",), "never closed"),
        ("{{ }}", ("x",), "empty"),
        ("{{ id | }}", ("x",), "name is missing"),
        ("{{ id lower }}", ("x",), "cannot follow"),
        ("{{ lower }}", ("x",), "is a filter, not a column"),
        ("$5 off", ("x",), "is no column"),
        ("Hi $email", ("x",), "middle of a text"),
        ("$id.city", ("x",), "is not JSON"),
        (float("nan"), ("x",), "do not exist in JSON"),
        (object(), ("x",), "cannot be a field's value"),
    ],
)
def test_an_error_leads_to_its_place(expression, path, said):
    with pytest.raises(FieldError, match=said) as caught:
        compile_mapping({"x": expression}, COLUMNS)
    assert caught.value.path == path
    assert caught.value.where is not None
    assert caught.value.where.field is not None


def test_an_unknown_column_comes_with_what_was_meant():
    with pytest.raises(FieldError) as caught:
        compile_mapping({"x": "$emial"}, COLUMNS)
    assert "Did you mean `Email`?" in caught.value.hint
    assert "plan" in caught.value.hint
    assert caught.value.exit_code == 2


def test_columns_that_differ_in_case_alone_need_their_exact_name():
    columns = [column("id"), column("ID")]
    assert one("$id", columns, {"id": "a", "ID": "b"}) == '"a"'
    with pytest.raises(FieldError, match="could be `id` or `ID`"):
        compile_mapping({"x": "$Id"}, columns)


def test_all_errors_are_found_in_one_reading():
    with pytest.raises(ConfigErrors) as caught:
        compile_mapping({"a": "$nope", "b": {"sql": "random()"}, "c": "{{ id | lowr }}"}, COLUMNS)
    assert [error.path for error in caught.value.errors] == [("a",), ("b", "sql"), ("c",)]


def test_fields_are_checked_without_knowing_the_columns():
    check_fields({"a": "$anything.deep", "b": "{{ x | lower }}", "c": {"sql": "lower(y) || 'z'"}})
    check_fields(None)
    with pytest.raises(FieldError, match="no filter"):
        check_fields({"a": "{{ x | lowr }}"})
    with pytest.raises(FieldError) as caught:
        check_fields({"a": {"sql": "current_date"}})
    assert caught.value.code == "expression_not_allowed"


@pytest.mark.parametrize("fields", [{}, [], "x"])
def test_fields_without_fields_are_refused(fields):
    with pytest.raises(FieldError, match="at least one field"):
        compile_mapping(fields, COLUMNS)
