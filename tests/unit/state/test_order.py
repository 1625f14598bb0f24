"""Rows that are read in order are held to be so."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tailrace.errors import SourceError
from tailrace.state.plan_read import in_order


def batches(*parts: list[int | None]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pydict({"_seq": pa.array(part, pa.int64())}) for part in parts]


@pytest.mark.parametrize("parts", [[], [[1, 2], [3]], [[], [5]], [[7]], [[1, 2], [None, None]]])
def test_rows_in_order_pass(parts: list[list[int | None]]) -> None:
    given = batches(*parts)
    assert list(in_order(iter(given))) == given


@pytest.mark.parametrize("parts", [[[2, 1]], [[1, 3], [2]], [[1, 1]], [[5], [5]]])
def test_rows_out_of_order_are_an_error(parts: list[list[int | None]]) -> None:
    with pytest.raises(SourceError, match="order"):
        list(in_order(iter(batches(*parts))))
