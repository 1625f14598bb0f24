"""Which tables a statement reads, and common table expressions put where they are read."""

from __future__ import annotations

from dataclasses import dataclass

from tests.servers.db2.tokens import Cursor, Token, closing, code

_ENDS_FROM = {
    "WHERE", "GROUP", "ORDER", "HAVING", "FETCH", "UNION", "EXCEPT", "INTERSECT", "WITH", "FOR", "OFFSET", "LIMIT",
    "SET", "OPTIMIZE",
}  # fmt: skip
_NO_ALIAS = _ENDS_FROM | {
    "ON", "USING", "JOIN", "LEFT", "RIGHT", "INNER", "FULL", "CROSS", "NATURAL", "WHEN", "MINUS", "SELECT", "VALUES",
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """A table named in a FROM clause: where, and its name."""

    start: int
    end: int
    schema: str | None
    name: str


@dataclass
class _Level:
    selects: bool = False
    in_from: bool = False
    expects: bool = False


def references(tokens: list[Token]) -> list[Reference]:
    """The tables in the FROM clauses of a statement's queries."""
    found: list[Reference] = []
    levels = [_Level()]
    place = 0
    while place < len(tokens):
        token, level = tokens[place], levels[-1]
        word = token.upper if token.kind == "word" else token.text
        if word == "(":
            inner = tokens[place + 1].upper if place + 1 < len(tokens) else ""
            joined = level.expects and inner not in ("SELECT", "VALUES", "WITH")
            levels.append(_Level(selects=joined, in_from=joined, expects=joined))
            level.expects = False
        elif word == ")":
            if len(levels) > 1:
                levels.pop()
        elif level.expects and token.is_name and word not in ("TABLE", "LATERAL", "ONLY"):
            cursor = Cursor(tokens, place)
            name = cursor.qualified()
            assert name is not None
            if cursor.peek().text != "(":
                found.append(Reference(place, cursor.at, *name))
            level.expects = False
            place = cursor.at
            continue
        elif word == "SELECT":
            level.selects, level.in_from = True, False
        elif word == "FROM" and level.selects and tokens[place - 1].upper != "DISTINCT":
            level.in_from = level.expects = True
        elif word == "JOIN" or (word == "," and level.in_from):
            level.expects = True
        elif word in _ENDS_FROM:
            level.in_from = False
        place += 1
    return found


def inlined(tokens: list[Token]) -> list[Token]:
    """A statement without its common table expressions: each stands where it is read."""
    start = _with(tokens)
    if start is None:
        return tokens
    cursor = Cursor(tokens, start + 1)
    bodies: dict[str, tuple[list[Token], list[Token]]] = {}
    while True:
        name = cursor.take().name
        columns: list[Token] = []
        if cursor.peek().text == "(":
            end = closing(tokens, cursor.at)
            columns = tokens[cursor.at : end + 1]
            cursor.at = end + 1
        if not cursor.words("AS") or cursor.peek().text != "(":
            return tokens
        end = closing(tokens, cursor.at)
        bodies[name] = _read(tokens[cursor.at : end + 1], bodies), columns
        cursor.at = end + 1
        if cursor.peek().text != ",":
            break
        cursor.at += 1
    return tokens[:start] + _read(tokens[cursor.at :], bodies)


def _with(tokens: list[Token]) -> int | None:
    """Where a statement's own WITH stands."""
    if tokens and tokens[0].upper == "WITH":
        return 0
    depth = 0
    if tokens and tokens[0].upper in ("INSERT", "CREATE"):
        for place, token in enumerate(tokens[:-2]):
            depth += (token.text == "(") - (token.text == ")")
            if token.upper == "WITH" and depth == 0:
                after = tokens[place + 2]
                return place if after.text == "(" or after.upper == "AS" else None
    return None


def _read(tokens: list[Token], bodies: dict[str, tuple[list[Token], list[Token]]]) -> list[Token]:
    result: list[Token] = []
    done = 0
    for found in references(tokens):
        if found.schema is not None or found.name not in bodies:
            continue
        body, columns = bodies[found.name]
        result += tokens[done : found.start]
        result += [Token(body[0].kind, body[0].text, " "), *body[1:]]
        cursor = Cursor(tokens, found.end)
        if cursor.words("AS") or (cursor.peek().is_name and cursor.peek().upper not in _NO_ALIAS):
            alias = [Token("word", "AS", " "), cursor.take()]
        else:
            alias = code(f'AS "{found.name}"')
        result += alias
        if cursor.peek().text != "(":
            result += columns
        done = cursor.at
    return result + tokens[done:]
