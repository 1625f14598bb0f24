"""Statements that Db2 has not: several as one text, some whose failure is no error, a table as a query has columns.

The dialect writes them, the session runs them step by step. As text they are still SQL that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NEXT = "\n;-- then\n"
_SHAPED = re.compile(
    r"/\* columns as in \*/ CREATE TABLE (?P<table>[^\n]+) AS \(\n(?P<query>.*)\n\) WITH NO DATA", re.DOTALL
)
_TOLERANT = re.compile(r"/\* unless (?P<states>\w{5}(?: \w{5})*) \*/ ")


def together(*statements: str) -> str:
    """Several statements as one text, to be run one after the other."""
    return _NEXT.join(statements)


def unless(statement: str, *states: str) -> str:
    """A statement that has nothing to do where it fails with one of these SQLSTATEs."""
    return f"/* unless {' '.join(states)} */ {statement}"


def shaped(table: str, query: str) -> str:
    """Make an empty table with the columns of a query, which may begin with WITH: Db2's own form may not.

    The session asks for the columns and names their types; ours of a plan are as wide as any text of ours.
    """
    return f"/* columns as in */ CREATE TABLE {table} AS (\n{query}\n) WITH NO DATA"


def shape(statement: str) -> tuple[str, str] | None:
    """The table and the query of what `shaped` gave; None for any other statement."""
    match = _SHAPED.fullmatch(statement)
    return (match["table"], match["query"]) if match else None


def steps(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each statement with the SQLSTATEs that are no error."""
    for statement in text.split(_NEXT):
        match = _TOLERANT.match(statement)
        yield (
            (statement[match.end() :], frozenset(match["states"].split()))
            if match
            else (statement, frozenset())
        )
