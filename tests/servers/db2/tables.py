"""Which tables a statement reads, and common table expressions put where they are read."""

from __future__ import annotations

from dataclasses import dataclass

from tests.servers.db2.tokens import Cursor, Token, arguments, closing, code, text_of, tokenize

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


def column_by_column(tokens: list[Token]) -> list[Token]:
    """An UPDATE whose SET (a, b) = (SELECT x, y …) is one assignment for each column."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth or token.upper != "SET" or place + 1 >= len(tokens) or tokens[place + 1].text != "(":
            continue
        names_end = closing(tokens, place + 1)
        start = names_end + 2
        if start >= len(tokens) or tokens[start].text != "(":
            continue
        end = closing(tokens, start)
        names = arguments(tokens[place + 2 : names_end])
        values, rest = _selected(tokens[start + 1 : end])
        if len(names) != len(values):
            return tokens
        pairs = [
            f"{text_of(name)} = " + (f"(SELECT {text_of(value)} {text_of(rest)})" if rest else text_of(value))
            for name, value in zip(names, values, strict=True)
        ]
        return tokens[: place + 1] + code(", ".join(pairs)) + tokens[end + 1 :]
    return tokens


def _selected(tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
    """The values of a subquery or list in parentheses, and the subquery from FROM on."""
    if tokens[0].upper != "SELECT":
        return arguments(tokens), []
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.upper == "FROM":
            return arguments(tokens[1:place]), tokens[place:]
    return arguments(tokens[1:]), []


def binary_names(text: str) -> frozenset[str]:
    """The columns of bytes that a definition has."""
    tokens = tokenize(text)
    found: set[str] = set()
    for place, token in enumerate(tokens):
        if token.upper == "BIT" and tokens[place - 1].upper == "FOR":
            before = place - 2
            while before > 0 and tokens[before].upper not in ("CHAR", "CHARACTER", "VARCHAR"):
                before -= 1
            found.add(tokens[before - 1].name)
    return frozenset(found)


def aliases(text: str, names: frozenset[str]) -> frozenset[str]:
    """The names, and what a statement calls these columns."""
    tokens = tokenize(text)
    found = set(names)
    for place, token in enumerate(tokens[2:], 2):
        if (
            token.is_name
            and tokens[place - 1].upper == "AS"
            and tokens[place - 2].is_name
            and tokens[place - 2].name in found
        ):
            found.add(token.name)
    return frozenset(found)


def typed_nulls(tokens: list[Token]) -> list[Token]:
    """VALUES rows whose NULLs have the type of their column: Derby takes a column for NOT NULL otherwise."""
    for place, token in enumerate(tokens):
        if token.upper != "VALUES" or not any(one.upper == "NULL" for one in tokens[place:]):
            continue
        rows, end = _rows(tokens, place + 1)
        if len(rows) < 2 or len({len(row) for row in rows}) > 1:
            continue
        columns = [_typed(list(column)) for column in zip(*rows, strict=True)]
        made = ", ".join(f"({', '.join(row)})" for row in zip(*columns, strict=True))
        return [*tokens[: place + 1], *code(made), *typed_nulls(tokens[end:])]
    return tokens


def _rows(tokens: list[Token], place: int) -> tuple[list[list[str]], int]:
    """The rows in parentheses from here on, and where they end."""
    rows: list[list[str]] = []
    while place < len(tokens) and tokens[place].text == "(":
        end = closing(tokens, place)
        rows.append([text_of(part) for part in arguments(tokens[place + 1 : end])])
        place = end + 1
        if place >= len(tokens) or tokens[place].text != ",":
            break
        place += 1
    return rows, place


def _typed(column: list[str]) -> list[str]:
    known = next((value for value in column if value.upper() != "NULL" and "?" not in value), None)
    if known is None:
        return column
    return [f"NULLIF({known}, {known})" if value.upper() == "NULL" else value for value in column]


def computed(tokens: list[Token]) -> list[Token]:
    """Columns of a subquery that is joined from the left, as expressions: Derby mixes bare ones up with others
    when an INSERT numbers such rows."""
    result = list(tokens)
    for place in range(len(tokens) - 1, -1, -1):
        if tokens[place].upper != "SELECT":
            continue
        start, end = place + 1, _level_end(result, place + 1, {"FROM"})
        joined = _joined(result, end)
        if not joined:
            continue
        parts = []
        for part in arguments(result[start:end]):
            words = [one.upper for one in part]
            if (
                len(part) in (3, 5)
                and part[0].is_name
                and part[0].name in joined
                and words[1] == "."
                and words[2] != "*"
            ):
                column, name = text_of(part[:3]), text_of(part[4:] or part[2:3])
                parts.append(f"COALESCE({column}, {column}) AS {name}")
            else:
                parts.append(text_of(part))
        result[start:end] = code(", ".join(parts))
    return result


def _level_end(tokens: list[Token], place: int, words: set[str]) -> int:
    """Where one of these words stands at the same level, or the level ends."""
    while place < len(tokens) and tokens[place].text != ")" and tokens[place].upper not in words:
        place = closing(tokens, place) + 1 if tokens[place].text == "(" else place + 1
    return place


def _joined(tokens: list[Token], place: int) -> set[str]:
    """The names of the subqueries that the FROM clause here joins from the left."""
    found: set[str] = set()
    end = _level_end(tokens, place + 1, {"WHERE", "GROUP", "ORDER", "UNION", "EXCEPT", "INTERSECT", "HAVING"})
    place = _level_end(tokens, place, {"LEFT"})
    while place < end:
        cursor = Cursor(tokens, place + 1)
        cursor.words("OUTER")
        if cursor.words("JOIN") and cursor.peek().text == "(":
            cursor.at = closing(tokens, cursor.at) + 1
            cursor.words("AS")
            found.add(cursor.peek().name)
        place = _level_end(tokens, place + 1, {"LEFT"})
    return found
