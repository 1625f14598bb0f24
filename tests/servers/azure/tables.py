"""Tables: made, copied by CREATE TABLE AS SELECT, altered, renamed, emptied and dropped, by a pool's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.servers.azure import errors
from tests.servers.azure.catalog import COLUMNSTORE, HEAP, Column, Table
from tests.servers.azure.errors import SqlError, engine_error, parse_error
from tests.servers.azure.lexer import Piece, Token, pieces, unquoted
from tests.servers.azure.refusals import refuse_words
from tests.servers.azure.running import allow_reads, parameters, ready, slot, translation
from tests.servers.azure.shapes import exact
from tests.servers.azure.translate import Translation
from tests.servers.azure.types import MAX, SqlType, UnknownType, duckdb_type, from_duckdb, parse_type
from tests.servers.azure.views import provide

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_MOST_COLUMNS = 1024
_HASH = re.compile(r"DISTRIBUTION\s*=\s*HASH\s*\(([^)]*)\)", re.I)
_OTHER = re.compile(r"DISTRIBUTION\s*=\s*(ROUND_ROBIN|REPLICATE)\b", re.I)


@dataclass
class Options:
    """What stands in WITH (…) of a table."""

    distribution: str | None = None
    hashed: list[str] = field(default_factory=list)
    index: str = COLUMNSTORE

    @classmethod
    def read(cls, text: str) -> Options:
        found = cls()
        hashed, other = _HASH.search(text), _OTHER.search(text)
        if hashed is not None:
            found.distribution = "HASH"
            found.hashed = [unquoted(each.strip()) for each in hashed[1].split(",")]
        elif other is not None:
            found.distribution = other[1].upper()
        rest = _OTHER.sub("", _HASH.sub("", text)).upper()
        if re.search(r"\bHEAP\b", rest):
            found.index = HEAP
        elif re.search(r"CLUSTERED\s+INDEX", rest):
            found.index = "CLUSTERED"
        return found


def closing(words: list[Token], start: int) -> int:
    """The number of the bracket that closes the one at `start`."""
    depth = 0
    for number in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[number].text, 0)
        if depth == 0:
            return number
    raise parse_error(words[-1].text)


def named(words: list[Token], start: int) -> tuple[str, str, int]:
    """A name of up to three parts at `start`: schema, name, and where it ends."""
    names, number = [], start
    while number < len(words):
        if words[number].kind not in ("word", "name"):
            raise parse_error(words[number].text)
        names.append(unquoted(words[number].text))
        number += 1
        if number >= len(words) or words[number].text != ".":
            break
        number += 1
    if not names:
        raise parse_error("")
    schema = names[-2] if len(names) > 1 and not names[-1].startswith("#") else ""
    return schema or "dbo", names[-1], number


def create(session: Session, piece: Piece, text: str) -> int | None:
    """CREATE TABLE, with columns or AS SELECT; how many rows it has then."""
    words = piece.words
    schema, name, at = named(words, 2)
    if name.startswith("##"):
        raise engine_error(104409, "Global temporary tables are not supported.")
    body: list[Token] | None = None
    if at < len(words) and words[at].text == "(":
        end = closing(words, at)
        body, at = words[at + 1 : end], end + 1
    options = Options()
    if at < len(words) and words[at].upper == "WITH" and at + 1 < len(words) and words[at + 1].text == "(":
        end = closing(words, at + 1)
        options = Options.read(text[words[at + 1].end : words[end].start])
        at = end + 1
    if at < len(words) and words[at].upper == "AS":
        return _from_query(session, Table(schema, name, []), options, text[words[at].end :], body)
    if body is None or at < len(words):
        raise parse_error(words[min(at, len(words) - 1)].text)
    table = Table(schema, name, [column(part) for part in split(body)])
    _place(session, table, options)
    _make(session, table)
    return None


def split(body: list[Token]) -> list[list[Token]]:
    found: list[list[Token]] = [[]]
    depth = 0
    for word in body:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if word.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(word)
    return found


def column(part: list[Token]) -> Column:
    words = [each.upper for each in part]
    if ("PRIMARY" in words or "UNIQUE" in words) and "ENFORCED" not in words:
        raise engine_error(
            104467,
            "Enforced unique constraints are not supported. To create an unenforced unique constraint you must"
            " include the NOT ENFORCED syntax as part of your statement.",
        )
    if "REFERENCES" in words or "CHECK" in words or len(part) < 2:
        raise parse_error(part[-1].text if part else ")")
    end = closing(part, 2) + 1 if len(part) > 2 and part[2].text == "(" else 2
    written = "".join(each.text for each in part[1:end])
    return Column(unquoted(part[0].text), _declared(written, part[end:]))


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


def _place(session: Session, table: Table, options: Options) -> None:
    """Check what the pool checks of a new table, and where it goes."""
    if not table.temporary:
        grants = session.database.grants
        grants.demand_database(session.principal, "CREATE TABLE")
        grants.demand_schema(session.principal, table.schema)
    if session.table(table.schema, table.name) is not None:
        raise SqlError(2714, f"There is already an object named '{table.name}' in the database.", 16, 6)
    table.distribution, table.hashed, table.index = (
        options.distribution or "ROUND_ROBIN",
        tuple(options.hashed),
        options.index,
    )
    allow_width(table)
    seen: set[str] = set()
    for column in table.columns:
        if column.name.lower() in seen:
            raise SqlError(
                2705,
                f"Column names in each table must be unique. Column name '{column.name}' in table"
                f" '{table.name}' is specified more than once.",
            )
        seen.add(column.name.lower())
        if column.type.length == MAX and table.index == COLUMNSTORE:
            raise SqlError(
                35343,
                f"The statement failed. Column '{column.name}' has a data type that cannot participate in a columnstore"
                f" index. Omit column '{column.name}'.",
            )
    for name in options.hashed:
        if name.lower() not in seen:
            raise errors.invalid_column(name)
        found = table.column(name)
        if found is not None and found.type.length == MAX:
            raise engine_error(
                104408, f"Column '{name}' of type {found.type} cannot be a distribution column."
            )


def definition(table: Table) -> str:
    """The columns as the engine keeps them."""
    parts_ = []
    for column in table.columns:
        kind = column.type
        quoted = '"' + column.name.replace('"', '""') + '"'
        part = f"{quoted} {duckdb_type(kind)}"
        if kind.is_text and kind.binary_collation:
            part += " COLLATE C"
        if not kind.nullable:
            part += " NOT NULL"
        if kind.is_text and 0 < kind.length < 4000:
            part += f" CHECK (length({quoted}) <= {kind.length})"
        parts_.append(part)
    return ", ".join(parts_)


def _make(session: Session, table: Table) -> None:
    kind = "TEMP TABLE" if table.temporary else "TABLE"
    with session.database.changing:
        session.duck.execute(f"CREATE {kind} {table.stored} ({definition(table)})")
        register(session, table)


def allow_width(table: Table) -> None:
    """Raises SqlError 1702 for more columns than a table may have ("Capacity limits")."""
    if len(table.columns) > _MOST_COLUMNS:
        last = table.columns[_MOST_COLUMNS].name
        raise SqlError(
            1702,
            f"CREATE TABLE failed because column '{last}' in table '{table.name}' exceeds the maximum of"
            f" {_MOST_COLUMNS} columns.",
        )


def register(session: Session, table: Table) -> None:
    if table.temporary:
        session.temporary[table.name.lower()] = table
    else:
        session.database.catalog.add(table)


def _from_query(
    session: Session, table: Table, options: Options, query: str, body: list[Token] | None
) -> int:
    if body is not None:
        raise parse_error("AS")
    if options.distribution is None:
        raise engine_error(
            104332,
            "The DISTRIBUTION option must be explicitly specified in a CREATE TABLE AS SELECT statement.",
        )
    return copy(session, table, options, query)


def copy(session: Session, table: Table, options: Options, query: str) -> int:
    """Make a table of a query's rows; how many."""
    piece = pieces(query)[0]
    refuse_words(piece)
    if piece.upper(0) not in ("SELECT", "WITH"):
        raise parse_error(piece.words[0].text)
    _refuse_order(piece)
    result = translation(session, piece, "SELECT")
    _place(session, table, Options())
    allow_reads(session, result)
    provide(session, result.views)
    with slot(session, result):
        sql, values = ready(session, result, exact(query)), parameters(session, result, exact(query))
        session.duck.execute(f"DESCRIBE {sql}", values or None)
        natives = [str(row[1]) for row in session.duck.fetchall()]
        known = result.columns if len(result.columns) == len(natives) else []
        if not known:
            raise SqlError(102, "The stand-in cannot tell the columns of this query.", 15)
        for (name, kind), native in zip(known, natives, strict=True):
            if not name:
                raise SqlError(
                    1038,
                    "An object or column name is missing or empty. For SELECT INTO statements, verify each column"
                    " has a name.",
                    15,
                )
            table.columns.append(Column(name, kind if kind is not None else from_duckdb(native)))
        _place(session, table, options)
        return _filled(session, table, sql, values)


