"""SQL cut into tokens, so that a rewrite never touches what stands in quotes or comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATTERN = re.compile(
    r"""(?P<space>(?:\s+|--[^\n]*(?:\n|$))+)
    |(?P<comment>/\*)
    |(?P<text>[xX]?'(?:[^']|'')*'|[xX]?'.*$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>\|\||<>|<=|>=|!=|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token and the white space before it."""

    kind: str
    text: str
    before: str = ""

    @property
    def upper(self) -> str:
        """The word in upper case; quoted names and text as they are."""
        return self.text.upper() if self.kind == "word" else self.text

    @property
    def name(self) -> str:
        """The name that an identifier stands for."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text.upper()

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")


END = Token("end", "")


def tokenize(sql: str) -> list[Token]:
    """The tokens of a statement."""
    tokens: list[Token] = []
    before = ""
    place = 0
    while match := _PATTERN.match(sql, place):
        kind = match.lastgroup or "sign"
        place = match.end()
        if kind == "space":
            before += " " if "--" in match.group() else match.group()
        elif kind == "comment":
            before += " "
            place = _comment_end(sql, match.start())
        else:
            tokens.append(Token(kind, match.group(), before))
            before = ""
    return tokens


def _comment_end(sql: str, start: int) -> int:
    """Where a comment ends; Db2's can be nested."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)


def text_of(tokens: Iterable[Token]) -> str:
    """The tokens as SQL."""
    return "".join(token.before + token.text for token in tokens).strip()


def code(sql: str) -> list[Token]:
    """Tokens to put in the place of others."""
    made = tokenize(sql)
    return [Token(made[0].kind, made[0].text, " "), *made[1:]] if made else []


class Cursor:
    """A place in a list of tokens."""

    def __init__(self, tokens: list[Token], at: int = 0) -> None:
        self.tokens = tokens
        self.at = at

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.tokens[place] if 0 <= place < len(self.tokens) else END

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def words(self, *wanted: str) -> bool:
        """Pass these words if they come next."""
        if all(self.peek(number).upper == word for number, word in enumerate(wanted)):
            self.at += len(wanted)
            return True
        return False

    def qualified(self) -> tuple[str | None, str] | None:
        """Pass a name of one or two parts: (schema, name)."""
        if not self.peek().is_name:
            return None
        first = self.take().name
        if self.peek().text == "." and self.peek(1).is_name:
            self.at += 1
            return first, self.take().name
        return None, first

    def rest(self) -> list[Token]:
        return self.tokens[self.at :]


def closing(tokens: list[Token], opening: int) -> int:
    """Where the parenthesis closes that opens at `opening`; the end of the list where it does not."""
    depth = 0
    for place in range(opening, len(tokens)):
        text = tokens[place].text
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
            if depth == 0:
                return place
    return len(tokens)


def opening(tokens: list[Token], closes: int) -> int:
    """Where the parenthesis opens that closes at `closes`."""
    depth = 0
    for place in range(closes, -1, -1):
        text = tokens[place].text
        if text == ")":
            depth += 1
        elif text == "(":
            depth -= 1
            if depth == 0:
                return place
    return 0


def arguments(tokens: list[Token]) -> list[list[Token]]:
    """What stands between the commas of an argument list."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return found if found != [[]] else []


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
