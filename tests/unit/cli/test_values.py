"""Values as people read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.cli.render.values import clean, moment, named, number, pretty, seconds, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("null", '"null"'),
        ("42.10", "42.10"),
        (42, "42"),
        ("", '""'),
        (" a ", '" a "'),
        ("Grüße", "Grüße"),
        ("a\nb", '"a\\nb"'),
        (True, "true"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_a_value_is_shown_so_that_it_cannot_be_taken_for_another(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_cut_with_its_length() -> None:
    assert shown("x" * 1000).endswith("… (1,000 characters)")


def test_names_are_quoted_only_where_they_are_hard_to_see() -> None:
    assert [named(text) for text in ("42", " a", "", "a\x1b")] == ["42", '" a"', '""', "a\\x1b"]


@given(JSON)
def test_pretty_json_is_the_same_json(value: Any) -> None:
    text = pretty(json.dumps(value, ensure_ascii=True))
    if clean(text, keep="\n") == text and "\\" not in text:
        assert json.loads(text) == value


def test_pretty_keeps_the_digits_of_numbers() -> None:
    assert pretty('{"a":12345678901234567890.10,"b":[1e400]}') == (
        '{\n  "a": 12345678901234567890.10,\n  "b": [\n    1e400\n  ]\n}'
    )


def test_pretty_leaves_text_that_is_no_json_but_makes_it_harmless() -> None:
    assert pretty("<html>\n\x1b[2J") == "<html>\n\\x1b[2J"


def test_numbers_times_and_durations() -> None:
    assert [number(n) for n in (0, 1234567, 0.25, 1234.5)] == ["0", "1,234,567", "0.2", "1,234"]
    assert [seconds(s) for s in (0.44, 42.4, 185, 7800)] == ["0.4 s", "42 s", "3 m 05 s", "2 h 10 m"]
    assert moment("2026-03-01T12:00:02.123+00:00") == "2026-03-01 12:00:02 UTC"
    assert moment("soon") == "soon"
    assert moment(None) == ""
