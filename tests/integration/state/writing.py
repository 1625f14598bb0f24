"""The ways in which a warehouse may need its state written, on warehouses that need none of them.

A way is the dialect of DuckDB or PostgreSQL with other flags, and sessions that refuse what such a warehouse
refuses: tables made or dropped inside a transaction, state rows updated or deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tailrace.sources.base import Session, Source
from tailrace.sources.duckdb.dialect import DuckDBDialect
from tailrace.sources.duckdb.files import STATE_CATALOG
from tailrace.sources.postgres.dialect import PostgresDialect

ROWS = 2
"""So many state rows a transaction moves, where it may not move any number."""

_DDL = re.compile(r"\s*(CREATE|DROP|ALTER|COMMENT)\b")
_CHANGE = re.compile(r'\s*(UPDATE|DELETE FROM)\s+\S*"records_')


class PostgresParts(PostgresDialect):
    """As on Db2: many rows are moved in several transactions."""

    rows_per_transaction = ROWS


class DuckDBParts(DuckDBDialect):
    """As on Azure: several transactions, no tables made in any, and ids that compare as if padded with blanks."""

    rows_per_transaction = ROWS
    ddl_in_transactions = False

    def exact(self, key: str) -> str:
        return f"({key} || '.')"

    def same_key(self, left: str, right: str) -> str:
        return f"rtrim({left}) = rtrim({right}) AND {self.exact(left)} = {self.exact(right)}"


class DuckDBInserts(DuckDBDialect):
    """As on BigQuery: state rows are only inserted, with a digest, and no tables made in transactions (R13, R28)."""

    insert_only = True
    compares_digests = True
    ddl_in_transactions = False


@dataclass(slots=True)
class StrictSession:
    """A session that fails where a warehouse of such a dialect would."""

    session: Session
    dialect: Any
    in_transaction: bool = field(default=False, init=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.session.transaction():
            self.in_transaction = True
            try:
                yield
            finally:
                self.in_transaction = False

    def execute(self, statement: str) -> int:
        if self.in_transaction and not self.dialect.ddl_in_transactions:
            assert not _DDL.match(statement), f"inside a transaction: {statement}"
        if self.dialect.insert_only and _CHANGE.match(statement):
            assert "NOT EXISTS" in statement, f"only a compaction deletes state rows: {statement}"
        return self.session.execute(statement)


class OtherwiseWritten:
    """A source whose dialect has other flags."""

    def __init__(self, source: Source, dialect: Any) -> None:
        self.plain = source
        self.dialect = dialect

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    @contextmanager
    def session(self, *, model: bool = False) -> Iterator[Any]:
        with self.plain.session(model=model) as session:
            yield StrictSession(session, self.dialect)


def written(source: Source, way: str) -> Any:
    """The source with another way of writing state: `parts`, `inserts`, or its own where that is empty."""
    match source.type, way:
        case "postgres", "parts":
            return OtherwiseWritten(source, PostgresParts())
        case "duckdb", "parts":
            return OtherwiseWritten(source, DuckDBParts(STATE_CATALOG))
        case "duckdb", "inserts":
            return OtherwiseWritten(source, DuckDBInserts(STATE_CATALOG))
        case _:
            return source
