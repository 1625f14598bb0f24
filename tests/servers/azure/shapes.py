"""Statements that differ in their constants alone share one shape, so that each shape is translated once."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONSTANTS = re.compile(
    r"(--[^\n]*|/\*.*?\*/|\[(?:[^\]]|\]\])*\]|\"(?:[^\"]|\"\")*\")|(N?'(?:[^']|'')*')|(?<![\w.@#$~])(\d{5,18})(?![\w.])",
    re.S,
)
_PLACES = re.compile(r"N?'~(\d+)~'|(?<!\d)(2000000\d{3}|9100000000000000\d{3})(?!\d)")
_KEPT = re.compile(r"[\[$]|^(?:SHA\w+|MD5|UTC|json|[+-]\d\d:\d\d)$|~")
_LABEL = re.compile(r"\s*\bOPTION\s*\(\s*LABEL\s*=\s*N?'((?:[^']|'')*)'\s*\)\s*(;?)\s*$", re.I)


@dataclass(frozen=True)
class Shape:
    """A text with places for its constants."""

    text: str
    constants: tuple[str, ...]
    """As they were written."""

    def restored(self, piece: str) -> str:
        """A part of the shape with its constants back."""
        return _PLACES.sub(lambda found: self.constants[_number(found)], piece.replace("N'~", "'~"))

    def filled(self, sql: str) -> str:
        """The engine's SQL for the shape, with the constants in the engine's spelling."""
        return _PLACES.sub(lambda found: _spelled(self.constants[_number(found)]), sql)

    def value(self, argument: str) -> str:
        """What a function's argument stands for."""
        found = _PLACES.fullmatch(f"'{argument}'")
        return _plain(self.constants[_number(found)]) if found else argument


def _number(found: re.Match[str]) -> int:
    return int(found[1]) if found[1] else int(found[2][-3:])


def _plain(constant: str) -> str:
    if constant[-1] != "'":
        return constant
    return constant[constant.index("'") + 1 : -1].replace("''", "'")


def _spelled(constant: str) -> str:
    if constant[-1] != "'":
        return constant
    if constant[0] in "Nn" or constant.isascii():
        return constant[constant.index("'") :]
    return ansi(constant)


def ansi(text: str) -> str:
    """Text as the database's code page keeps it: what it lacks becomes a question mark per UTF-16 unit."""
    units = text.encode("utf-16-le", "surrogatepass")
    found = []
    for at in range(0, len(units), 2):
        unit = units[at : at + 2].decode("utf-16-le", "replace")
        found.append(unit.encode("cp1252", "replace").decode("cp1252"))
    return "".join(found)


def shape(text: str) -> Shape:
    """The shape of a batch."""
    if _PLACES.search(text):
        return Shape(text, ())
    constants: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] is not None or len(constants) > 900:
            return found[0]
        if found[2] is not None:
            body = found[2][found[2].index("'") + 1 : -1]
            if len(body) < 4 or _KEPT.search(body):
                return found[0]
            constants.append(found[2])
            return f"{'N' if found[2][0] in 'Nn' else ''}'~{len(constants) - 1}~'"
        constants.append(found[3])
        return str(
            (2_000_000_000 if int(found[3]) < 2**31 else 9_100_000_000_000_000_000) + len(constants) - 1
        )

    return Shape(_CONSTANTS.sub(place, text), tuple(constants))


def exact(text: str) -> Shape:
    """A text that is its own shape."""
    return Shape(text, ())


def without_label(text: str) -> tuple[str, str | None]:
    """A statement without its OPTION (LABEL = …), and the label."""
    found = _LABEL.search(text)
    if found is None:
        return text, None
    return text[: found.start()] + found[2], found[1].replace("''", "'")
