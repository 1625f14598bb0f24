"""The postgres source against the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from tests.servers.postgres import PostgresServer

from tailrace.sources.base import Kind
from tailrace.sources.postgres.source import PostgresSource
from tailrace.testing.sources import SourceConformance


@pytest.fixture(scope="module")
def source(postgres: PostgresServer) -> Iterator[PostgresSource]:
    with postgres.database() as database:
        database.sql("CREATE TABLE customers (id integer, email text)")
        yield PostgresSource("shop", database.settings())


class TestPostgres(SourceConformance):
    types: ClassVar[dict[Kind, str]] = SourceConformance.types | {
        Kind.TEXT: "text",
        Kind.UUID: "uuid",
        Kind.JSON: "jsonb",
        Kind.TIME: "time",
        Kind.ARRAY: "integer[]",
    }

    @pytest.fixture
    def source(self, source: PostgresSource) -> PostgresSource:
        return source

    def numbers(self, count: int) -> str:
        return f"SELECT n FROM generate_series(1, {count}) AS g(n)"

    def bytes_value(self, value: bytes) -> str:
        return f"'\\x{value.hex()}'::bytea"
