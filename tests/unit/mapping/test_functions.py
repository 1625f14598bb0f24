"""The catalogue of filters: every example holds, NULL stays NULL, and misuse is told at once."""

from __future__ import annotations

import pytest
from tests.unit.mapping.rendering import column, one, refused

from tailrace.columns import Kind
from tailrace.mapping.expression import FieldError
from tailrace.mapping.functions import FILTERS

_OWN = [filter_ for filter_ in FILTERS.values() if filter_.alias_of is None]


@pytest.mark.parametrize("filter_", _OWN, ids=lambda filter_: filter_.name)
def test_the_example_of_each_filter_holds(filter_):
    template, expected = filter_.example
    assert one(template) == expected
    assert filter_.name in template


@pytest.mark.parametrize("filter_", _OWN, ids=lambda filter_: filter_.name)
def test_each_filter_explains_itself(filter_):
    assert filter_.help.endswith(".")
    assert filter_.signature.startswith(filter_.name)


_ARGUMENTS = {
    "replace": ": 'a', 'b'",
    "remove": ": 'a'",
    "substring": ": 0",
    "truncate": ": 1",
    "split": ": ','",
    "prefix": ": 'a'",
    "suffix": ": 'a'",
    "concat": ": 'a'",
    "pad": ": 3",
    "pad_right": ": 3",
    "contains": ": 'a'",
    "starts_with": ": 'a'",
    "ends_with": ": 'a'",
    "matches": ": 'a'",
    "extract": ": 'a'",
    "plus": ": 1",
    "minus": ": 1",
    "times": ": 1",
    "divided_by": ": 1",
    "modulo": ": 1",
    "add_days": ": 1",
    "get": ": 'a'",
    "equals": ": 1",
    "in": ": 1",
    "map": ": 'a', 'b', 'c'",
}


@pytest.mark.parametrize(
    "name", [one_.name for one_ in _OWN if one_.name not in ("default", "if_empty", "join")]
)
def test_null_stays_null(name):
    value = "null | json" if name in ("get",) else "c"
    assert one(f"{{{{ {value} | {name}{_ARGUMENTS.get(name, '')} }}}}", [column("c")], {}) == "null"


def test_null_through_join_stays_null():
    assert one("{{ c | split: ',' | join: '-' }}", [column("c")], {}) == "null"


def test_default_replaces_null_only_and_keeps_each_type():
    number = [column("n", Kind.INT)]
    assert one("{{ n | default: 'none' }}", number, {"n": 5}) == "5"
    assert one("{{ n | default: 'none' }}", number, {}) == '"none"'
    assert one("{{ n | default: 0 }}", number, {}) == "0"
    assert one("{{ t | default: 'x' }}", [column("t")], {"t": ""}) == '""'
    assert one("{{ t | if_empty: 'x' }}", [column("t")], {"t": " "}) == '"x"'


def test_default_may_be_another_column():
    columns = [column("a"), column("b", Kind.DECIMAL, "numeric(10,2)")]
    assert one("{{ a | default: b }}", columns, {"b": "1.50"}) == "1.50"
    assert one("{{ b | default: a }}", columns, {"a": "x"}) == '"x"'


def test_decimals_stay_exact_as_text_and_in_arithmetic():
    columns = [column("d", Kind.DECIMAL, "numeric(38,2)")]
    row = {"d": "123456789012345678901234567890.50"}
    assert one("{{ d }}", columns, row) == "123456789012345678901234567890.50"
    assert one("{{ d | text }}", columns, row) == '"123456789012345678901234567890.50"'
    assert one("EUR {{ d }}", columns, row) == '"EUR 123456789012345678901234567890.50"'
    assert one("{{ d | plus: 1 }}", columns, {"d": "1.50"}) == "2.50"


@pytest.mark.parametrize(
    ("template", "row"),
    [
        ("{{ t | int }}", {"t": "twelve"}),
        ("{{ t | plus: 1 }}", {"t": "x"}),
        ("{{ t | number }}", {"t": "1,5"}),
        ("{{ t | to_date }}", {"t": "yesterday"}),
        ("{{ t | to_timestamp: '%d.%m.%Y' }}", {"t": "2026-01-02"}),
        ("{{ t | bool }}", {"t": "perhaps"}),
        ("{{ t | json }}", {"t": "{"}),
        ("{{ t | base64_decode }}", {"t": "*"}),
        ("{{ n | divided_by: 0 }}", {"n": 1}),
        ("{{ n | modulo: 0 }}", {"n": 1}),
        ("{{ n | times: 10 }}", {"n": 2**62}),
        ("{{ n | abs }}", {"n": -(2**63)}),
    ],
)
def test_a_value_that_a_filter_cannot_take_refuses_its_record(template, row):
    assert refused(template, [column("t"), column("n", Kind.INT)], row)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ t | lowr }}", "no filter `lowr`"),
        ("{{ t | lower: 1 }}", "takes no argument"),
        ("{{ t | replace: 'a' }}", "takes 2 arguments"),
        ("{{ t | replace: 'a', t }}", "must be written out"),
        ("{{ t | pad: 100000 }}", "must be between 0 and 256"),
        ("{{ t | pad: 'x' }}", "must be a whole number"),
        ("{{ b | round }}", "takes a number, not bytes"),
        ("{{ n | add_days: 1 }}", "takes a date or timestamp"),
        ("{{ t | matches: '(' }}", "does not work"),
        ("{{ t | map: 'a' }}", "needs pairs"),
        ("{{ t | join }}", "takes a list"),
    ],
)
def test_misuse_is_an_error_of_the_mapping(template, said):
    columns = [column("t"), column("b", Kind.BYTES), column("n", Kind.INT)]
    with pytest.raises(FieldError, match=said.replace("(", "\\(")) as caught:
        one(template, columns, {})
    assert caught.value.path == ("x",)


def test_filters_that_multiply_growth_are_refused():
    grown = " | ".join(["replace: 'a', 'aaaaaaaaaaaaaaaaaaaa'"] * 3)
    with pytest.raises(FieldError, match="too large") as caught:
        one(f"{{{{ t | {grown} }}}}", [column("t")], {"t": "a"})
    assert caught.value.code == "expression_not_allowed"


def test_aliases_do_what_their_names_say():
    assert one("{{ 'tail' | slice: 1, 2 }}") == '"ai"'
    assert one("{{ '1.5' | float }}") == "1.5"


def test_map_and_equals_compare_numbers_as_numbers():
    columns = [column("n", Kind.INT), column("d", Kind.DECIMAL, "numeric(4,2)")]
    assert one("{{ n | map: 1, 'one', 2, 'two' }}", columns, {"n": 2}) == '"two"'
    assert one("{{ n | map: 1, 'one' }}", columns, {"n": 3}) == "null"
    assert one("{{ d | equals: 1.5 }}", columns, {"d": "1.50"}) == "true"
    assert one("{{ n | in: 1, 3 }}", columns, {"n": 2}) == "false"


def test_times_are_utc_and_offsets_are_converted():
    assert one("{{ '2026-01-02T03:04:05+02:00' | to_timestamp }}") == '"2026-01-02T01:04:05Z"'
    assert one("{{ '2026-01-02 03:04:05' | to_timestamp }}") == '"2026-01-02T03:04:05Z"'
    assert one("{{ 1.5 | to_timestamp }}") == '"1970-01-01T00:00:01.5Z"'
    assert one("{{ '1969-12-31T23:59:59.5Z' | epoch }}") == "-1"
