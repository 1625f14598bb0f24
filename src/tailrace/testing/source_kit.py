"""What every part of the source conformance suite stands on: the source under test, and its SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from tailrace.sources.base import Column, Kind, Session, Source


class SourceKit:
    """Override `source`, `types`, `numbers` and `bytes_value`; every test has a managed schema of its own."""

    types: ClassVar[dict[Kind, str]] = {
        Kind.BOOL: "boolean",
        Kind.INT: "bigint",
        Kind.DECIMAL: "decimal(38, 10)",
        Kind.FLOAT: "double precision",
        Kind.TEXT: "varchar",
        Kind.DATE: "date",
        Kind.TIMESTAMP: "timestamp",
        Kind.TIMESTAMPTZ: "timestamp with time zone",
    }
    """The warehouse's types to try, by kind, as they stand in a CAST; without kinds that it lacks."""

    decimals: ClassVar[list[str]] = [
        *("0", "-1", "12345678901234567890.1234567891", "-0.0000000001"),
        "9" * 28 + "." + "9" * 10,
    ]
    """Decimals that the type of `types` holds, without needless zeros."""

    long_text: ClassVar[str] = "text"
    """The type of a managed column for any text within the limit of a value."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    """Of `NaN` and `Infinity` those that the warehouse's floating-point type does not have."""

    @pytest.fixture
    def source(self) -> Source:
        """The source under test, with nothing in its managed schema."""
        pytest.fail("override the fixture `source`: it gives the source under test")

    def numbers(self, count: int) -> str:
        """A query whose column `n` has the whole numbers from 1 to `count`."""
        pytest.fail("override `numbers`")

    def bytes_value(self, value: bytes) -> str:
        """An expression of the warehouse's binary type."""
        pytest.fail("override `bytes_value`")

    def value(self, kind: Kind, text: str | None) -> str:
        """An expression of a type of `types`, from its text."""
        literal = "NULL" if text is None else "'" + text.replace("'", "''") + "'"
        return f"CAST({literal} AS {self.types[kind]})"

    def endless(self) -> str:
        """A query that would run for hours and gives one row."""
        return (
            f"SELECT count(*) AS n FROM ({self.numbers(1_000_000)}) AS a "
            f"CROSS JOIN ({self.numbers(10_000_000)}) AS b WHERE a.n + b.n < 0"
        )

    @pytest.fixture
    def managed(self, source: Source) -> Source:
        """The source, with its managed schema created."""
        with source.session() as session:
            session.execute(source.dialect.create_schema(source.schema))
        return source

    @pytest.fixture
    def table(self, managed: Source) -> Iterator[Callable[..., str]]:
        """Makes an empty managed table of columns (name, word or native type) and gives its name."""
        made: list[str] = []

        def make(*columns: tuple[str, str], name: str = "") -> str:
            name = name or f"kit_{len(made)}"
            dialect = managed.dialect
            words = {"text", "bigint", "integer", "boolean", "timestamptz"}
            typed = [(n, dialect.type_of(word) if word in words else word) for n, word in columns]
            with managed.session() as session:
                session.execute(dialect.create_table(dialect.table(managed.schema, name), typed))
            made.append(name)
            return name

        yield make
        with managed.session() as session:
            for name in made:
                session.execute(managed.dialect.drop_table(managed.dialect.table(managed.schema, name)))

    def full(self, source: Source, table: str) -> str:
        """A managed table's qualified name."""
        return source.dialect.table(source.schema, table)

    def count(self, source: Source, table: str) -> int:
        """The table's rows, as another session sees them."""
        with source.session() as session:
            return int(session.rows(f"SELECT count(*) FROM {self.full(source, table)}")[0][0])

    def one(self, source: Source, *expressions: str) -> tuple[Any, ...]:
        """The values of some expressions."""
        with source.session() as session:
            return session.rows(self._row(source, expressions))[0]

    def columns(self, source: Source, *expressions: str) -> list[Column]:
        """The expressions as columns c0, c1 … of a model."""
        return source.describe(self._row(source, expressions))

    @staticmethod
    def _row(source: Source, expressions: Sequence[str]) -> str:
        return source.dialect.select_one(", ".join(f"{e} AS c{i}" for i, e in enumerate(expressions)))

    def stored(self, session: Session, source: Source, table: str, columns: Sequence[Column]) -> pa.Table:
        """A managed table's rows as the plan reads them."""
        dialect = source.dialect
        shown = ", ".join(
            f"{dialect.read_expr(dialect.quote(c.name), dialect.storage(c))} AS {dialect.quote(c.name)}"
            for c in columns
        )
        return session.read(f"SELECT {shown} FROM {self.full(source, table)}").read_all()
