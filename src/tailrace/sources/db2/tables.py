"""The tables that a model reads, for the grants on them.

They are found by the words around them: no parser at hand knows what only Db2 has, `CURRENT DATE - 7 DAYS` first of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tailrace.sources.db2.models import DB2
from tailrace.sources.statement import Token, tokens

_AFTER_FROM = frozenset(
    {"WHERE", "GROUP", "HAVING", "ORDER", "OFFSET", "FETCH", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "MINUS"}
)
"""What ends a FROM clause, from which on a comma separates no tables."""


@dataclass(slots=True)
class _Level:
    """What is known of the text in one pair of parentheses, as far as it was read."""

    query: bool = False
    """It has a SELECT, without which its FROM is one of TRIM or EXTRACT."""
    listing: bool = False
    """Inside a FROM clause."""
    awaiting: bool = False
    """A table comes next."""


def tables_of(sql: str, home: str) -> set[tuple[str, str]]:
    """Schema and name of each table and view that a query reads, as Db2 has them. Raises ModelError."""
    found = [token for token in tokens(sql, DB2) if token.sort != "comment"]
    own = set(_expressions(found))
    named: set[tuple[str, str]] = set()
    for *schema, name in _read(found):
        if not schema and name in own:
            continue
        where = schema[-1] if schema else home
        if not where.startswith("SYS"):
            named.add((where, name))
    return named


def _read(found: Sequence[Token]) -> Iterator[list[str]]:
    """The parts of each name that stands where a table does."""
    levels = [_Level()]
    at = 0
    while at < len(found):
        token, level = found[at], levels[-1]
        word = token.text.upper() if token.sort == "word" and (not at or found[at - 1].text != ".") else ""
        at += 1
        if word == "SELECT":
            levels[-1] = _Level(query=True)
        elif level.awaiting and word in ("VALUES", "WITH"):
            levels[-1] = _Level()
        elif level.awaiting and token.sort in ("word", "name"):
            level.awaiting = False
            parts = [_folded(token)]
            while at + 1 < len(found) and found[at].text == "." and found[at + 1].sort in ("word", "name"):
                parts.append(_folded(found[at + 1]))
                at += 2
            if at == len(found) or found[at].text != "(":  # else a function, or LATERAL
                yield parts
        elif token.text == "(":
            levels.append(_Level(listing=level.awaiting, awaiting=level.awaiting))
            level.awaiting = False
        elif token.text == ")" and len(levels) > 1:
            levels.pop()
        elif word == "FROM" and level.query and found[at - 2].text.upper() != "DISTINCT":
            level.listing = level.awaiting = True
        elif word == "JOIN" or token.text == ",":
            level.awaiting = level.listing
        elif word in _AFTER_FROM:
            level.listing = False


def _expressions(found: Sequence[Token]) -> Iterator[str]:
    """The names of common table expressions: what has AS and a parenthesis behind it, or behind its columns."""
    for at in range(1, len(found) - 1):
        if found[at].text.upper() == "AS" and found[at + 1].text == "(":
            before = at - 1
            if found[before].text == ")":
                before = _opening(found, before) - 1
            if found[before].sort in ("word", "name"):
                yield _folded(found[before])


def _opening(found: Sequence[Token], end: int) -> int:
    """Where the parenthesis that closes at `end` opens."""
    depth = 0
    for at in range(end, 0, -1):
        depth += (found[at].text == ")") - (found[at].text == "(")
        if depth == 0:
            return at
    return 1


def _folded(token: Token) -> str:
    if token.sort == "name":
        return token.text[1:-1].replace('""', '"')
    return token.text.upper()
