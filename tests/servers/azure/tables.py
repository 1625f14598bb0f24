"""Tables: made, copied by CREATE TABLE AS SELECT, altered, renamed, emptied and dropped, by a pool's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.azure.catalog import COLUMNSTORE, Column, Table
from tests.servers.azure.declarations import Options, allow_place, allow_width, closing, split
from tests.servers.azure.declarations import column as declared
from tests.servers.azure.errors import SqlError, engine_error, invalid_column, parse_error
from tests.servers.azure.lexer import Piece, Token, pieces, unquoted
from tests.servers.azure.refusals import refuse_words
from tests.servers.azure.running import allow_reads, parameters, ready, slot, translation
from tests.servers.azure.shapes import exact
from tests.servers.azure.translate import Translation
from tests.servers.azure.types import MAX, duckdb_type, from_duckdb
from tests.servers.azure.views import provide

if TYPE_CHECKING:
    from tests.servers.azure.session import Session


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
    table = Table(schema, name, [declared(part) for part in split(body)])
    _place(session, table, options)
    _make(session, table)
    return None


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
    for name in options.indexed:
        if name.lower() not in seen:
            raise invalid_column(name)
    allow_place(table, several=session.database.compatibility in ("50", "9000"))


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
