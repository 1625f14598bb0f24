"""The managed schema: which tables there are, how they are made, and whose they are.

A table without our mark is never touched. Everything here may be run by several processes at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from tailrace.errors import SourceError, StateError
from tailrace.sources.base import Session
from tailrace.sources.dialect import Dialect
from tailrace.state.checkpoint import Remember
from tailrace.state.columns import StoredColumn, used
from tailrace.state.counts import Counts
from tailrace.state.fence import CONFLICT, EXISTS
from tailrace.state.names import META, SYNC_LOG, StateNames

LAYOUT = 1
OWNER = "tailrace"

COUNTED = tuple(name for name in Counts.__slots__ if name != "by_operation")

_TEXT, _BIGINT, _TIME, _BOOLEAN = "text", "bigint", "timestamptz", "boolean"

_META = (("owner", _TEXT), ("layout", "integer"), ("created_at", _TIME))
_CHECKPOINTS = (
    ("source_id", _TEXT), ("model_id", _TEXT), ("checkpoint", _TIME), ("n", _BIGINT), ("sync_id", _TEXT),
    ("phase", _TEXT), ("plan_table", _TEXT), ("counts", _TEXT), ("columns", _TEXT), ("fingerprint", _TEXT),
    ("spec", _TEXT), ("destination", _TEXT), ("project", _TEXT), ("mapping", _TEXT), ("row_count", _BIGINT),
    ("planned_at", _TIME), ("owner", _TEXT), ("holder", _TEXT), ("fence", _BIGINT), ("lease_until", _TIME),
    ("job", _TEXT), ("approval", _TEXT), ("first", _BOOLEAN),
)  # fmt: skip
_PROGRESS = (
    ("plan_table", _TEXT), ("kind", _TEXT), ("unit", "integer"), ("from_seq", _BIGINT), ("to_seq", _BIGINT),
    ("records", _BIGINT), ("outcome", _TEXT), ("reason", _TEXT), ("code", _TEXT), ("message", _TEXT),
    ("record_level_id", _TEXT),
)  # fmt: skip
_REJECTIONS = (
    ("record_id", _TEXT), ("operation", _TEXT), ("checksum", _TEXT), ("attempts", "integer"),
    ("first_at", _TIME), ("last_at", _TIME), ("next_try_at", _TIME), ("reason", _TEXT), ("code", _TEXT),
    ("message", _TEXT), ("fingerprint", _TEXT),
)  # fmt: skip
_SYNC_LOG = (
    ("project", _TEXT), ("mapping", _TEXT), ("state_id", _TEXT), ("sync_id", _TEXT), ("n", _BIGINT),
    ("status", _TEXT), ("started_at", _TIME), ("finished_at", _TIME),
    *((name, _BIGINT) for name in COUNTED),
    ("by_operation", _TEXT), ("delivered_rows", _BIGINT), ("approved", _BOOLEAN),
)  # fmt: skip
_ATTEMPTS, _PAUSE = 50, 0.1
_WAIT: Callable[[float], object] = threading.Event().wait

_RECORDS_HEAD = (("record_id", _TEXT),)
_RECORDS_TAIL = (
    ("delivered", _BOOLEAN), ("uncertain", _BOOLEAN), ("baseline", _TEXT), ("record_level_id", _TEXT),
    ("synced_n", _BIGINT),
)  # fmt: skip
_VERSIONS = (("record_version", _BIGINT), ("record_removed", _BOOLEAN))


def find_schema(session: Session, dialect: Dialect, schema: str) -> str | None:
    """The managed schema as it is spelled in the warehouse, or None. Raises StateError if both spellings exist."""
    found = [name for (name,) in session.rows(dialect.list_schemas()) if name.lower() == schema.lower()]
    spellings = [name for name in found if name in (schema, schema.lower(), schema.upper())]
    if len(spellings) > 1:
        raise StateError(
            f"Both schemas {' and '.join(sorted(spellings))} exist.",
            hint="Drop the one that is not in use, or name another with the source's `schema` setting.",
            code="state_ambiguous",
        )
    return spellings[0] if spellings else None


def ensure_schema(session: Session, dialect: Dialect, schema: str) -> str:
    """Find or create the managed schema with its shared tables; gives its name as spelled in the warehouse.

    Raises StateError where a foreign table stands in the way, or the layout is newer than this version knows.
    """
    found = find_schema(session, dialect, schema)
    if found is None:
        _tolerant(
            lambda: session.execute(dialect.create_schema(schema)),
            lambda: find_schema(session, dialect, schema) is not None,
        )
        found = schema
    meta = {"owner": dialect.literal(OWNER), "layout": str(LAYOUT), "created_at": dialect.now()}
    _ensure_table(session, dialect, found, META, _META, meta)
    check_layout(session, dialect, found)
    _ensure_table(session, dialect, found, SYNC_LOG, _SYNC_LOG)
    return found


def check_layout(session: Session, dialect: Dialect, schema: str) -> None:
    """Hold that the managed schema is ours and of a layout we know. Raises StateError."""
    rows = session.rows(f"SELECT owner, layout FROM {dialect.table(schema, META)}")
    if len(rows) != 1 or rows[0][0] != OWNER:
        raise StateError(
            f"The table {schema}.{META} does not say that this schema is Tailrace's.",
            hint="Name another schema with the source's `schema` setting.",
            code="state_foreign",
        )
    if rows[0][1] > LAYOUT:
        raise StateError(
            f"The schema {schema} has layout {rows[0][1]}, written by a newer version; this one knows {LAYOUT}.",
            hint="Upgrade Tailrace here to the version that is used elsewhere.",
            code="state_newer",
        )


def ensure_mapping(
    session: Session,
    dialect: Dialect,
    names: StateNames,
    *,
    source_id: str,
    model_id: str,
    project: str,
    mapping: str,
) -> None:
    """Create the mapping's checkpoint with its one row, and its progress and rejections. Raises StateError."""
    first_row = {
        "source_id": source_id,
        "model_id": model_id,
        "n": 0,
        "phase": "idle",
        "project": project,
        "mapping": mapping,
        "row_count": 0,
        "fence": 0,
        "first": True,
    }
    row = {name: dialect.literal(value) for name, value in first_row.items()}
    _ensure_table(session, dialect, names.schema, names.checkpoints, _CHECKPOINTS, row)
    _ensure_table(session, dialect, names.schema, names.progress, _PROGRESS)
    _ensure_table(session, dialect, names.schema, names.rejections, _REJECTIONS)


