"""Which records render differently after an edit: fields compared as JSON values (R17)."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.mapping.rerender import Comparison

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.0, -0.0, "1", "", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
    max_leaves=4,
)
_PAYLOADS = st.dictionaries(st.sampled_from(["a", "b", 'c"\\']), _VALUES)


def differ(old: str | None, new: str | None, before: list[str], after: list[str]) -> bool:
    with Comparison(before, after) as comparison:
        result = comparison.differing(pa.array([old], pa.large_string()), pa.array([new], pa.large_string()))
    return result[0].as_py()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{"a":1,"b":2}', '{"b":2,"a":1}', False),
        ('{"a":1}', '{"a":1.0}', False),
        ('{"a":100}', '{"a":1e2}', False),
        ('{"a":1}', '{"a":2}', True),
        ('{"a":1}', '{"a":"1"}', True),
        ('{"a":1}', '{"a":true}', True),
        ('{"a":null}', "{}", False),
        ("{}", '{"a":null}', False),
        ('{"a":"x"}', "{}", True),
        ('{"a":{"x":1,"y":[2]}}', '{"a":{"y":[2.0],"x":1}}', False),
        ('{"a":{"x":1}}', '{"a":{"x":1,"y":null}}', True),
        ('{"a":[1,2]}', '{"a":[2,1]}', True),
        ('{"a":0.10000000000000000001}', '{"a":0.10000000000000000002}', True),
        ('{"a":12345678901234567890123}', '{"a":12345678901234567890124}', True),
        ('{"a":{"n":0.10000000000000000001}}', '{"a":{"n":0.10000000000000000002}}', True),
        ('{"gone":1,"a":1}', '{"a":1}', False),
        ('{"a":1}', '{"a":1,"new":null}', False),
        ('{"a":1}', '{"a":1,"new":0}', True),
        (None, None, False),
        (None, '{"a":1}', True),
        ('{"a":1}', None, True),
        ('{"a":"é\\n"}', '{"a":"é\\n"}', False),
    ],
)
def test_two_payloads(old, new, expected):
    assert differ(old, new, ["a", "b", "gone"], ["new", "b", "a"]) is expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_PAYLOADS, _PAYLOADS), min_size=1, max_size=10))
def test_the_same_as_a_plain_comparison(pairs):
    before, after = ["a", 'c"\\'], ["a", "b", 'c"\\']

    def canonical(value):
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return (type(value).__name__, value)
        if isinstance(value, int | float):
            return ("number", float(value))
        if isinstance(value, list):
            return ("list", [canonical(item) for item in value])
        return ("object", sorted((name, canonical(item)) for name, item in value.items()))

    with Comparison(before, after) as comparison:
        result = comparison.differing(
            pa.array([json.dumps(old) for old, _ in pairs], pa.large_string()),
            pa.array([json.dumps(new, indent=1) for _, new in pairs], pa.large_string()),
        ).to_pylist()
    for (old, new), found in zip(pairs, result, strict=True):
        expected = new.get("b") is not None or any(
            canonical(old.get(name)) != canonical(new.get(name)) for name in before
        )
        assert found is expected


def test_no_field_in_common():
    assert differ('{"a":1}', '{"b":1}', ["a"], ["b"]) is True
    assert differ('{"a":1}', '{"b":null}', ["a"], ["b"]) is False
