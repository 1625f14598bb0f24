"""The duckdb source against the conformance suite."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from tailrace.sources.base import Kind
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.testing.sources import SourceConformance


class TestDuckDB(SourceConformance):
    types: ClassVar[dict[Kind, str]] = SourceConformance.types | {
        Kind.UUID: "uuid",
        Kind.JSON: "json",
        Kind.TIME: "time",
        Kind.ARRAY: "integer[]",
        Kind.STRUCT: "struct(a integer)",
    }

    @pytest.fixture
    def source(self, tmp_path: Path) -> DuckDBSource:
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
            connection.execute("CREATE TABLE customers (id INTEGER, email VARCHAR)")
        return DuckDBSource("shop", {"path": "shop.duckdb"}, folder=tmp_path)

    def numbers(self, count: int) -> str:
        return f"SELECT range AS n FROM range(1, {count + 1})"

    def bytes_value(self, value: bytes) -> str:
        return f"unhex('{value.hex()}')"
