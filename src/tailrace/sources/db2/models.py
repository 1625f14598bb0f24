"""A model's SQL, made fit to stand in parentheses: Db2 takes WITH only at the beginning of a statement."""

from __future__ import annotations

from tailrace.errors import ModelError
from tailrace.sources.base import Limits
from tailrace.sources.expressions import Parts, is_word, taken_out, unwrapped
from tailrace.sources.statement import model_statement, scanner, tokens, word

DB2 = scanner(
    escaped_text="",
    dollar="",
    word=word("A-Za-z_@#$", "A-Za-z0-9_@#$"),
)
_ISOLATION = frozenset({"UR", "CS", "RS", "RR"})
_CHANGED = frozenset({"FINAL", "NEW", "OLD"})


def db2_statement(sql: str, limits: Limits) -> str:
    """The one query in a model's SQL. Raises ModelError for anything else.

    A query of Db2's may change data: https://www.ibm.com/support/knowledgecenter/SSEPGG_10.1.0/com.ibm.db2.luw.sql.ref.doc/doc/r0059206.html
    """
    statement = model_statement(sql, limits)
    split(statement)
    found = [token for token in tokens(statement, DB2) if token.sort != "comment"]
    for change, table, opening in zip(found, found[1:], found[2:], strict=False):
        if change.text.upper() in _CHANGED and is_word(table, "TABLE") and opening.text == "(":
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
    found = unwrapped(found)
    if len(found) > 2 and is_word(found[-2], "WITH") and found[-1].text.upper() in _ISOLATION:
        raise ModelError(
            f"the model ends in WITH {found[-1].text.upper()}",
            hint="Leave it away: what others have not committed must not be sent, and the rest is Tailrace's to choose.",
            code="model_syntax",
        )
    expressions, found = taken_out(sql, found)
    return Parts(expressions, sql[found[0].start : found[-1].end] if found else sql)
