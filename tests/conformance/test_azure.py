"""The azure source against the conformance suite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from tests.servers.azure import AzureServer

from tailrace.sources.azure.source import AzureSource
from tailrace.sources.base import Kind, Source
from tailrace.testing.sources import SourceConformance


@pytest.fixture(scope="module")
def source(azure: AzureServer) -> Iterator[AzureSource]:
    with azure.pool() as pool:
        pool.snapshot_reads()
        pool.sql("CREATE TABLE customers (id int, email nvarchar(100)) WITH (DISTRIBUTION = ROUND_ROBIN)")
        yield AzureSource("shop", pool.settings())


QUOTES = "''"


class TestAzure(SourceConformance):
    types: ClassVar[dict[Kind, str]] = {
        Kind.BOOL: "bit",
        Kind.INT: "bigint",
        Kind.DECIMAL: "decimal(38, 10)",
        Kind.FLOAT: "float",
        Kind.TEXT: "nvarchar(max)",
        Kind.DATE: "date",
        Kind.TIME: "time",
        Kind.TIMESTAMP: "datetime2",
        Kind.TIMESTAMPTZ: "datetimeoffset",
        Kind.UUID: "uniqueidentifier",
    }
    lacks: ClassVar[frozenset[str]] = frozenset({"NaN", "Infinity"})

    @pytest.fixture
    def source(self, source: AzureSource) -> AzureSource:
        return source

    def numbers(self, count: int) -> str:
        digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
        places = len(str(count - 1)) if count > 1 else 1
        tables = " CROSS JOIN ".join(f"({digits}) AS p{place}" for place in range(places))
        number = " + ".join(f"CAST(p{place}.d AS bigint) * {10**place}" for place in range(places))
        return f"SELECT {number} + 1 AS n FROM {tables} WHERE {number} < {count}"

    def bytes_value(self, value: bytes) -> str:
        return f"CAST({f'0x{value.hex()}' if value else QUOTES} AS varbinary(8000))"

    def value(self, kind: Kind, text: str | None) -> str:
        if text is not None and kind is Kind.TIMESTAMPTZ:
            text = re.sub(r"\+(\d\d)$", r" +\1:00", text)
        found = super().value(kind, text)
        return found.replace("CAST('", "CAST(N'", 1)

    @pytest.mark.xfail(strict=True, reason="a pool makes no tables in transactions (111212)")
    def test_tables_are_made_and_renamed_within_a_transaction(
        self, managed: Source, table: Callable[..., str]
    ) -> None:
        super().test_tables_are_made_and_renamed_within_a_transaction(managed, table)
