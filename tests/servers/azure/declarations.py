"""What a table may be declared as: its columns with their attributes, and its options."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from tests.servers.azure.catalog import COLUMNSTORE, HEAP, Column, Table
from tests.servers.azure.errors import SqlError, engine_error, parse_error
from tests.servers.azure.lexer import Piece, Token, tokens, unquoted, word_set
from tests.servers.azure.types import MAX, SqlType, UnknownType, parse_type, sizes

_MOST_COLUMNS, _WIDEST_ROW, _ROW_HEAD = 1024, 8060, 7
_ATTRIBUTES = word_set(
    "NULL NOT COLLATE IDENTITY DEFAULT CONSTRAINT PRIMARY KEY NONCLUSTERED UNIQUE ENFORCED MASKED WITH FUNCTION"
)
"""What a column may have beside its type ("CREATE TABLE (Azure Synapse Analytics)")."""
_DISTRIBUTION = re.compile(
    r"DISTRIBUTION\s*=\s*(?:HASH\s*\((?P<hash>[^)]*)\)|(?P<other>ROUND_ROBIN|REPLICATE))", re.I
)
_COLUMNSTORE = re.compile(r"CLUSTERED\s+COLUMNSTORE\s+INDEX(?:\s+ORDER\s*\([^)]*\))?", re.I)
_CLUSTERED = re.compile(r"CLUSTERED\s+INDEX\s*\((?P<columns>[^)]*)\)", re.I)
_PARTITION = re.compile(r"PARTITION\s*\(.*\)", re.I | re.S)
_VARYING = ("varchar", "nvarchar", "varbinary")


@dataclass
class Options:
    """What stands in WITH (…) of a table."""

    distribution: str | None = None
    hashed: list[str] = field(default_factory=list)
    index: str = COLUMNSTORE
    indexed: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Options:
        """The options of a table. Raises SqlError for what is none."""
        found, kinds = cls(), 0
        for part in split(tokens(text)):
            written = text[part[0].start : part[-1].end] if part else ""
            if placed := _DISTRIBUTION.fullmatch(written):
                found.distribution = (placed["other"] or "HASH").upper()
                found.hashed = [unquoted(each.strip()) for each in (placed["hash"] or "").split(",") if each]
                continue
            if _PARTITION.fullmatch(written):
                continue
            kinds += 1
            if written.upper() == "HEAP":
                found.index = HEAP
            elif clustered := _CLUSTERED.fullmatch(written):
                found.index = "CLUSTERED"
                found.indexed = [unquoted(each.split()[0]) for each in clustered["columns"].split(",")]
            elif kinds > 1 or not _COLUMNSTORE.fullmatch(written):
                raise parse_error(part[0].text if part else ")")
        if kinds > 1:
            raise parse_error(",")
        return found


def split(body: list[Token]) -> list[list[Token]]:
    """The parts of a list, which commas separate."""
    found: list[list[Token]] = [[]]
    depth = 0
    for word in body:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if word.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(word)
    return found


def closing(words: list[Token], start: int) -> int:
    """The number of the bracket that closes the one at `start`."""
    depth = 0
    for number in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[number].text, 0)
        if depth == 0:
            return number
    raise parse_error(words[-1].text)


def column(part: list[Token]) -> Column:
    """A column as it is declared. Raises SqlError."""
    words = [each.upper for each in part]
    primary = "PRIMARY" in words
    if (primary or "UNIQUE" in words) and "ENFORCED" not in words:
        raise engine_error(
            104467,
            "Enforced unique constraints are not supported. To create an unenforced unique constraint you must"
            " include the NOT ENFORCED syntax as part of your statement.",
        )
    if primary and "NONCLUSTERED" not in words:
        raise engine_error(104409, "A primary key must be NONCLUSTERED and NOT ENFORCED.")
    if "REFERENCES" in words or "CHECK" in words or len(part) < 2:
        raise parse_error(part[-1].text if part else ")")
    end = closing(part, 2) + 1 if len(part) > 2 and part[2].text == "(" else 2
    _attributes(part[end:])
    written = "".join(each.text for each in part[1:end])
    return Column(unquoted(part[0].text), _declared(written, part[end:]), "IDENTITY" in words)


def _attributes(rest: list[Token]) -> None:
    before = ""
    for word in rest:
        if word.kind == "word" and word.upper not in _ATTRIBUTES and before not in ("COLLATE", "CONSTRAINT"):
            raise parse_error(word.text)
        before = word.upper


def _declared(written: str, rest: list[Token]) -> SqlType:
    try:
        kind = parse_type(
            unquoted(written)
            if written.startswith("[") and written.endswith("]")
            else written.replace("[", "").replace("]", "")
        )
    except UnknownType:
        raise SqlError(2715, f"Cannot find data type {written}.") from None
    words = [each.upper for each in rest]
    binary = "COLLATE" in words and "_BIN" in words[words.index("COLLATE") + 1]
    if "COLLATE" in words and "UTF8" in words[words.index("COLLATE") + 1]:
        raise engine_error(104409, f"Collation '{rest[words.index('COLLATE') + 1].text}' is not supported.")
    required = "NOT" in words and words[words.index("NOT") + 1 : words.index("NOT") + 2] == ["NULL"]
    return replace(kind, binary_collation=binary, nullable=not required)


def allow_width(table: Table) -> None:
    """Raises SqlError for more columns, or wider rows, than a table may have ("Capacity limits")."""
    if len(table.columns) > _MOST_COLUMNS:
        last = table.columns[_MOST_COLUMNS].name
        raise SqlError(
            1702,
            f"CREATE TABLE failed because column '{last}' in table '{table.name}' exceeds the maximum of"
            f" {_MOST_COLUMNS} columns.",
        )
    least = _ROW_HEAD + sum(sizes(each.type)[0] for each in table.columns if each.type.name not in _VARYING)
    if least > _WIDEST_ROW:
        raise SqlError(
            1701,
            f"Creating or altering table '{table.name}' failed because the minimum row size would be {least},"
            f" including {_ROW_HEAD} bytes of internal overhead. This exceeds the maximum allowable table row size"
            f" of {_WIDEST_ROW} bytes.",
        )


def allow_place(table: Table, *, several: bool) -> None:
    """Check where a table's rows go; `several` says whether a hash may be of several columns. Raises SqlError."""
    if table.temporary and table.distribution == "REPLICATE":
        raise engine_error(104409, "Temporary tables cannot be replicated.")
    if len(table.hashed) > 1 and not several:
        raise parse_error(",")
    for name in table.hashed:
        found = table.column(name)
        if found is None:
            raise SqlError(207, f"Invalid column name '{name}'.")
        if found.identity or found.type.length == MAX:
            kind = "IDENTITY" if found.identity else str(found.type)
            raise engine_error(104408, f"Column '{name}' of type {kind} cannot be a distribution column.")


def statistics(piece: Piece) -> tuple[int, list[str]]:
    """Of CREATE STATISTICS … ON table (columns): where the table's name begins, and the columns."""
    at = next((number for number, word in enumerate(piece.words) if word.upper == "ON"), 0)
    start = next((number for number, word in enumerate(piece.words) if word.text == "(" and number > at), 0)
    if not at or not start:
        raise parse_error(piece.words[-1].text)
    listed = piece.words[start + 1 : closing(piece.words, start)]
    return at + 1, [unquoted(part[0].text) for part in split(listed) if part]
