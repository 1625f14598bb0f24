"""A model's T-SQL, made fit to stand in parentheses.

A derived table of T-SQL can neither begin with WITH nor end with ORDER BY. So a model's common table expressions
are taken out, to stand before the whole statement (`WITH` is not evaluated more often there: T-SQL never stores
it), and an ORDER BY that chooses no rows is left away.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.errors import ModelError, Where
from tailrace.sources.base import Limits
from tailrace.sources.expressions import Parts, is_word, taken_out, unwrapped
from tailrace.sources.statement import Token, model_statement, scanner, tokens, word

TSQL = scanner(
    escaped_text="",
    dollar="",
    bracketed=r"\[(?:[^\]]|\]\])*(?P<bracketed_end>\])?",
    word=word("A-Za-z_@#", "A-Za-z0-9_@#$"),
)


def azure_statement(sql: str, limits: Limits) -> str:
    """The one query in a model's SQL. Raises ModelError for anything else."""
    statement = model_statement(sql, limits, TSQL)
    split(statement)
    return statement


def split(sql: str) -> Parts:
    """The parts of one query. Raises ModelError where it ends in what only a whole statement may have."""
    whole = [token for token in tokens(sql, TSQL) if token.sort != "comment"]
    expressions, found = taken_out(sql, unwrapped(whole))
    if not found:
        return Parts(expressions, sql)
    last = _without_order(sql, found)
    return Parts(expressions, sql[found[0].start : found[last].end])


def _without_order(sql: str, found: Sequence[Token]) -> int:
    """The last token that belongs to the query in parentheses."""
    depth, order, chosen = 0, None, False
    for position, token in enumerate(found):
        if token.sort == "other":
            depth += (token.text == "(") - (token.text == ")")
        if depth:
            continue
        if is_word(token, "OPTION") and position + 1 < len(found) and found[position + 1].text == "(":
            raise ModelError(
                "the model ends in OPTION (…), which Tailrace sets for the statement around it",
                hint="Leave it away.",
                where=Where(field=f"sql, line {sql.count(chr(10), 0, token.start) + 1}"),
                code="model_syntax",
            )
        if is_word(token, "ORDER") and position + 1 < len(found) and is_word(found[position + 1], "BY"):
            order = position
        chosen = chosen or is_word(token, "TOP") or (order is not None and is_word(token, "OFFSET"))
    return len(found) - 1 if order is None or chosen else order - 1
