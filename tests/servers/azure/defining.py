"""What is defined and dropped: tables, schemas, views, statistics, and options of databases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.servers.azure import altering, errors, security, tables
from tests.servers.azure.catalog import Table
from tests.servers.azure.declarations import statistics
from tests.servers.azure.errors import SqlError, parse_error
from tests.servers.azure.lexer import Piece, pieces, unquoted
from tests.servers.azure.shapes import without_label

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_DATABASE_SET = re.compile(
    r"ALTER\s+DATABASE\s+(\[[^\]]*\]|\w+)\s+SET\s+(READ_COMMITTED_SNAPSHOT|RESULT_SET_CACHING)\s+(ON|OFF)\s*$",
    re.I,
)
_COMPATIBILITY = re.compile(
    r"ALTER\s+DATABASE\s+SCOPED\s+CONFIGURATION\s+SET\s+DW_COMPATIBILITY_LEVEL\s*=\s*(AUTO|[1-5]0|9000)\s*$",
    re.I,
)


def define(session: Session, piece: Piece, text: str, verb: str, what: str) -> int | None:
    """Run such a statement; how many rows a table has that was made by a query. Raises SqlError."""
    if security.run(session, piece, text.strip()):
        return None
    if what == "TABLE":
        if verb == "CREATE":
            plain, _ = without_label(text)
            return tables.create(session, pieces(plain)[0], pieces(plain)[0].text)
        if verb in ("DROP", "TRUNCATE", "ALTER"):
            work = {"DROP": altering.drop, "ALTER": altering.alter}.get(verb)
            work(session, piece) if work else altering.truncate(session, text)
            return None
    if verb == "RENAME" and what == "OBJECT":
        altering.rename(session, text)
    elif verb == "CREATE" and what == "SCHEMA":
        _create_schema(session, piece)
    elif verb == "DROP" and what == "SCHEMA":
        _drop_schema(session, piece)
    elif verb == "CREATE" and what == "VIEW":
        _create_view(session, piece, text)
    elif verb == "DROP" and what == "VIEW":
        altering.drop(session, piece)
    elif what == "STATISTICS":
        if verb == "CREATE":
            _create_statistics(session, piece)
    elif verb == "ALTER" and what == "DATABASE":
        _alter_database(session, text)
    elif verb in ("CREATE", "DROP") and what == "DATABASE":
        raise SqlError(262, f"CREATE DATABASE permission denied in database '{session.database.name}'.", 14)
    else:
        raise parse_error(piece.words[1].text if len(piece.words) > 1 else verb)
    return None


def _create_schema(session: Session, piece: Piece) -> None:
    session.database.grants.demand_database(session.principal, "CREATE SCHEMA")
    name = unquoted(piece.words[2].text)
    owner = session.principal
    if len(piece.words) > 3:
        if piece.upper(3) != "AUTHORIZATION" or len(piece.words) != 5:
            raise parse_error(piece.words[3].text)
        owner = unquoted(piece.words[4].text)
        if session.database.grants.principal(owner) is None:
            raise errors.cannot_find("user", owner)
    if session.database.catalog.schema(name) is not None:
        raise SqlError(2714, f"There is already an object named '{name}' in the database.", 16, 6)
    session.database.create_schema(name, owner)


def _drop_schema(session: Session, piece: Piece) -> None:
    name = unquoted(piece.words[2].text)
    schema = session.database.catalog.schema(name)
    missing = SqlError(
        15151, f"Cannot drop the schema '{name}', because it does not exist or you do not have permission."
    )
    if schema is None:
        raise missing
    try:
        session.database.grants.demand_schema(session.principal, name)
    except SqlError:
        raise missing from None
    if session.database.catalog.within(name):
        held = session.database.catalog.within(name)[0].name
        raise SqlError(
            3729, f"Cannot drop schema '{name}' because it is being referenced by object '{held}'."
        )
    session.duck.execute(f'DROP SCHEMA "{schema.name}"')
    del session.database.catalog.schemas[name.lower()]


def _create_view(session: Session, piece: Piece, text: str) -> None:
    schema, name, at = tables.named(piece.words, 2)
    if piece.upper(at) != "AS":
        raise parse_error(piece.words[at].text)
    grants = session.database.grants
    grants.demand_database(session.principal, "CREATE VIEW")
    grants.demand_schema(session.principal, schema)
    if session.table(schema, name) is not None:
        raise SqlError(2714, f"There is already an object named '{name}' in the database.", 16, 3)
    query = text[piece.words[at].end :]
    view = Table(schema, name, tables.columns_of(session, query), kind="V")
    _named(view)
    result = tables.translated(session, query)
    if any(each.temporary for each in result.reads):
        raise SqlError(4508, "Views or functions are not allowed on temporary tables.")
    session.duck.execute(f"CREATE VIEW {view.stored} AS {result.sql}")
    session.database.catalog.add(view)


def _named(view: Table) -> None:
    seen: set[str] = set()
    for number, each in enumerate(view.columns, 1):
        if not each.name:
            raise SqlError(
                4511,
                f"Create View or Function failed because no column name was specified for column {number}.",
            )
        if each.name.lower() in seen:
            raise SqlError(
                4506,
                "Column names in each view or function must be unique."
                f" Column name '{each.name}' in view or function '{view.name}' is specified more than once.",
            )
        seen.add(each.name.lower())


def _create_statistics(session: Session, piece: Piece) -> None:
    at, columns = statistics(piece)
    schema, name, _ = tables.named(piece.words, at)
    missing = SqlError(
        1088, f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
    )
    table = altering.existing(session, schema, name, missing)
    for each in columns:
        if table.column(each) is None:
            raise SqlError(1911, f"Column name '{each}' does not exist in the target table or view.")


def _alter_database(session: Session, text: str) -> None:
    if level := _COMPATIBILITY.match(text):
        session.database.compatibility = level[1].upper()
        return
    found = _DATABASE_SET.match(text)
    if found is None:
        raise parse_error("SET")
    if session.database.name != "master":
        raise SqlError(5001, "User must be in the master database.")
    name = unquoted(found[1])
    database = session.engine.databases.get(name)
    if database is None or session.principal != "dbo":
        raise SqlError(
            5011,
            f"User does not have permission to alter database '{name}', the database does not exist, or the"
            " database is not in a state that allows access checks.",
            14,
            5,
        )
    if found[2].upper() == "READ_COMMITTED_SNAPSHOT":
        database.snapshot_reads = found[3].upper() == "ON"
