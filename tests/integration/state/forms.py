"""DuckDB as if it lacked what other warehouses lack, so that every form of a plan's statements runs for real."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.sources.duckdb.dialect import DuckDBDialect


class Staged(DuckDBDialect):
    """A common table expression may be computed each time it is read; tables are not made in transactions."""

    materialized = None
    packing = None
    framed_numbers = False
    ddl_in_transactions = False

    def stage(self, name: str) -> str:
        return f"memory.main.{self.quote(name)}"

    def fill_stage(self, name: str, columns: Sequence[tuple[str, str]], query: str) -> tuple[str, ...]:
        names = ", ".join(self.quote(column) for column, _ in columns)
        return (
            self.create_table(self.stage(name), columns),
            f"INSERT INTO {self.stage(name)} ({names})\n{query}",
        )

    def drop_stage(self, name: str) -> tuple[str, ...]:
        return (self.drop_table(self.stage(name)),)


class Apart(Staged):
    """Neither full joins nor windows with an order; ids compare as if they were padded with blanks."""

    joins_fully = False

    def exact(self, key: str) -> str:
        return f"({key} || '.')"

    def same_key(self, left: str, right: str) -> str:
        return f"rtrim({left}) = rtrim({right}) AND {self.exact(left)} = {self.exact(right)}"

    def numbered(self, query: str, order: Sequence[str], name: str) -> str:
        rows = f"{query}\nORDER BY {', '.join(order)}"
        return f"SELECT rows_of.*, row_number() OVER () AS {name} FROM (\n{rows}\n) AS rows_of"


class InsertOnly(Staged):
    """As on BigQuery: state rows are only inserted (R28), and compared by a digest beside their values (R13)."""

    insert_only = True
    compares_digests = True


FORMS = {"duckdb-staged": Staged, "duckdb-apart": Apart, "duckdb-insert-only": InsertOnly}