def _refuse_order(piece: Piece) -> None:
    depth = 0
    words = piece.words
    top = any(each.upper in ("TOP", "OFFSET") for each in words)
    for number, word in enumerate(words):
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0 and word.upper == "ORDER" and piece.upper(number + 1) == "BY" and not top:
            raise SqlError(
                1033,
                "The ORDER BY clause is invalid in views, CREATE TABLE AS SELECT, INSERT SELECT, SELECT INTO, inline"
                " functions, derived tables, subqueries, and common table expressions, unless TOP or FOR XML is also"
                " specified.",
                15,
            )


def _filled(session: Session, table: Table, sql: str, values: dict) -> int:  # type: ignore[type-arg]
    duck = session.duck
    kind = "TEMP TABLE" if table.temporary else "TABLE"
    with session.interrupts.together():
        duck.execute(f"CREATE {kind} {table.stored} ({definition(table)})")
        duck.execute(f"INSERT INTO {table.stored} {sql}", values or None)
        count = int((duck.fetchone() or (0,))[0])
    register(session, table)
    return count


def translated(session: Session, query: str) -> Translation:
    """A query's translation. Raises SqlError."""
    piece = pieces(query)[0]
    refuse_words(piece)
    _refuse_order(piece)
    return translation(session, piece, "SELECT")


def columns_of(session: Session, query: str) -> list[Column]:
    """The columns that a query gives."""
    result = translated(session, query)
    session.duck.execute(f"DESCRIBE {result.sql}")
    natives = [str(row[1]) for row in session.duck.fetchall()]
    return [
        Column(name, kind if kind is not None else from_duckdb(native))
        for (name, kind), native in zip(result.columns, natives, strict=True)
    ]
