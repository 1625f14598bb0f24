"""Subqueries of a change that read a derived table: Derby evaluates that table anew for each row, Db2 once.

So it is put into a table of its own first, inside the same unit of work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.db2.tokens import Token, closing, code, text_of

_NUMBERS = itertools.count(1)
_BEFORE = {"EXISTS", "IN", "="}
"""What stands before a subquery that is evaluated for each row."""
_QUERY = {"SELECT", "VALUES"}


@dataclass
class Apart:
    """Derived tables that stand apart, by their queries in Derby's words, and the statement that reads them there."""

    tables: dict[str, str] = field(default_factory=dict)
    derby: str = ""

    def makes(self) -> list[str]:
        """Make the tables, which fails where Derby knows no type for a column of theirs."""
        return [f"CREATE TABLE {name} AS {query} WITH NO DATA" for query, name in self.tables.items()]

    def fills(self) -> list[str]:
        return [f"INSERT INTO {name} {query}" for query, name in self.tables.items()]

    def drops(self) -> list[str]:
        return [f"DROP TABLE {name}" for name in self.tables.values()]


def apart(tokens: list[Token], translate: Callable[[list[Token]], list[Token]]) -> Apart | None:
    """The derived tables of a change that are better evaluated once; None where there are none."""
    found = Apart()
    changed = _replaced(tokens, found, translate)
    if not found.tables:
        return None
    found.derby = text_of(translate(changed))
    return found


def _replaced(
    tokens: list[Token], found: Apart, translate: Callable[[list[Token]], list[Token]]
) -> list[Token]:
    result: list[Token] = []
    place = 0
    while place < len(tokens):
        derived = _derived(tokens, place)
        if derived is None:
            result.append(tokens[place])
            place += 1
            continue
        end = closing(tokens, derived)
        inner = _replaced(tokens[derived + 1 : end], found, translate)
        query = text_of(translate(inner))
        name = found.tables.setdefault(query, f"DB2FN.ONCE_{next(_NUMBERS)}")
        result += [*tokens[place:derived], *code(name)]
        place = end + 1
    return result


def _derived(tokens: list[Token], place: int) -> int | None:
    """Where the derived table begins that a subquery, beginning here, reads."""
    if tokens[place].text != "(" or place == 0 or tokens[place - 1].upper not in _BEFORE:
        return None
    if place + 1 >= len(tokens) or tokens[place + 1].upper != "SELECT":
        return None
    at, end = place + 1, closing(tokens, place)
    while at < end and tokens[at].upper != "FROM":
        at = closing(tokens, at) + 1 if tokens[at].text == "(" else at + 1
    starts = at + 2 < end and tokens[at + 1].text == "(" and tokens[at + 2].upper in _QUERY
    return at + 1 if starts else None
