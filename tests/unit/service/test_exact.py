"""Numbers are shown digit by digit as they are sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.service.exact import laid_out, parsed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "number", ["0.00", "1.50", "1e300", "1E+3", "-0", "12345678901234567890.123456789", "9" * 5000]
)
def test_a_number_keeps_its_digits(number: str) -> None:
    assert laid_out(parsed(f'{{"n":[{number}]}}')) == f'{{\n  "n": [\n    {number}\n  ]\n}}'


def test_a_number_is_a_number_to_whoever_computes_with_it() -> None:
    assert parsed("1.50") == 1.5
    assert str(parsed("1.50")) == "1.50"


@given(VALUES)
def test_what_is_laid_out_reads_back_the_same(value: object) -> None:
    assert json.loads(laid_out(value)) == value
    assert parsed(laid_out(value)) == value
