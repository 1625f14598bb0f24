"""Rows that are read in order are held to be so; those of a unit are put in order here."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pytest

from tailrace.errors import SourceError
from tailrace.outcomes import Span
from tailrace.sources.base import Session
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.state.names import StateNames
from tailrace.state.plan_read import in_order, read_unit


def batches(*parts: list[int | None]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pydict({"_seq": pa.array(part, pa.int64())}) for part in parts]


@pytest.mark.parametrize(
    "parts", [[], [[1, 2], [3]], [[], [5]], [[7]], [[1, 2], [None, None]], [[0, None], [None]]]
)
def test_rows_in_order_pass(parts: list[list[int | None]]) -> None:
    given = batches(*parts)
    assert list(in_order(iter(given))) == given


@pytest.mark.parametrize(
    "parts", [[[2, 1]], [[1, 3], [2]], [[1, 1]], [[5], [5]], [[1], [None], [2]], [[1, None, 2]]]
)
def test_rows_out_of_order_are_an_error(parts: list[list[int | None]]) -> None:
    with pytest.raises(SourceError, match="order"):
        list(in_order(iter(batches(*parts))))


class Result:
    """A session of a warehouse that gives these rows, whatever it is asked."""

    def __init__(self, *rows: pa.RecordBatch) -> None:
        self._rows = rows

    def read(self, statement: str) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._rows[0].schema, self._rows)


def unit_of(*rows: pa.RecordBatch) -> pa.Table:
    session: Any = Result(*rows)
    names = StateNames("managed", "map_12345678")
    return read_unit(cast(Session, session), DuckDBDialect(), names, "changes", Span(0, 99), [])


def test_r10_a_unit_comes_in_order_however_it_was_read() -> None:
    assert unit_of(*batches([7, 2], [], [5])).column("_seq").to_pylist() == [2, 5, 7]
    assert unit_of(*batches([])).num_rows == 0


def test_r10_a_unit_of_huge_records_is_put_in_order_too() -> None:
    """Together more than 2 GiB of text: too much for one array of it. The parts here share their memory."""
    huge = pa.array(["x" * 2**26])
    given = [pa.RecordBatch.from_arrays([pa.array([at]), huge], ["_seq", "t"]) for at in reversed(range(33))]
    rows = unit_of(*given)
    assert rows.column("_seq").to_pylist() == list(range(33))
    assert rows.nbytes > 2**31
    assert len(rows.to_batches(max_chunksize=4_000)) == 33
