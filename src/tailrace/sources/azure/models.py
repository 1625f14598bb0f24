"""A model's T-SQL, made fit to stand in parentheses.

A derived table of T-SQL can neither begin with WITH nor end with ORDER BY. So a model's common table expressions
are taken out, to stand before the whole statement (`WITH` is not evaluated more often there: T-SQL never stores
it), and an ORDER BY that chooses no rows is left away.
"""

from __future__ import annotations

from typing import NamedTuple

from tailrace.errors import ModelError, Where
from tailrace.sources.base import Limits
from tailrace.sources.statement import Token, model_statement, scanner, tokens, word

TSQL = scanner(
    escaped_text="",
    dollar="",
    bracketed=r"\[(?:[^\]]|\]\])*(?P<bracketed_end>\])?",
    word=word("A-Za-z_@#", "A-Za-z0-9_@#$"),
)


class Parts(NamedTuple):
    """A query without what must not stand in parentheses, and the common table expressions it reads."""

    expressions: str
    query: str


def azure_statement(sql: str, limits: Limits) -> str:
    """The one query in a model's SQL. Raises ModelError for anything else."""
    statement = model_statement(sql, limits, TSQL)
    split(statement)
    return statement


def split(sql: str) -> Parts:
    """The parts of one query. Raises ModelError where it ends in what only a whole statement may have."""
    found = [token for token in tokens(sql, TSQL) if token.sort != "comment"]
    while len(found) > 2 and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    expressions = ""
    if found and _is(found[0], "WITH"):
        end = _expressions_end(found)
        expressions = sql[found[1].start : found[end - 1].end]
        found = found[end:]
    if not found:
        return Parts(expressions, sql)
    last = _without_order(sql, found)
    return Parts(expressions, sql[found[0].start : found[last].end])


def _is(token: Token, word: str) -> bool:
    return token.sort == "word" and token.text.upper() == word


def _closing(found: list[Token], start: int) -> int:
    """Where the parenthesis that opens at `start` closes; the end if it does not."""
    depth = 0
    for position in range(start, len(found)):
        if found[position].sort == "other":
            depth += (found[position].text == "(") - (found[position].text == ")")
            if depth == 0:
                return position
    return len(found) - 1


def _expressions_end(found: list[Token]) -> int:
    """Behind the list of common table expressions: name, columns, AS, parentheses, a comma and the next."""
    at = 1
    while at < len(found):
        while at < len(found) and not _is(found[at], "AS"):
            at = _closing(found, at) + 1 if found[at].text == "(" else at + 1
        at = _closing(found, min(at + 1, len(found) - 1)) + 1
        if at >= len(found) or found[at].text != ",":
            return at
        at += 1
    return at


def _without_order(sql: str, found: list[Token]) -> int:
    """The last token that belongs to the query in parentheses."""
    depth, order, chosen = 0, None, False
    for position, token in enumerate(found):
        if token.sort == "other":
            depth += (token.text == "(") - (token.text == ")")
        if depth:
            continue
        if _is(token, "OPTION") and position + 1 < len(found) and found[position + 1].text == "(":
            raise ModelError(
                "the model ends in OPTION (…), which Tailrace sets for the statement around it",
                hint="Leave it away.",
                where=Where(field=f"sql, line {sql.count(chr(10), 0, token.start) + 1}"),
                code="model_syntax",
            )
        if _is(token, "ORDER") and position + 1 < len(found) and _is(found[position + 1], "BY"):
            order = position
        chosen = chosen or _is(token, "TOP") or (order is not None and _is(token, "OFFSET"))
    return len(found) - 1 if order is None or chosen else order - 1
