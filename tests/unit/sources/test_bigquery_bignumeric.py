"""BIGNUMERIC to its last digit: read as text, for DuckDB's decimals and the stand-in's have 38 digits (of Google's 76)."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.mapping.rendering import column, one

from tailrace.columns import Kind
from tailrace.sources.bigquery.dialect import BigQueryDialect
from tailrace.sources.bigquery.upload import as_loaded, insert_statement

DIALECT = BigQueryDialect("project", "EU")
NATIVES = ["BIGNUMERIC", "BIGNUMERIC(76, 38)", "NUMERIC", "NUMERIC(38, 9)"]
LARGEST = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
"""https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types"""
VALUES = [LARGEST, f"-{LARGEST}", "0." + "0" * 37 + "1", "9" * 38 + "." + "9" * 38, "1", "0"]


@pytest.mark.parametrize("native", NATIVES)
def test_no_decimal_is_streamed_but_as_text(native: str) -> None:
    stored = DIALECT.storage(column("v", Kind.DECIMAL, native))
    assert DIALECT.read_expr("v", stored) == "CAST(v AS STRING)"
    assert "CAST(v AS STRING)" in DIALECT.checksum([("v", stored)])


@pytest.mark.parametrize("text", VALUES)
@pytest.mark.parametrize("native", NATIVES[:2])
def test_the_wire_has_every_digit(native: str, text: str) -> None:
    columns = [column("v", Kind.DECIMAL, native)]
    assert one("$v", columns, {"v": text}) == text
    assert one("{{ v }} EUR", columns, {"v": text}) == f'"{text} EUR"'
    assert one({"amount": "$v"}, columns, {"v": text}) == f'{{"amount":{text}}}'


@pytest.mark.parametrize("text", VALUES)
def test_computing_with_such_a_number_is_no_error(text: str) -> None:
    """It is approximate where DuckDB's decimals have no room."""
    found = one({"sql": "v * 2"}, [column("v", Kind.DECIMAL, "BIGNUMERIC")], {"v": text})
    assert float(found) == pytest.approx(float(text) * 2)


@pytest.mark.parametrize("text", VALUES[2:])
def test_an_upload_has_every_digit(text: str) -> None:
    value = Decimal(text)
    data = pa.table({"v": pa.array([value], pa.decimal256(76, 38))})
    statement = insert_statement(DIALECT, "t", {"v": "BIGNUMERIC"}, data)
    assert statement is not None
    written = statement.partition("CAST('")[2].partition("' AS BIGNUMERIC)")[0]
    assert Decimal(written) == value
    sink = pa.BufferOutputStream()
    pq.write_table(as_loaded(data, ["BIGNUMERIC"]), sink)
    assert pq.read_table(pa.BufferReader(sink.getvalue())).column("v").to_pylist() == [value]
