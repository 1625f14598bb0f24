"""Reads templates: `{{ column | filter: argument }}`, alone or set into text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tailrace.mapping.columns import Columns
from tailrace.mapping.expression import (
    ColumnRef,
    FieldError,
    FilterCall,
    Filtered,
    Literal_,
    Node,
    Path,
    Text,
)
from tailrace.mapping.functions import FILTERS, filter_named

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<quoted>\$"(?:[^"]|"")+")
    | (?P<name>\$?[^\W\d][\w$]*)
    | (?P<mark>[|:,.\[\]])
    )""",
    re.VERBOSE,
)
_HINT = (
    "A template is {{ column | filter: argument | … }}; text with braces that is none goes under `literal:`."
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
FILTER_LIMIT = 30


@dataclass(slots=True)
class _Token:
    kind: str
    text: str


def read_text(text: str, columns: Columns, path: Path) -> Node:
    """A text with `{{ … }}` in it, as a node: the value itself where it is all of the text, else mixed text.

    Raises FieldError for an unclosed or unreadable template, an unknown column or an unknown filter.
    """
    parts: list[Node] = []
    rest = text
    while True:
        before, opened, after = rest.partition("{{")
        if before:
            parts.append(Literal_(before))
        if not opened:
            break
        end = _end(after)
        if end < 0:
            raise FieldError("`{{` is never closed by `}}`", path, hint=_HINT)
        parts.append(_expression(after[:end], columns, path))
        rest = after[end + 2 :]
    if len(parts) == 1 and not isinstance(parts[0], Literal_):
        return parts[0]
    if len(parts) == 1:
        return Text(tuple(parts))
    solid = [part for part in parts if not (isinstance(part, Literal_) and str(part.value).strip() == "")]
    return solid[0] if len(solid) == 1 and not isinstance(solid[0], Literal_) else Text(tuple(parts))


def _end(text: str) -> int:
    """Where `}}` stands outside of quotes."""
    quote = ""
    index = 0
    while index < len(text):
        letter = text[index]
        if quote:
            if letter == "\\":
                index += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif text.startswith("}}", index):
            return index
        index += 1
    return -1


def _tokens(text: str, path: Path) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FieldError(
                f"`{text[position:].strip()[:30]}` cannot be read in a template", path, hint=_HINT
            )
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match.group(kind)))
        position = match.end()
    return tokens


def _expression(text: str, columns: Columns, path: Path) -> Node:
    pieces = list(_split(_tokens(text, path)))
    if not pieces[0]:
        raise FieldError("a template is empty", path, hint=_HINT)
    source = _operand(pieces[0], columns, path)
    calls = tuple(_call(piece, columns, path) for piece in pieces[1:])
    if len(calls) > FILTER_LIMIT:
        raise FieldError(f"more than {FILTER_LIMIT} filters in one template", path, hint=_HINT)
    if not calls:
        return source
    return Filtered(source, calls)


def _split(tokens: list[_Token]) -> Iterator[list[_Token]]:
    piece: list[_Token] = []
    for token in tokens:
        if token.kind == "mark" and token.text == "|":
            yield piece
            piece = []
        else:
            piece.append(token)
    yield piece


def _call(tokens: list[_Token], columns: Columns, path: Path) -> FilterCall:
    if not tokens or tokens[0].kind != "name":
        raise FieldError("a filter's name is missing after `|`", path, hint=_HINT)
    found = filter_named(tokens[0].text, path)
    arguments: list[Literal_ | ColumnRef] = []
    rest = tokens[1:]
    if rest:
        if rest[0].text != ":" or rest[0].kind != "mark":
            raise FieldError(
                f"`{found.name}` is followed by `{rest[0].text}`", path, hint=f"Write {found.signature}."
            )
        argument: list[_Token] = []
        for token in [*rest[1:], _Token("mark", ",")]:
            if token.kind == "mark" and token.text == ",":
                if not argument:
                    raise FieldError(
                        f"`{found.name}` lacks an argument", path, hint=f"Write {found.signature}."
                    )
                arguments.append(_operand(argument, columns, path))
                argument = []
            else:
                argument.append(token)
    found.check_arguments(arguments, path)
    return FilterCall(found.name, tuple(arguments))


def _operand(tokens: list[_Token], columns: Columns, path: Path) -> Literal_ | ColumnRef:
    first = tokens[0]
    if first.kind == "string":
        value: Literal_ | ColumnRef = Literal_(_unquoted(first.text))
    elif first.kind == "number":
        value = Literal_(int(first.text) if re.fullmatch(r"-?\d+", first.text) else Decimal(first.text))
    elif first.kind == "quoted":
        return ColumnRef(columns.get(_named(first.text[2:-1]), path), tuple(_steps(tokens[1:], path)))
    elif first.kind == "name":
        name = first.text.removeprefix("$")
        if len(tokens) == 1 and columns.known and columns.find(name) is None:
            if name in ("true", "false", "null"):
                return Literal_({"true": True, "false": False, "null": None}[name])
            if name in FILTERS:
                raise FieldError(
                    f"`{name}` is a filter, not a column",
                    path,
                    hint="A column comes first: {{ column | … }}.",
                )
        elif name in ("true", "false", "null") and len(tokens) == 1 and not columns.known:
            return Literal_({"true": True, "false": False, "null": None}[name])
        return ColumnRef(columns.get(name, path), tuple(_steps(tokens[1:], path)))
    else:
        raise FieldError(f"`{first.text}` stands where a column or value belongs", path, hint=_HINT)
    if len(tokens) > 1:
        raise FieldError(f"`{tokens[1].text}` follows a value", path, hint=_HINT)
    return value


def _steps(tokens: list[_Token], path: Path) -> Iterator[str | int]:
    """The steps into JSON after a column: `.name`, `[0]`, `["any name"]`."""
    index = 0
    while index < len(tokens):
        mark = tokens[index].text
        following = tokens[index + 1] if index + 1 < len(tokens) else _Token("", "")
        if mark == "." and following.kind == "name":
            yield following.text
            index += 2
        elif mark == "[" and index + 2 < len(tokens) and tokens[index + 2].text == "]":
            if following.kind == "number" and following.text.isdigit():
                yield int(following.text)
            elif following.kind == "string":
                yield _unquoted(following.text)
            else:
                raise FieldError(f"`[{following.text}]` is no place in JSON", path, hint=_HINT)
            index += 3
        else:
            raise FieldError(f"`{mark}` cannot follow a column", path, hint=_HINT)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), text[1:-1])


def _named(text: str) -> str:
    """A name in double quotes; a quote in it is doubled, as in SQL."""
    return text.replace('""', '"')


def read_reference(text: str, columns: Columns, path: Path) -> ColumnRef:
    """The column that `$name` or `$name.step[0]` means (`text` without the `$`).

    A column whose whole name is `text` wins over steps into another. Raises FieldError where there is none.
    """
    quoted = re.fullmatch(r'"((?:[^"]|"")+)"(.*)', text, re.DOTALL)
    if quoted:
        return ColumnRef(
            columns.get(_named(quoted.group(1)), path), tuple(_steps(_tokens(quoted.group(2), path), path))
        )
    whole = columns.find(text) if columns.known else None
    if whole is not None:
        return ColumnRef(whole)
    split = re.match(r"[^.\[]*", text)
    name = split.group(0) if split else text
    if not re.match(r"[^\W\d]", name):
        raise FieldError(
            f"`${text}` is no column", path, hint="Text that begins with `$` goes under `literal:`."
        )
    column = columns.get(name, path)
    return ColumnRef(column, tuple(_steps(_tokens(text[len(name) :], path), path)))
