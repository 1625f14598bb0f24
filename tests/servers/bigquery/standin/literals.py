"""String and bytes literals of GoogleSQL, brought into a form that needs no escapes which the emulator misreads.

https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/)"
    r"|(?P<name>`(?:[^`\\]|\\.)*`)"
    r"|(?P<prefix>\b(?:[rR][bB]|[bB][rR]|[rR]|[bB]))?"
    r"(?P<quote>'''|\"\"\"|'|\")(?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def plain(sql: str) -> str:
    """The same statement, with every literal in single quotes, its characters as they are."""
    return (
        _TOKEN.sub(_rewritten, sql)
        if "\\" in sql or '"' in sql or "'''" in sql or "b'" in sql.lower()
        else sql
    )


def _rewritten(found: re.Match[str]) -> str:
    if found["quote"] is None:
        return found[0]
    prefix = (found["prefix"] or "").lower()
    body = found["body"] if "r" in prefix else _ESCAPE.sub(_character, found["body"])
    if "b" in prefix:
        octets = b"".join(
            bytes([ord(char) - _BYTE]) if ord(char) >= _BYTE else char.encode() for char in body
        )
        return f"FROM_HEX('{octets.hex()}')"
    text = "".join(chr(ord(char) - _BYTE) if ord(char) >= _BYTE else char for char in body)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{quoted}'"


_BYTE = 0x10FF00
"""Characters from here on, which no text has, stand for single bytes."""


def _character(found: re.Match[str]) -> str:
    octet = found[1] or found[2]
    if octet or found[5]:
        return chr(_BYTE + (int(octet, 16) if octet else int(found[5], 8)))
    if point := found[3] or found[4]:
        return chr(int(point, 16))
    return _SIMPLE.get(found[6], found[6])
