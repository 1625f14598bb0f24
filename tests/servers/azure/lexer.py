"""T-SQL in words: enough to cut batches into statements, and to see what only other databases understand."""

from __future__ import annotations

import re
from dataclasses import dataclass


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_LEX = re.compile(
    r"""(?P<space>\s+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<string>N?'(?:[^']|'')*')
    |(?P<name>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")|(?P<variable>@@?\w+)
    |(?P<word>[#A-Za-z_\u0080-\uffff][\w#$@]*)
    |(?P<number>0x[0-9A-Fa-f]*|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<op><>|<=|>=|!=|\|\||::|.)""",
    re.S | re.X | re.I,
)
_STARTS = word_set(
    """CREATE GRANT DENY REVOKE EXEC EXECUTE DROP ALTER DECLARE PRINT IF RENAME TRUNCATE INSERT DELETE UPDATE
    MERGE BEGIN COMMIT ROLLBACK USE KILL SET"""
)
_BEFORE_SELECT = word_set("SET EXEC EXECUTE PRINT DECLARE DROP USE GRANT DENY RENAME TRUNCATE")


@dataclass(frozen=True)
class Token:
    """A word of a statement; `upper` is its text in upper case, empty for strings and quoted names."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind in ("word", "op", "variable") else ""


def tokens(text: str) -> list[Token]:
    """The words of a text, without white space and comments."""
    found = []
    for match in _LEX.finditer(text):
        kind = match.lastgroup or ""
        if kind not in ("space", "comment"):
            found.append(Token(kind, match[0], match.start(), match.end()))
    return found


def unquoted(name: str) -> str:
    """A name without its quotes."""
    if name.startswith("["):
        return name[1:-1].replace("]]", "]")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


@dataclass(frozen=True)
class Piece:
    """One statement of a batch."""

    text: str
    words: list[Token]
    ended: bool
    """Whether a semicolon ended it."""

    def upper(self, number: int) -> str:
        return self.words[number].upper if number < len(self.words) else ""


def pieces(text: str) -> list[Piece]:
    """The statements of a batch: they end at semicolons, and before a line that begins another one."""
    found: list[Piece] = []
    current: list[Token] = []
    depth = blocks = 0

    def end(semicolon: bool) -> None:
        if current:
            found.append(Piece(text[current[0].start : current[-1].end], list(current), semicolon))
            current.clear()

    for token in tokens(text):
        if token.text == ";" and depth == 0 and blocks == 0:
            end(True)
            continue
        if current and depth == 0 and blocks == 0 and _begins(text, current, token):
            end(False)
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if current and current[0].upper == "IF":
            blocks += {"BEGIN": 1, "CASE": 1, "END": -1}.get(token.upper, 0)
        current.append(token)
    end(False)
    return found


def _begins(text: str, current: list[Token], token: Token) -> bool:
    if "\n" not in text[current[-1].end : token.start]:
        return False
    first, word = current[0].upper, token.upper
    if first in ("GRANT", "DENY", "REVOKE") and not any(each.upper in ("TO", "FROM") for each in current):
        return False
    if first == "IF" or (first == "MERGE" and word in ("UPDATE", "INSERT", "DELETE")):
        return False
    if first == "CREATE" and any(
        each.upper in ("VIEW", "PROCEDURE", "PROC", "FUNCTION") for each in current[:3]
    ):
        return False
    if word in ("SELECT", "WITH"):
        return first in _BEFORE_SELECT and not (first == "SET" and current[-1].text == "=")
    if word == "SET" and first in ("UPDATE", "MERGE", "ALTER"):
        return False
    return word in _STARTS
