"""Takes a query apart that must stand in parentheses, where a warehouse wants its common table expressions before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tailrace.sources.statement import Token


class Parts(NamedTuple):
    """A query that may stand in parentheses, and the common table expressions it reads."""

    expressions: str
    query: str


def is_word(token: Token, word: str) -> bool:
    """Whether a token is this keyword."""
    return token.sort == "word" and token.text.upper() == word


def unwrapped(found: Sequence[Token]) -> Sequence[Token]:
    """A query's tokens without the parentheses around all of it."""
    while len(found) > 2 and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return found


def taken_out(sql: str, found: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """The text of the common table expressions at a query's head, and the tokens behind them."""
    if not found or not is_word(found[0], "WITH"):
        return "", found
    end = _expressions_end(found)
    return sql[found[1].start : found[end - 1].end], found[end:]


def _closing(found: Sequence[Token], start: int) -> int:
    """Where the parenthesis that opens at `start` closes; the end if it does not."""
    depth = 0
    for position in range(start, len(found)):
        if found[position].sort == "other":
            depth += (found[position].text == "(") - (found[position].text == ")")
            if depth == 0:
                return position
    return len(found) - 1


def _expressions_end(found: Sequence[Token]) -> int:
    """Behind the list of common table expressions: name, columns, AS, parentheses, a comma and the next."""
    at = 1
    while at < len(found):
        while at < len(found) and not is_word(found[at], "AS"):
            at = _closing(found, at) + 1 if found[at].text == "(" else at + 1
        at = _closing(found, min(at + 1, len(found) - 1)) + 1
        if at >= len(found) or found[at].text != ",":
            return at
        at += 1
    return at
