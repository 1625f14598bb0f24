"""Queries and changes of rows: translated once per shape, checked against grants, run by the engine."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tests.servers.azure import bulk
from tests.servers.azure.catalog import Table
from tests.servers.azure.errors import SqlError, engine_error, invalid_column, invalid_object
from tests.servers.azure.lexer import Piece, tokens, word_set
from tests.servers.azure.locks import Interrupted
from tests.servers.azure.results import Count, Rows
from tests.servers.azure.shapes import Shape, without_label
from tests.servers.azure.system import system_value
from tests.servers.azure.translate import Translation, Translator
from tests.servers.azure.types import SqlType, duckdb_type, from_duckdb
from tests.servers.azure.views import provide

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_BATCH = 2000
_TEMPORARY = re.compile(r"^#\w")


class _Recorded:
    """Looks names up, and remembers what they meant."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.found: dict[tuple[str, str], Table | None] = {}

    @property
    def pool(self) -> str:
        return self._session.pool

    def table(self, schema: str, name: str) -> Table | None:
        found = self._session.table(schema, name)
        self.found[schema, name] = found
        return found


def translation(session: Session, piece: Piece, verb: str) -> Translation:
    """The translation of a shape, from the cache where every name still means the same. Raises SqlError."""
    kinds = {name: kind for name, (kind, _) in session.variables.items()}
    key = (piece.text, tuple(kinds.items()))
    cache = session.database.translations
    known = cache.get(key)
    if known is not None:
        result, names = known
        if all(session.table(*name) is table for name, table in names.items()):
            return result
    names = _Recorded(session)
    text, _ = without_label(piece.text)
    result = Translator(names, kinds).translate(prepared(text, verb), verb)
    if len(cache) > 5000:
        cache.clear()
    cache[key] = (result, names.found)
    return result


def prepared(text: str, verb: str) -> str:
    """A statement as the parser takes it: temporary tables quoted, the FROMs of DELETE explained."""
    parts, at = [], 0
    found = tokens(text)
    for token in found:
        if token.text == "0x":
            parts.append(f"{text[at : token.start]}CAST('' AS varbinary(1))")
            at = token.end
        if token.kind == "word" and _TEMPORARY.match(token.text):
            parts.append(f"{text[at : token.start]}[{token.text}]")
            at = token.end
    text = "".join(parts) + text[at:]
    if verb == "DELETE" and len(found) > 3 and found[1].upper == "FROM":
        depth = 0
        for token in tokens(text)[2:]:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.upper == "WHERE":
                break
            if depth == 0 and token.upper == "FROM":
                first = tokens(text)[1]
                return text[: first.start] + text[first.end :]
    if verb == "DELETE" and all(token.upper != "FROM" for token in found[:3]):
        return "DELETE FROM" + text[len(verb) :]
    return text


def parameters(session: Session, result: Translation, formed: Shape) -> dict[str, Any]:
    """The values for a translation's parameters."""
    values = {f"p_{name}": value for name, (_, value) in session.variables.items()}
    used = {name: value for name, value in values.items() if f"${name}" in result.sql}
    for number, (name, arguments) in enumerate(result.system):
        used[f"f_{number}"] = system_value(session, name, [formed.value(each) for each in arguments])
    return used


def ready(session: Session, result: Translation, formed: Shape) -> str:
    """The SQL to run: where others' changes must not be seen, the copies of their tables are read."""
    sql = result.sql
    database = session.database
    if database.snapshot_reads and database.undo:
        for table in result.reads:
            undo = database.undo.get(table.number)
            if undo is not None and database.locks.owner(table.number) != session.id:
                sql = sql.replace(table.stored, undo.copy)
    return formed.filled(sql)


def allow_reads(session: Session, result: Translation) -> None:
    """Raises SqlError 229 where a table may not be read."""
    for table in result.reads:
        session.database.grants.demand(session.principal, "SELECT", table)


@contextlib.contextmanager
def slot(session: Session, result: Translation) -> Iterator[None]:
    """A concurrency slot, for statements that read or write the user's tables."""
    if session.internal or not (result.reads or result.target):
        yield
        return
    session.database.slots.take(session.is_interrupted)
    try:
        yield
    finally:
        session.database.slots.give()


def run_query(session: Session, piece: Piece, formed: Shape) -> Rows:
    """A query's rows. Raises SqlError."""
    result = translation(session, piece, "SELECT")
    allow_reads(session, result)
    provide(session, result.views)
    held = slot(session, result)
    held.__enter__()
    try:
        session.duck.execute(ready(session, result, formed), parameters(session, result, formed) or None)
        names, types, instants = _columns(session, result)
    except BaseException:
        held.__exit__(None, None, None)
        raise
    batches = _batches(session, instants, held)
    if result.assigns:
        _assign(session, result, batches)
        return Rows([], [], iter(()))
    return Rows(names, types, batches)


