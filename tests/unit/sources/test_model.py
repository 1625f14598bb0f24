"""A model's columns, unique identifier and values are within the limits, or the error names what is not."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ModelError
from tailrace.sources.base import Column, Kind, Limits
from tailrace.sources.model import Oversized, check_model, oversized

LIMITS = Limits()
ID = Column("id", Kind.INT, "bigint")


def text(name: str) -> Column:
    return Column(name, Kind.TEXT, "text")


def test_the_key_columns_come_in_the_order_of_the_key() -> None:
    columns = [text("a"), ID, text("b")]
    assert check_model(columns, ["b", "ID"], LIMITS) == (text("b"), ID)


def test_an_exact_name_goes_before_one_of_another_case() -> None:
    assert check_model([text("Id"), ID], ["id"], LIMITS) == (ID,)


@pytest.mark.parametrize(
    ("columns", "key", "says"),
    [
        ([], ["id"], "no columns"),
        ([ID], ["idd"], "no column 'idd'"),
        ([ID, text("ID")], ["Id"], "several columns: id, ID"),
        ([ID], ["id", "ID"], "twice"),
        ([ID, text("a"), text("a")], ["id"], "named 'a'"),
        ([ID, text("?column?")], ["id"], "column 2 of the model has no name"),
        ([ID, text("")], ["id"], "column 2 of the model has no name"),
        ([ID, text("x" * 129)], ["id"], "129 characters"),
        ([ID, *(text(f"c{i}") for i in range(512))], ["id"], "513 columns"),
    ],
)
def test_what_cannot_be_synced_is_refused_with_a_remedy(
    columns: list[Column], key: list[str], says: str
) -> None:
    with pytest.raises(ModelError) as caught:
        check_model(columns, key, LIMITS)
    assert says in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_512_columns_are_not_too_many() -> None:
    columns = [ID, *(text(f"c{i}") for i in range(511))]
    assert check_model(columns, ["id"], LIMITS) == (ID,)


def test_a_misspelt_key_is_recognised() -> None:
    with pytest.raises(ModelError) as caught:
        check_model([text("customer_id")], ["custmer_id"], LIMITS)
    assert "customer_id" in caught.value.hint


@pytest.mark.parametrize(
    "kind", [Kind.FLOAT, Kind.BOOL, Kind.JSON, Kind.BYTES, Kind.ARRAY, Kind.STRUCT, Kind.OTHER]
)
def test_a_type_that_cannot_identify_is_refused(kind: Kind) -> None:
    with pytest.raises(ModelError) as caught:
        check_model([Column("id", kind, str(kind))], ["id"], LIMITS)
    assert caught.value.code == "key_type"
    assert "cast" in caught.value.hint


def test_values_and_records_above_the_limits_are_named() -> None:
    batch = pa.record_batch(
        {
            "id": pa.array([1, 2, 3, 4]),
            "a": pa.array(["x", "x" * (128 * 1024 + 1), None, "é" * 70_000]),
            "b": pa.array([b"x" * (128 * 1024)] * 4, pa.binary()),
        }
    )
    assert oversized(batch, LIMITS) == [
        Oversized(1, "a", 128 * 1024 + 1),
        Oversized(3, "a", 140_000),
    ]


def test_a_record_of_many_large_values_is_too_large() -> None:
    value = "x" * (128 * 1024)
    batch = pa.record_batch({f"c{i}": [value, "x"] for i in range(4)} | {"id": pa.array([1, 2])})
    assert oversized(batch, LIMITS) == [Oversized(0, None, 4 * 128 * 1024 + 8)]


@given(st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=8)), min_size=1, max_size=20))
def test_every_record_above_a_limit_is_found_and_no_other(rows: list[tuple[str, bytes | None]]) -> None:
    limits = Limits(value_bytes=5, record_bytes=9)
    batch = pa.record_batch(
        {
            "t": pa.array([t for t, _ in rows], pa.string()),
            "b": pa.array([b for _, b in rows], pa.large_binary()),
        }
    )
    expected = set()
    for number, (words, data) in enumerate(rows):
        sizes = {"t": len(words.encode()), "b": len(data or b"")}
        expected |= {(number, name) for name, size in sizes.items() if size > 5}
        if sum(sizes.values()) > 9:
            expected.add((number, None))
    assert {(one.row, one.column) for one in oversized(batch, limits)} == expected
