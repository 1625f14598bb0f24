"""The fingerprint tells meaning from spelling."""

from __future__ import annotations

import pytest
from tests.unit.mapping.rendering import column

from tailrace.columns import Kind
from tailrace.mapping.compile import compile_mapping

COLUMNS = [column("id", Kind.INT), column("email"), column("plan")]


def fingerprint(fields, columns=COLUMNS):
    return compile_mapping(fields, columns).fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "$id", "b": "$email"}, {"b": "$email", "a": "$id"}),
        ({"a": "$email"}, {"a": "$EMAIL"}),
        ({"a": "$email"}, {"a": "{{ email }}"}),
        ({"a": "{{email|trim}}"}, {"a": "{{  email | trim  }}"}),
        ({"a": "{{ email | slice: 1 }}"}, {"a": "{{ email | slice: 1 }}"}),
        ({"a": {"sql": "lower( Email )"}}, {"a": {"sql": "LOWER(email) -- same".replace("LOWER", "lower")}}),
        ({"a": {"b": "$id"}}, {"a": {"object": {"b": "$id"}}}),
        ({"a": "x"}, {"a": {"literal": "x"}}),
        ({"a": {"value": "$id", "when_null": "null"}}, {"a": "$id"}),
        ({"a": {"x": "$id", "y": 1}}, {"a": {"y": 1, "x": "$id"}}),
    ],
)
def test_spelling_and_order_do_not_matter(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "$id"}, {"b": "$id"}),
        ({"a": "$id"}, {"a": "$email"}),
        ({"a": "$id"}, {"a": {"literal": "$id"}}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": ["$id", "$plan"]}, {"a": ["$plan", "$id"]}),
        ({"a": "{{ email | trim | lower }}"}, {"a": "{{ email | lower | trim }}"}),
        ({"a": {"value": "$id", "when_null": "omit"}}, {"a": "$id"}),
        ({"a": {"sql": "email"}}, {"a": {"sql": "plan"}}),
        ({"a": {"sql": "email || plan"}}, {"a": {"sql": "plan || email"}}),
        (None, {"id": "$id", "email": "$email", "plan": "$plan"}),
    ],
)
def test_meaning_matters(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("fields", [None, {"a": "$email"}, {"a": {"sql": "lower(plan) || email"}}])
def test_the_order_of_columns_does_not_matter(fields):
    assert fingerprint(fields) == fingerprint(fields, list(reversed(COLUMNS)))


def test_further_columns_do_not_matter():
    more = [column("new"), *COLUMNS]
    for fields in (None, {"a": "$email", "b": {"sql": "plan"}}):
        assert fingerprint(fields) == fingerprint(fields, more)
