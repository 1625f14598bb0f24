"""What may be a model's SQL: exactly one query, cut free of trailing semicolons and comments.

The text is scanned, not parsed: quotes, dollar quotes and comments are told apart as PostgreSQL and DuckDB
do, so that a semicolon in a text or a comment ends nothing. What the query means is for the warehouse to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tailrace.errors import ModelError, Where
from tailrace.sources.base import Limits

_Sort = Literal["word", "text", "name", "other", "comment"]


def word(first: str, more: str) -> str:
    r"""The pattern of a word: one of the characters `first`, then any of `more`; all beyond ASCII are of both.

    Those stand apart, for a class with a range up to U+10FFFF takes Python 3 ms to compile.
    """
    return rf"(?:[{first}]|[^\x00-\x7f])(?:[{more}]|[^\x00-\x7f])*"


_PARTS = {
    "space": r"\s+",
    "line_comment": r"--[^\r\n]*",
    "block_comment": r"/\*",
    "escaped_text": r"[eE]'(?:[^'\\]|\\.|'')*(?P<escaped_text_end>')?",
    "text": r"'(?:[^']|'')*(?P<text_end>')?",
    "name": r'"(?:[^"]|"")*(?P<name_end>")?',
    "bracketed": "",
    "dollar": rf"\$(?:{word('A-Za-z_', 'A-Za-z0-9_')})?\$",
    "word": word("A-Za-z_", "A-Za-z0-9_$"),
    "template": r"\{\{|\{%",
    "number": r"[0-9][A-Za-z0-9_.]*",
    "other": r".",
}


def scanner(**parts: str) -> re.Pattern[str]:
    """What cuts SQL into tokens: PostgreSQL's and DuckDB's, with some parts written otherwise, or empty for none.

    A part that may be left open has a group `<part>_end`, which is there only where it is closed.
    """
    patterns = {**_PARTS, **parts}
    return re.compile("|".join(f"(?P<{name}>{p})" for name, p in patterns.items() if p), re.DOTALL)


STANDARD = scanner()
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL and where it stands."""

    sort: _Sort
    text: str
    start: int
    end: int


def model_statement(sql: str, limits: Limits, scan: re.Pattern[str] | None = None) -> str:
    """The one query in `sql`, ready to stand in parentheses. Raises ModelError for anything else."""
    if len(sql) > limits.query_characters:
        raise ModelError(
            f"the statement has {len(sql):,} characters; at most {limits.query_characters:,} are allowed",
            hint="Move parts of it into views of the warehouse and select from those.",
            code="model_too_long",
        )
    found = [token for token in tokens(sql, scan or limits.scan or STANDARD) if token.sort != "comment"]
    while found and found[-1].text == ";":
        found.pop()
    while found and found[0].text == ";":
        found.pop(0)
    if not found:
        raise ModelError("the statement is empty", hint="Write a SELECT.", code="model_empty")
    _check_one(sql, found)
    _check_query(sql, found, limits)
    return sql[found[0].start : found[-1].end]


def _check_one(sql: str, tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        if token.sort != "other":
            continue
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            raise ModelError(
                "a closing parenthesis has no opening one",
                where=_where(sql, token.start),
                code="model_syntax",
                hint="Correct the parentheses.",
            )
        if token.text == ";":
            raise ModelError(
                "the model has more than one statement",
                hint="A model is one query; semicolons may only stand at its end.",
                where=_where(sql, token.start),
                code="model_several_statements",
            )
    if depth:
        raise ModelError(
            "a parenthesis is not closed",
            code="model_syntax",
            hint="Correct the parentheses.",
            where=_where(sql, len(sql)),
        )


def _check_query(sql: str, tokens: list[Token], limits: Limits) -> None:
    first = next((token for token in tokens if token.text != "("), tokens[0])
    if first.sort == "word" and first.text.upper() in limits.query_words:
        return
    words = " or ".join(word for word in ("SELECT", "WITH"))
    raise ModelError(
        f"the statement begins with {first.text[:30]!r}, but a model only reads",
        hint=f"Write one query that begins with {words}.",
        where=_where(sql, first.start),
        code="model_not_a_query",
    )


def tokens(sql: str, scan: re.Pattern[str] = STANDARD) -> Iterator[Token]:
    """The pieces of some SQL, comments among them. Raises ModelError where one is not closed."""
    if "\0" in sql:
        raise ModelError("the statement contains a NUL character", hint="Remove it.", code="model_syntax")
    at = 0
    while at < len(sql):
        match = scan.match(sql, at)
        assert match is not None
        sort, end = match.lastgroup or "other", match.end()
        if f"{sort}_end" in scan.groupindex and match[f"{sort}_end"] is None:
            raise _unclosed(sql, at, _QUOTED.get(sort, "text"))
        if sort == "block_comment":
            end = _comment_end(sql, at)
        elif sort == "dollar":
            close = sql.find(match[0], end)
            if close < 0:
                raise _unclosed(sql, at, f"text that begins with {match[0]}")
            end = close + len(match[0])
        elif sort == "template":
            raise ModelError(
                "the statement contains a template; templates of dbt or Jinja are not rendered here",
                hint="Use the compiled SQL, or select from the table that dbt builds.",
                where=_where(sql, at),
                code="model_template",
            )
        if sort != "space":
            yield Token(_SORTS.get(sort, "other"), sql[at:end], at, end)
        at = end


_SORTS: dict[str, _Sort] = {
    "line_comment": "comment",
    "block_comment": "comment",
    "text": "text",
    "escaped_text": "text",
    "dollar": "text",
    "name": "name",
    "bracketed": "name",
    "word": "word",
}
_QUOTED = {"name": "name in double quotes", "bracketed": "name in brackets"}


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise _unclosed(sql, start, "comment")


def _unclosed(sql: str, at: int, what: str) -> ModelError:
    return ModelError(f"a {what} is not closed", hint="Close it.", where=_where(sql, at), code="model_syntax")


def _where(sql: str, at: int) -> Where:
    return Where(field=f"sql, line {sql.count(chr(10), 0, at) + 1}")
