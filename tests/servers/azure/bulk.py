"""INSERT … SELECT of many rows of constants: too many words for the parser, and all of one shape."""

from __future__ import annotations

from dataclasses import dataclass

from tests.servers.azure.lexer import Token, tokens, unquoted
from tests.servers.azure.shapes import ansi

FEWEST = 8
"""Rows from which on this way is taken."""


@dataclass(frozen=True)
class Rows:
    """What such a statement says."""

    schema: str
    table: str
    columns: list[str]
    values: str
    """The rows, as the engine writes them."""


def constant_rows(text: str) -> Rows | None:
    """A statement of nothing but constants; None for any other."""
    if text.count("UNION ALL") < FEWEST or text[:6].upper() != "INSERT":
        return None
    words = tokens(text)
    try:
        return _read(words)
    except (_OtherError, IndexError):
        return None


class _OtherError(Exception):
    """It is no such statement."""


def _read(words: list[Token]) -> Rows:
    at = 2
    names = []
    while words[at].kind in ("word", "name"):
        names.append(unquoted(words[at].text))
        at += 1
        if words[at].text != ".":
            break
        at += 1
    if words[1].upper != "INTO" or words[at].text != "(" or not 1 <= len(names) <= 2:
        raise _OtherError
    columns = []
    while words[at].text != ")":
        columns.append(unquoted(words[at + 1].text))
        at += 2
    at += 1
    rows = []
    while True:
        if words[at].upper != "SELECT":
            raise _OtherError
        values, at = _row(words, at + 1)
        if len(values) != len(columns):
            raise _OtherError
        rows.append(f"({', '.join(values)})")
        if at == len(words):
            return Rows(names[0] if len(names) == 2 else "", names[-1], columns, ", ".join(rows))
        if words[at].upper != "UNION" or words[at + 1].upper != "ALL":
            raise _OtherError
        at += 2


def _row(words: list[Token], at: int) -> tuple[list[str], int]:
    values = []
    while True:
        cast = words[at].upper == "CAST"
        value, at = _constant(words, at + 2 if cast else at)
        values.append(value)
        if cast:
            while words[at].text != ")" or words[at + 1].upper != "AS":
                at += 1
            at += 3
        if at == len(words) or words[at].text != ",":
            return values, at
        at += 1


def _constant(words: list[Token], at: int) -> tuple[str, int]:
    word = words[at]
    if word.text == "-" and words[at + 1].kind == "number":
        return f"-{words[at + 1].text}", at + 2
    if word.kind == "number":
        if word.text[:2].lower() == "0x":
            return f"unhex('{word.text[2:]}')", at + 1
        return word.text, at + 1
    if word.kind == "string":
        wide = word.text[0] in "Nn"
        return (word.text[1:] if wide else ansi(word.text)), at + 1
    if word.upper == "NULL":
        return "NULL", at + 1
    raise _OtherError
