"""A model's SQL, made fit to stand in parentheses: Db2 takes WITH only at the beginning of a statement."""

from __future__ import annotations

from typing import NamedTuple

from tailrace.errors import ModelError
from tailrace.sources.base import Limits
from tailrace.sources.statement import Token, model_statement, scanner, tokens, word

DB2 = scanner(
    escaped_text="",
    dollar="",
    word=word("A-Za-z_@#$", "A-Za-z0-9_@#$"),
)
_ISOLATION = frozenset({"UR", "CS", "RS", "RR"})
_CHANGED = frozenset({"FINAL", "NEW", "OLD"})


class Parts(NamedTuple):
    """A query without its common table expressions, and these as they follow WITH."""

    expressions: str
    query: str


def db2_statement(sql: str, limits: Limits) -> str:
    """The one query in a model's SQL. Raises ModelError for anything else.

    A query of Db2's may change data: https://www.ibm.com/support/knowledgecenter/SSEPGG_10.1.0/com.ibm.db2.luw.sql.ref.doc/doc/r0059206.html
    """
    statement = model_statement(sql, limits)
    split(statement)
    found = [token for token in tokens(statement, DB2) if token.sort != "comment"]
    for change, table, opening in zip(found, found[1:], found[2:], strict=False):
        if change.text.upper() in _CHANGED and _is(table, "TABLE") and opening.text == "(":
            raise ModelError(
                f"the model changes data, by {change.text.upper()} TABLE",
                hint="Select from the table itself: a model only reads.",
                code="model_not_a_query",
            )
    return statement


def split(sql: str) -> Parts:
    """The parts of one query. Raises ModelError where it chooses its own isolation."""
    found = [token for token in tokens(sql, DB2) if token.sort != "comment"]
    while found and found[-1].text == ";":
        found.pop()
    while len(found) > 2 and found[0].text == "(" and _closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    if len(found) > 2 and _is(found[-2], "WITH") and found[-1].text.upper() in _ISOLATION:
        raise ModelError(
            f"the model ends in WITH {found[-1].text.upper()}",
            hint="Leave it away: what others have not committed must not be sent, and the rest is Tailrace's to choose.",
            code="model_syntax",
        )
    expressions = ""
    if found and _is(found[0], "WITH"):
        end = _expressions_end(found)
        expressions = sql[found[1].start : found[end - 1].end]
        found = found[end:]
    return Parts(expressions, sql[found[0].start : found[-1].end] if found else sql)


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
