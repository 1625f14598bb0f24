"""JSON on DuckDB compares as values do: exact, whatever the order of names and the spelling of numbers (R13)."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.columns import Column, Kind
from tailrace.sources.duckdb.dialect import DuckDBDialect

NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25),
    st.integers(-100, 100),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=3),
)
TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["1.0", '"1"', "\\", ",1.00,", "-", "{}", "a:1.0", "#1", "null"])
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def spell(value: Any, chance: random.Random) -> str:
    """One of the many JSON texts of a value."""
    space = chance.choice(["", " ", "\n\t"])
    match value:
        case dict():
            names = list(value)
            chance.shuffle(names)
            inside = f",{space}".join(
                f"{spell(name, chance)}{space}:{space}{spell(value[name], chance)}" for name in names
            )
            return "{" + space + inside + space + "}"
        case list():
            return "[" + f"{space},".join(spell(item, chance) for item in value) + space + "]"
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=chance.random() < 0.5)
        case _:
            text = f"{Decimal(value):f}"
            if chance.random() < 0.5:
                text += ("" if "." in text else ".") + "0" * chance.randint(1, 3)
            return text


def plain(value: Any) -> Any:
    """Equal for equal JSON values alone: True is not 1."""
    match value:
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case bool() | None | str():
            return (type(value).__name__, value)
        case _:
            return ("number", Decimal(value))


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def differ(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> bool:
    dialect = DuckDBDialect()
    differs = dialect.differs("a", "b", Column("j", Kind.JSON, "JSON"))
    row = connection.execute(
        f"SELECT {differs} FROM (SELECT ?::JSON AS a, ?::JSON AS b)", [left, right]
    ).fetchone()
    assert row is not None
    return bool(row[0])


@given(VALUES, st.randoms(use_true_random=False))
def test_spelling_is_no_change(
    connection: duckdb.DuckDBPyConnection, value: Any, chance: random.Random
) -> None:
    assert not differ(connection, spell(value, chance), spell(value, chance))


@given(VALUES, VALUES, st.randoms(use_true_random=False))
def test_other_values_are_a_change(
    connection: duckdb.DuckDBPyConnection, one: Any, other: Any, chance: random.Random
) -> None:
    expected = plain(one) != plain(other)
    assert differ(connection, spell(one, chance), spell(other, chance)) == expected