def create_records(
    session: Session, dialect: Dialect, names: StateNames, columns: Sequence[StoredColumn], remember: Remember
) -> None:
    """Create the records table where it is missing; with `remember: checksum` it holds no values."""
    held = tuple((column.stored, column.native) for column in used(columns)) if remember == "values" else ()
    if remember == "checksum" or dialect.compares_digests:
        held += (("checksum" if remember == "checksum" else "digest", dialect.type_of(_TEXT)),)
    _ensure(
        session,
        dialect,
        names.schema,
        names.records,
        (
            *_typed(dialect, _RECORDS_HEAD),
            *held,
            *_typed(dialect, _RECORDS_TAIL),
            *(_typed(dialect, _VERSIONS) if dialect.insert_only else ()),
        ),
        make=dialect.create_records,
    )


def ours(session: Session, dialect: Dialect, schema: str) -> set[str]:
    """The names of the tables in a schema that carry our mark."""
    return {name for name, comment in session.rows(dialect.list_tables(schema)) if dialect.is_marked(comment)}


def _typed(dialect: Dialect, columns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, dialect.own_column(name, word)) for name, word in columns)


def _ensure_table(
    session: Session,
    dialect: Dialect,
    schema: str,
    name: str,
    columns: Sequence[tuple[str, str]],
    row: Mapping[str, str] | None = None,
) -> None:
    _ensure(session, dialect, schema, name, _typed(dialect, columns), row)


def _ensure(
    session: Session,
    dialect: Dialect,
    schema: str,
    name: str,
    columns: Sequence[tuple[str, str]],
    row: Mapping[str, str] | None = None,
    make: Callable[[str, Sequence[tuple[str, str]]], tuple[str, ...]] | None = None,
) -> None:
    """Create a marked table with its one row, if it has one, unless it is there: all of it at once, or nothing."""
    table, empty = dialect.table(schema, name), make or dialect.create_marked

    def present() -> bool:
        for left in reversed(range(_ATTEMPTS)):
            comments = dict(session.rows(dialect.list_tables(schema)))
            if name not in comments or dialect.is_marked(comments[name]):
                return name in comments
            if left:  # another process may be making it: catalogues are not read as of one moment everywhere
                _WAIT(_PAUSE)
        raise StateError(
            f"There is a table {schema}.{name} that is not Tailrace's; it was not touched.",
            hint="Rename that table, or name another schema with the source's `schema` setting.",
            code="state_foreign",
        )

    def create() -> None:
        if not dialect.ddl_in_transactions:
            made = empty(table, columns)
            if row is not None:
                made = dialect.create_marked_as(table, _one_row(dialect, columns, row))
            for statement in made:
                session.execute(statement)
            return
        with session.transaction():
            for statement in empty(table, columns):
                session.execute(statement)
            if row is not None:
                filled = ", ".join(dialect.quote(column) for column in row)
                values = dialect.select_one(", ".join(row.values()))
                session.execute(f"INSERT INTO {table} ({filled}) {values}")

    if not present():
        _tolerant(create, present)


def _one_row(dialect: Dialect, columns: Sequence[tuple[str, str]], row: Mapping[str, str]) -> str:
    """A query for a table's one row, each column of its type."""
    typed = (
        f"{dialect.cast(row.get(name, 'NULL'), native)} AS {dialect.quote(name)}" for name, native in columns
    )
    return dialect.select_one(", ".join(typed))


def _tolerant(
    create: Callable[[], object],
    present: Callable[[], bool],
    pause: Callable[[float], object] = _WAIT,
) -> None:
    """Create something that another process may be creating at the same moment.

    That it exists may be said before the catalogue shows it.
    """
    for left in reversed(range(_ATTEMPTS)):
        try:
            create()
            return
        except SourceError as error:
            if present():
                return
            if error.code not in (CONFLICT, EXISTS) or not left:
                raise
            pause(_PAUSE)