def _assign(session: Session, result: Translation, batches: Iterator[Sequence[Sequence[Any]]]) -> None:
    last: list[Any] = []
    for columns in batches:
        last = [column[-1] for column in columns if column]
    for name, value in zip(result.assigns, last, strict=False):
        if name in session.variables:
            session.variables[name] = (session.variables[name][0], value)


def _columns(session: Session, result: Translation) -> tuple[list[str], list[SqlType], bool]:
    described = [(each[0], str(each[1])) for each in session.duck.description or []]
    known = (
        result.columns if len(result.columns) == len(described) else [(name, None) for name, _ in described]
    )
    types = [
        kind if kind is not None and _fits(kind, native) else from_duckdb(native)
        for (_, kind), (_, native) in zip(known, described, strict=True)
    ]
    instants = any("TIME ZONE" in native for _, native in described)
    return [name for name, _ in known], types, instants


_WHOLE = word_set("""UTINYINT SMALLINT INTEGER BIGINT HUGEINT TINYINT UINTEGER UBIGINT INTEGER_LITERAL""")


def _fits(kind: SqlType, native: str) -> bool:
    """Whether the engine's values can be written as this type."""
    if kind.name in ("tinyint", "smallint", "int", "bigint"):
        return native in _WHOLE
    if kind.name in ("decimal", "money"):
        return native.startswith("DECIMAL") or native in _WHOLE or native == "DOUBLE"
    if kind.name in ("float", "real"):
        return native in ("DOUBLE", "FLOAT")
    wanted = duckdb_type(kind)
    return native == wanted or (wanted == "TIMESTAMPTZ" and "TIME ZONE" in native)


def _batches(session: Session, instants: bool, held: Any) -> Iterator[Sequence[Sequence[Any]]]:
    try:
        if instants:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = session.duck.to_arrow_table()
            for batch in table.to_batches(_BATCH):
                yield [column.to_pylist() for column in batch.columns]
            return
        size = 50
        while rows := session.duck.fetchmany(size):
            if session.interrupted:
                raise Interrupted
            yield list(zip(*rows, strict=True))
            size = _BATCH
    finally:
        held.__exit__(None, None, None)


def run_change(session: Session, piece: Piece, formed: Shape, verb: str) -> Count:
    """How many rows a change touched. Raises SqlError."""
    if verb == "MERGE" and not piece.ended:
        raise SqlError(10713, "A MERGE statement must be terminated by a semi-colon (;).", 15)
    result = translation(session, piece, verb)
    target = result.target
    assert target is not None
    allow_reads(session, result)
    _allow_change(session, verb, target, piece)
    provide(session, result.views)
    with slot(session, result):
        return Count(
            change(session, target, ready(session, result, formed), parameters(session, result, formed))
        )


def run_bulk(session: Session, rows: bulk.Rows) -> Count:
    """Rows of constants, appended. Raises SqlError."""
    target = session.table(rows.schema, rows.table)
    if target is None or target.kind != "U":
        raise invalid_object(f"{rows.schema}.{rows.table}" if rows.schema else rows.table)
    for name in rows.columns:
        if target.column(name) is None:
            raise invalid_column(name)
    session.database.grants.demand(session.principal, "INSERT", target)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in rows.columns)
    sql = f"INSERT INTO {target.stored} ({names}) VALUES {rows.values}"
    return Count(change(session, target, sql), "INSERT")


def change(session: Session, target: Table, sql: str, values: dict[str, Any] | None = None) -> int:
    """Run a change of a table's rows under its lock; how many there were."""
    locks = session.database.locks
    fresh = locks.take(session.id, target.number, session.is_interrupted, session.lock_timeout)
    try:
        with slot(session, Translation("", "", target=target)):  # who waits for a lock holds none
            if session.transaction is not None:
                session.transaction.keep(target)
            session.duck.execute(sql, values or None)
            row = session.duck.fetchone()
    finally:
        if fresh and session.transaction is None:
            locks.release(session.id, target.number)
    return int(row[0]) if row and isinstance(row[0], int) else 0


def _allow_change(session: Session, verb: str, target: Table, piece: Piece) -> None:
    grants = session.database.grants
    if verb != "MERGE":
        grants.demand(session.principal, verb, target)
        if verb in ("UPDATE", "DELETE") and any(each.upper == "WHERE" for each in piece.words):
            grants.demand(session.principal, "SELECT", target)
        return
    words = {each.upper for each in piece.words}
    for permission in ("INSERT", "UPDATE", "DELETE"):
        if permission in words:
            grants.demand(session.principal, permission, target)
    grants.demand(session.principal, "SELECT", target)
    if "INSERT" in words and not target.hashed:
        raise engine_error(
            104482,
            "Merge statements with a WHEN NOT MATCHED [BY TARGET] clause must target a hash distributed table.",
        )
