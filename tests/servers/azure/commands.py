"""Statements that are neither queries nor changes of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.servers.azure import defining, errors, security, tables
from tests.servers.azure.catalog import Table
from tests.servers.azure.declarations import Options, split
from tests.servers.azure.errors import SqlError, engine_error, parse_error
from tests.servers.azure.grants import DATABASE
from tests.servers.azure.lexer import Piece, Token, pieces, unquoted, word_set
from tests.servers.azure.results import Begun, Count, Ended, Outcome, Rows
from tests.servers.azure.shapes import exact, without_label
from tests.servers.azure.types import UnknownType, parse_type

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_SETTINGS = word_set(
    """RESULT_SET_CACHING ANSI_NULLS ANSI_WARNINGS ANSI_PADDING ANSI_NULL_DFLT_ON QUOTED_IDENTIFIER ARITHABORT
    NOCOUNT XACT_ABORT CONCAT_NULL_YIELDS_NULL DATEFIRST TEXTSIZE LANGUAGE IMPLICIT_TRANSACTIONS ROWCOUNT
    FMTONLY NUMERIC_ROUNDABORT"""
)
_STATEMENTS = word_set(
    """SELECT INSERT UPDATE DELETE MERGE CREATE DROP ALTER TRUNCATE RENAME EXEC EXECUTE BEGIN PRINT SET THROW
    RAISERROR GRANT DENY REVOKE"""
)
_TRANSACTION = re.compile(r"(BEGIN|COMMIT|ROLLBACK)(?:\s+(?:TRAN|TRANSACTION|WORK))?\s*$", re.I)
_KILL = re.compile(r"KILL\s+'SID(\d+)'\s*$", re.I)
_DDL = ("CREATE", "DROP", "ALTER", "RENAME", "TRUNCATE")


def selects_into(piece: Piece) -> bool:
    """Whether a SELECT makes a table."""
    depth = 0
    for word in piece.words:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0 and word.upper == "INTO":
            return True
    return False


def run(session: Session, piece: Piece, text: str) -> Iterator[Outcome]:
    """Run a command. Raises SqlError."""
    verb, what = piece.upper(0), piece.upper(1)
    if _TRANSACTION.match(text):
        yield from _transaction(session, verb)
    elif verb in ("SELECT", "WITH"):
        yield Count(_select_into(session, piece, text), "INSERT")
    elif verb == "IF":
        yield from _if(session, piece, text)
    elif verb == "SET":
        yield from _set(session, piece, text)
    elif verb == "DECLARE":
        yield from _declare(session, piece, text)
    elif verb in ("EXEC", "EXECUTE"):
        yield from _execute(session, piece, text)
    elif verb == "BEGIN" and piece.words[-1].upper == "END":
        inner = text[piece.words[0].end : piece.words[-1].start]
        for each in pieces(inner):
            yield from session.execute(each, exact(inner))
    elif verb == "KILL":
        _kill(session, text)
        yield Count(None)
    elif verb in ("PRINT", "USE", "DBCC") or (verb == "UPDATE" and what == "STATISTICS"):
        _other(session, piece, verb)
        yield Count(None)
    elif verb in (*_DDL, "GRANT", "DENY", "REVOKE"):
        if session.transaction is not None:
            raise errors.in_transaction()
        count = defining.define(session, piece, text, verb, what)
        yield Count(count, "INSERT" if count is not None else "")
    else:
        raise parse_error(piece.words[0].text)


# -- transactions


def _transaction(session: Session, verb: str) -> Iterator[Outcome]:
    if verb == "BEGIN":
        yield Begun(session.begin().descriptor)
        return
    transaction = session.transaction
    if transaction is None:
        raise errors.no_transaction()
    if verb == "COMMIT":
        transaction.commit()
    else:
        transaction.roll_back()
    yield Ended(transaction.descriptor, verb == "COMMIT")


# -- batches


def _select_into(session: Session, piece: Piece, text: str) -> int:
    if session.transaction is not None:
        raise errors.in_transaction()
    text, _ = without_label(text)
    words = pieces(text)[0].words
    at = next(number for number, word in enumerate(words) if word.upper == "INTO")
    schema, name, end = tables.named(words, at + 1)
    query = text[words[0].start : words[at].start] + text[words[end - 1].end :]
    return tables.copy(session, Table(schema, name, []), Options(distribution="ROUND_ROBIN"), query)


def _if(session: Session, piece: Piece, text: str) -> Iterator[Outcome]:
    """IF condition statement [ELSE statement]."""
    words = piece.words
    start = _statement_start(words)
    condition = text[words[0].end : words[start].start]
    end = _else(words, start)
    branch = text[words[start].start : words[end].start] if end else text[words[start].start :]
    other = text[words[end].end :] if end else ""
    query = f"SELECT CASE WHEN {condition} THEN 1 ELSE 0 END AS held"
    held = False
    for outcome in session.execute(pieces(query)[0], exact(query)):
        if isinstance(outcome, Rows):
            held = any(value == 1 for columns in outcome.batches for value in columns[0])
    for each in pieces(branch if held else other):
        yield from session.execute(each, exact(branch if held else other))


def _statement_start(words: list[Token]) -> int:
    depth = 0
    for number, word in enumerate(words[1:], 1):
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if depth == 0 and word.upper in _STATEMENTS:
            return number
    raise parse_error(words[-1].text)


def _else(words: list[Token], start: int) -> int | None:
    depth = 0
    for number, word in enumerate(words[start:], start):
        depth += {"BEGIN": 1, "CASE": 1, "END": -1, "(": 1, ")": -1}.get(word.upper, 0)
        if depth == 0 and word.upper == "ELSE":
            return number
    return None


def _set(session: Session, piece: Piece, text: str) -> Iterator[Outcome]:
    first = piece.words[1]
    if first.kind == "variable":
        query = f"SELECT {first.text} = {text[piece.words[2].end :]}"
        yield from session.execute(pieces(query)[0], exact(query))
        return
    word = first.upper
    if word == "LOCK_TIMEOUT":
        milliseconds = int(text[first.end :].strip())
        session.lock_timeout = None if milliseconds < 0 else milliseconds / 1000
    elif word == "TRANSACTION":
        if "READ UNCOMMITTED" not in " ".join(text.upper().split()):
            raise engine_error(104409, "Only the isolation level READ UNCOMMITTED is supported.")
    elif word not in _SETTINGS:
        raise parse_error(first.text)
    yield Count(None)


def _declare(session: Session, piece: Piece, text: str) -> Iterator[Outcome]:
    for part in split(piece.words[1:]):
        equal = next((number for number, word in enumerate(part) if word.text == "="), len(part))
        written = "".join(word.text for word in part[1:equal] if word.upper != "AS")
        try:
            kind = parse_type(written)
        except UnknownType:
            raise SqlError(2715, f"Cannot find data type {written}.") from None
        name = part[0].text.lstrip("@").lower()
        session.variables[name] = (kind, None)
        if equal < len(part):
            query = f"SELECT @{name} = {text[part[equal].end : part[-1].end]}"
            yield from session.execute(pieces(query)[0], exact(query))
    yield Count(None)


def _execute(session: Session, piece: Piece, text: str) -> Iterator[Outcome]:
    if security.run(session, piece, text.strip()):
        yield Count(None)
        return
    if piece.words[1].text == "(" and piece.words[2].kind == "string":
        inner = piece.words[2].text
        inner = inner[inner.index("'") + 1 : -1].replace("''", "'")
        for each in pieces(inner):
            yield from session.execute(each, exact(inner))
        return
    if piece.upper(1) == "SP_EXECUTESQL" and piece.words[2].kind == "string":
        inner = piece.words[2].text
        inner = inner[inner.index("'") + 1 : -1].replace("''", "'")
        for each in pieces(inner):
            yield from session.execute(each, exact(inner))
        return
    raise SqlError(2812, f"Could not find stored procedure '{piece.words[1].text}'.")


def _kill(session: Session, text: str) -> None:
    found = _KILL.match(text.strip())
    if found is None:
        raise parse_error("KILL")
    grants = session.database.grants
    if not grants.allowed(session.principal, "KILL DATABASE CONNECTION", [(DATABASE, "")]):
        raise SqlError(6102, "User does not have permission to use the KILL statement.", 14)
    victim = session.engine.sessions.get(int(found[1]))
    if victim is None or victim.database is not session.database:
        raise SqlError(6106, f"Process ID {found[1]} is not an active process ID.")
    victim.kill()


def _other(session: Session, piece: Piece, verb: str) -> None:
    if verb == "USE" and unquoted(piece.words[1].text).lower() != session.database.name.lower():
        raise SqlError(
            40508,
            "USE statement is not supported to switch between databases. Use a new connection to connect to a different"
            " database.",
        )
