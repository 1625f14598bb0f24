"""How T-SQL writes the clauses that warehouses write differently, within what a dedicated SQL pool permits.

It has no boolean values, no IS DISTINCT FROM, no LIMIT, no rows of VALUES, no NULLS LAST, and no alias for the
table that a DELETE or UPDATE changes ("T-SQL language elements supported in Synapse SQL"; DELETE, UPDATE).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tailrace.sources.azure.models import split
from tailrace.sources.azure.types import COLLATION, KEY, is_text
from tailrace.sources.syntax import Syntax

_QUOTED = re.compile(r"N?'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|\"(?:[^\"]|\"\")*\"")
_LAST_NAME = re.compile(r"\[(?:[^\]]|\]\])*\]$")
_SELECT = re.compile(r"\s*SELECT(?P<distinct>\s+DISTINCT)?\b", re.IGNORECASE)


def bracketed(name: str) -> str:
    """An identifier, exactly as given."""
    return "[" + name.replace("]", "]]") + "]"


def collated(native: str) -> str:
    """A stored type as a column's definition: text compares by code points, whatever the pool's collation."""
    return f"{native} COLLATE {COLLATION}" if is_text(native) else native


def distribution(names: Sequence[str]) -> str:
    """How a table is spread over the pool, and that it is a heap.

    A heap, for state is changed row by row and its texts may be of MAX types, which a columnstore cannot hold
    ("Table size guidance", "Indexing dedicated SQL pool tables").
    """
    spread = "HASH([record_id])" if "record_id" in names else "ROUND_ROBIN"
    return f"WITH (DISTRIBUTION = {spread}, HEAP)"


class AzureSyntax(Syntax):
    """The clauses of T-SQL."""

    materialized = None
    joins_fully = True
    ddl_in_transactions = False
    rows_per_transaction = 500_000

    def truth(self, condition: str) -> str:
        return f"CASE WHEN {condition} THEN CAST(1 AS BIT) ELSE CAST(0 AS BIT) END"

    def holds(self, value: str) -> str:
        return f"({value} = 1)"

    def distinct(self, left: str, right: str) -> str:
        return f"CASE WHEN {left} = {right} OR ({left} IS NULL AND {right} IS NULL) THEN 0 ELSE 1 END = 1"

    def concatenated(self, *texts: str) -> str:
        """CONCAT takes NULL for empty, so each text that may be NULL is asked first."""
        unsure = [text for text in texts if not _QUOTED.fullmatch(text)]
        joined = f"CONCAT({', '.join(texts)})" if len(texts) > 1 else "".join(texts)
        missing = " OR ".join(f"{text} IS NULL" for text in unsure)
        return f"(CASE WHEN {missing} THEN NULL ELSE {joined} END)" if unsure else joined

    def first_characters(self, text: str, count: int) -> str:
        return f"LEFT({text}, {count})"

    def from_character(self, text: str, start: int) -> str:
        return f"SUBSTRING({text}, {start}, 2147483647)"

    def exact(self, key: str) -> str:
        """SHA-256 of the text: trailing blanks make a difference there, and 32 bytes are sorted fast."""
        return f"HASHBYTES('SHA2_256', {key})"

    def same_key(self, left: str, right: str) -> str:
        """Equal by code points and in length: `=` alone lets tables stay where their keys distribute them."""
        return f"({left} = {right} AND DATALENGTH({left}) = DATALENGTH({right}))"

    def least(self, left: str, right: str) -> str:
        return f"CASE WHEN {left} <= {right} OR {right} IS NULL THEN {left} ELSE {right} END"

    def leading(self, sql: str) -> str:
        expressions = split(sql).expressions
        return f"WITH {expressions}\n" if expressions else ""

    def limited(self, query: str, count: int) -> str:
        start = _SELECT.match(query)
        if start is None:
            raise ValueError("a query that begins with SELECT")
        return f"SELECT{start['distinct'] or ''} TOP ({int(count)}){query[start.end() :]}"

    def nulls_last(self, expression: str) -> str:
        return f"CASE WHEN {expression} IS NULL THEN 1 ELSE 0 END, {expression}"

    def constants(self, alias: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        selects = " UNION ALL ".join(
            "SELECT " + ", ".join(f"{value} AS {name}" for value, name in zip(row, names, strict=True))
            for row in rows
        )
        return f"({selects}) AS {alias}"

    def delete_from(self, table: str, alias: str, condition: str) -> str:
        return f"DELETE FROM {table} WHERE {renamed(condition, alias, table)}"

    def update_from(
        self, table: str, alias: str, assignments: Mapping[str, str], rows: str, other: str, condition: str
    ) -> str:
        sets = ", ".join(f"{name} = {renamed(value, alias, table)}" for name, value in assignments.items())
        where = renamed(condition, alias, table)
        if not any(re.search(rf"(?<![\w.]){re.escape(other)}\.", value) for value in assignments.values()):
            return f"UPDATE {table} SET {sets} WHERE EXISTS (SELECT 1 FROM (\n{rows}\n) AS {other} WHERE {where})"
        return f"UPDATE {table} SET {sets} FROM (\n{renamed(rows, alias, table)}\n) AS {other} WHERE {where}"

    def update_rows(self, table: str, alias: str, assignments: Mapping[str, str]) -> str:
        sets = ", ".join(f"{name} = {renamed(value, alias, table)}" for name, value in assignments.items())
        return f"UPDATE {table} SET {sets} WHERE 1 = 1"

    def stage(self, name: str) -> str:
        return f"#{name}" if re.fullmatch(r"\w+", name) else bracketed(f"#{name}")

    def fill_stage(self, name: str, columns: Sequence[tuple[str, str]], query: str) -> tuple[str, ...]:
        """CTAS, whose column types are those of the casts."""
        found = split(query)
        selected = ", ".join(
            f"{self._typed(column, native)} AS {bracketed(column)}" for column, native in columns
        )
        led = f"WITH {found.expressions}\n" if found.expressions else ""
        spread = distribution([column for column, _ in columns])
        return (
            *self.drop_stage(name),
            f"CREATE TABLE {self.stage(name)} {spread} AS\n{led}SELECT {selected}\nFROM (\n{found.query}\n) AS staged",
        )

    @staticmethod
    def _typed(column: str, native: str) -> str:
        wanted = KEY if column == "record_id" else native
        cast = f"CAST(staged.{bracketed(column)} AS {wanted})"
        return f"{cast} COLLATE {COLLATION}" if is_text(wanted) else cast

    def drop_stage(self, name: str) -> tuple[str, ...]:
        quoted = f"tempdb..{self.stage(name)}".replace("'", "''")
        return (f"IF OBJECT_ID(N'{quoted}') IS NOT NULL DROP TABLE {self.stage(name)}",)


def renamed(sql: str, alias: str, table: str) -> str:
    """SQL of ours in which a table is called by its own name instead of an alias; what is quoted stays."""
    name = _LAST_NAME.search(table)
    called = name[0] if name else table
    word = re.compile(rf"(?<![\w.\]]){re.escape(alias)}\.")
    parts: list[str] = []
    at = 0
    for quoted in _QUOTED.finditer(sql):
        parts += [word.sub(lambda _: f"{called}.", sql[at : quoted.start()]), quoted[0]]
        at = quoted.end()
    return "".join([*parts, word.sub(lambda _: f"{called}.", sql[at:])])
