"""How warehouses write the same clause: what the statements on managed tables are made of.

The defaults are those of PostgreSQL and DuckDB. A *condition* stands where SQL wants one (WHERE, ON, CASE WHEN);
a *value* stands in a column. Some warehouses do not let the one stand for the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Syntax:
    """Clauses as one warehouse writes them; everything given is text."""

    materialized: str | None = "MATERIALIZED"
    """Before the body of a common table expression that is computed once however often it is read; None where
    only a table can do that (`stage`)."""

    joins_fully: bool = True
    """Whether FULL JOIN and window functions exist; without them, the plan is made by UNION ALL and GROUP BY."""

    framed_numbers: bool = False
    """Whether row_number() may have a frame: then one window counts and numbers the rows of a key."""

    ddl_in_transactions: bool = True
    """Whether tables can be created, renamed and dropped together with changes of rows, or not at all."""

    alters_in_transactions: bool = True
    """Whether columns can be changed and dropped inside a transaction."""

    columns_per_select: int | None = None
    """How many expressions a select list may have; None for more than any table has columns."""

    document_characters: int | None = None
    """How many characters of a document of ours one value of a result can hold; None for any number."""

    rows_per_transaction: int | None = None
    """How many state rows one transaction may move (R26); None for any number."""

    insert_only: bool = False
    """Whether state rows are never updated or deleted, so that of one key the newest counts (R28)."""

    compares_digests: bool = False
    """Whether state rows hold a digest of their values beside them, and a plan compares only that (R13)."""

    reuses_names: bool = True
    """Whether a column may be added under the name of one that was dropped shortly before."""

    # -- conditions and values

    def truth(self, condition: str) -> str:
        """A condition as a boolean value of ours."""
        return f"({condition})"

    def holds(self, value: str) -> str:
        """The condition that a boolean value of ours is true."""
        return value

    def distinct(self, left: str, right: str) -> str:
        """The condition that two values differ, where NULL equals NULL; never unknown."""
        return f"{left} IS DISTINCT FROM {right}"

    # -- text

    def concatenated(self, *texts: str) -> str:
        """Texts as one; NULL where any of them is."""
        return f"({' || '.join(texts)})"

    def first_characters(self, text: str, count: int) -> str:
        return f"left({text}, {count})"

    def from_character(self, text: str, start: int) -> str:
        """The text from its `start`-th character on, counted from 1."""
        return f"substr({text}, {start})"

    def document(self, column: str, start: int) -> str:
        """A document of ours from its `start`-th character on, as much of it as one value of a result can hold."""
        return column

    def exact(self, key: str) -> str:
        """A record id as what tells it from all others where ids are joined, grouped or sorted.

        The id itself, unless trailing blanks, letter case or accents make no difference there.
        """
        return key

    def same_key(self, left: str, right: str) -> str:
        """The condition that two record ids are the same, in a form that joins fast."""
        return f"{self.exact(left)} = {self.exact(right)}"

    def least(self, left: str, right: str) -> str:
        return f"least({left}, {right})"

    # -- selecting

    def leading(self, sql: str) -> str:
        """What of a user's statement stands before the whole statement that holds it as a subquery.

        Its common table expressions, where a subquery cannot have any; ends in white space unless it is empty.
        """
        return ""

    def rows_of_key(self, key: str) -> str:
        """How many rows have the same key."""
        return f"count(*) OVER (PARTITION BY {key})"

    def numbered(self, query: str, order: Sequence[str], name: str) -> str:
        """A query's rows with a number each, called `name`: never the same, and increasing in that order."""
        by = ", ".join(f"rows_of.{each}" for each in order)
        return f"SELECT rows_of.*, row_number() OVER (ORDER BY {by}) AS {name} FROM (\n{query}\n) AS rows_of"

    def select_one(self, expressions: str) -> str:
        """A query of one row that reads no table."""
        return f"SELECT {expressions}"

    def limited(self, query: str, count: int) -> str:
        """The first rows of a query that begins with SELECT and may end in ORDER BY."""
        return f"{query} LIMIT {int(count)}"

    def nulls_last(self, expression: str) -> str:
        """What to ORDER BY, so that NULL comes last."""
        return f"{expression} NULLS LAST"

    def constants(self, alias: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Some rows of constants, as something to select from."""
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        return f"(VALUES {values}) AS {alias}({', '.join(names)})"

    # -- changing rows

    def delete_from(self, table: str, alias: str, condition: str) -> str:
        """Delete rows of a table, called `alias` in the condition."""
        return f"DELETE FROM {table} AS {alias} WHERE {condition}"

    def update_from(
        self, table: str, alias: str, assignments: Mapping[str, str], rows: str, other: str, condition: str
    ) -> str:
        """Update rows of a table, called `alias`, from the one row of the query `rows`, called `other`, that fits.

        `assignments` map column names, as they stand in SQL, to expressions.
        """
        sets = ", ".join(f"{name} = {value}" for name, value in assignments.items())
        return f"UPDATE {table} AS {alias} SET {sets} FROM (\n{rows}\n) AS {other} WHERE {condition}"

    def update_rows(self, table: str, alias: str, assignments: Mapping[str, str]) -> str:
        """Update all rows of a table, called `alias` in the expressions; keys are column names as in SQL."""
        sets = ", ".join(f"{name} = {value}" for name, value in assignments.items())
        return f"UPDATE {table} AS {alias} SET {sets} WHERE 1 = 1"

    # -- tables that live as long as a session

    def stage(self, name: str) -> str:
        """What a stage of that name is called in SQL: a table that only this session sees."""
        raise TypeError(f"{type(self).__name__} computes what it reads twice once, without stages")

    def fill_stage(self, name: str, columns: Sequence[tuple[str, str]], query: str) -> tuple[str, ...]:
        """Make a stage of a query's rows; `columns` are (name, native type) in the query's order."""
        raise TypeError(f"{type(self).__name__} computes what it reads twice once, without stages")

    def drop_stage(self, name: str) -> tuple[str, ...]:
        """Remove a stage; a session that ends removes its stages too."""
        raise TypeError(f"{type(self).__name__} computes what it reads twice once, without stages")
