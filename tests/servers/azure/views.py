"""The system views that clients of a pool read, made anew for each statement that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from tests.servers.azure.catalog import Table
from tests.servers.azure.errors import denied_in_database, invalid_object
from tests.servers.azure.grants import DATABASE
from tests.servers.azure.types import sizes

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_TYPE_IDS = {
    "uniqueidentifier": 36, "date": 40, "time": 41, "datetime2": 42, "datetimeoffset": 43, "tinyint": 48, "smallint": 52,
    "int": 56, "smalldatetime": 58, "real": 59, "money": 60, "datetime": 61, "float": 62, "bit": 104, "decimal": 106,
    "smallmoney": 122, "bigint": 127, "varbinary": 165, "varchar": 167, "binary": 173, "char": 175, "nvarchar": 231,
    "nchar": 239,
}  # fmt: skip
DEFAULT_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
_INT, _TEXT, _BIT, _TIME, _LONG = pa.int32(), pa.string(), pa.bool_(), pa.timestamp("us"), pa.int64()
Rows = Iterable[tuple[Any, ...]]


def _seen(session: Session) -> list[Table]:
    database = session.database
    return [
        each
        for each in list(database.catalog.tables.values())
        if database.grants.sees(session.principal, each)
    ]


def _schemas(session: Session) -> Rows:
    for each in session.database.catalog.schemas.values():
        yield each.name, each.number, 1


def _tables(session: Session) -> Rows:
    for each in _seen(session):
        if each.kind == "U":
            yield _object(session, each)


def _objects(session: Session) -> Rows:
    for each in _seen(session):
        yield _object(session, each)


def _object(session: Session, each: Table) -> tuple[Any, ...]:
    schema = session.database.catalog.schema(each.schema)
    word = "USER_TABLE" if each.kind == "U" else "VIEW"
    return (
        each.name,
        each.number,
        schema.number if schema else 0,
        f"{each.kind} ",
        word,
        each.created,
        each.created,
    )


def _views(session: Session) -> Rows:
    for each in _seen(session):
        if each.kind == "V":
            yield _object(session, each)


def _columns_of(tables: Iterable[Table]) -> Rows:
    for table in tables:
        for position, column in enumerate(table.columns, 1):
            kind = column.type
            size, precision, scale = sizes(kind)
            collation = None
            if kind.is_text:
                collation = "Latin1_General_100_BIN2" if kind.binary_collation else DEFAULT_COLLATION
            number = _TYPE_IDS[kind.name]
            yield (table.number, column.name, position, number, number, size, precision, scale, collation,
                   kind.nullable, False, False)  # fmt: skip


def _columns(session: Session) -> Rows:
    return _columns_of(_seen(session))


def _temporary_columns(session: Session) -> Rows:
    return _columns_of(session.temporary.values())


def _types(session: Session) -> Rows:
    for name, number in _TYPE_IDS.items():
        yield name, number, number, 4


def _databases(session: Session) -> Rows:
    for number, each in enumerate(session.engine.databases.values(), 4):
        yield each.name, number, DEFAULT_COLLATION, each.snapshot_reads, 0, "OFF", 0, "ONLINE", False


def _view_state(session: Session) -> None:
    if not session.database.grants.allowed(session.principal, "VIEW DATABASE STATE", [(DATABASE, "")]):
        raise denied_in_database("VIEW DATABASE STATE", session.database.name)


def _requests(session: Session) -> Rows:
    _view_state(session)
    for each in list(session.database.requests):
        ended = each.ended or datetime.now(each.submitted.tzinfo)
        elapsed = int(max((ended - each.submitted).total_seconds(), 0) * 1000) if each.ended else 0
        yield (each.id, f"SID{each.session}", each.status, each.submitted, each.submitted, each.ended, elapsed, each.label,
               each.error and "E1", each.command[:4000], "smallrc", "normal", 0)  # fmt: skip


def _sessions(session: Session) -> Rows:
    _view_state(session)
    for each in session.engine.sessions_of(session.database.name):
        status = "Active" if each.running else "Idle"
        yield (f"SID{each.id}", status, each.user, each.began, 0, each.transaction is not None, each.application,
               "127.0.0.1", each.id)  # fmt: skip


def _principals(session: Session) -> Rows:
    for number, each in enumerate(session.database.grants.principals.values(), 1):
        word = "DATABASE_ROLE" if each.role else "SQL_USER"
        yield each.name, number, "R" if each.role else "S", word, "dbo"


def _logins(session: Session) -> Rows:
    if session.database.name != "master":
        raise invalid_object("sys.sql_logins")
    for number, name in enumerate(session.engine.logins, 1):
        yield name, number, "S", "SQL_LOGIN"


def _distribution(session: Session) -> Rows:
    for each in _seen(session):
        policy = {"HASH": 2, "REPLICATE": 3}.get(each.distribution, 4)
        yield each.number, policy, each.distribution


def _information_tables(session: Session) -> Rows:
    for each in _seen(session):
        yield session.database.name, each.schema, each.name, "BASE TABLE" if each.kind == "U" else "VIEW"


def _information_columns(session: Session) -> Rows:
    for table in _seen(session):
        for position, column in enumerate(table.columns, 1):
            kind = column.type
            _, precision, scale = sizes(kind)
            length = kind.length if kind.is_text or kind.name in ("varbinary", "binary") else None
            numeric = kind.name in (
                "tinyint",
                "smallint",
                "int",
                "bigint",
                "decimal",
                "money",
                "float",
                "real",
            )
            moment = scale if kind.name in ("datetime2", "datetimeoffset", "time", "datetime") else None
            yield (session.database.name, table.schema, table.name, column.name, position,
                   "YES" if kind.nullable else "NO", kind.name, length, precision if numeric else None,
                   scale if numeric else None, moment, DEFAULT_COLLATION if kind.is_text else None)  # fmt: skip


def _information_schemata(session: Session) -> Rows:
    for each in session.database.catalog.schemas.values():
        yield session.database.name, each.name, each.owner


_OBJECT = {"name": _TEXT, "object_id": _INT, "schema_id": _INT, "type": _TEXT, "type_desc": _TEXT,
           "create_date": _TIME, "modify_date": _TIME}  # fmt: skip
_COLUMN = {"object_id": _INT, "name": _TEXT, "column_id": _INT, "system_type_id": _INT, "user_type_id": _INT,
           "max_length": _INT, "precision": _INT, "scale": _INT, "collation_name": _TEXT, "is_nullable": _BIT,
           "is_identity": _BIT, "is_computed": _BIT}  # fmt: skip
_VIEWS: dict[str, tuple[dict[str, pa.DataType], Callable[[Session], Rows]]] = {
    "sys.schemas": ({"name": _TEXT, "schema_id": _INT, "principal_id": _INT}, _schemas),
    "sys.tables": (_OBJECT, _tables),
    "sys.objects": (_OBJECT, _objects),
    "sys.views": (_OBJECT, _views),
    "sys.columns": (_COLUMN, _columns),
    "tempdb.sys.columns": (_COLUMN, _temporary_columns),
    "sys.types": ({"name": _TEXT, "system_type_id": _INT, "user_type_id": _INT, "schema_id": _INT}, _types),
    "sys.databases": (
        {"name": _TEXT, "database_id": _INT, "collation_name": _TEXT, "is_read_committed_snapshot_on": _BIT,
         "snapshot_isolation_state": _INT, "snapshot_isolation_state_desc": _TEXT, "state": _INT, "state_desc": _TEXT,
         "is_result_set_caching_on": _BIT},
        _databases,
    ),
    "sys.dm_pdw_exec_requests": (
        {"request_id": _TEXT, "session_id": _TEXT, "status": _TEXT, "submit_time": _TIME, "start_time": _TIME,
         "end_time": _TIME, "total_elapsed_time": _INT, "label": _TEXT, "error_id": _TEXT, "command": _TEXT,
         "resource_class": _TEXT, "importance": _TEXT, "result_cache_hit": _INT},
        _requests,
    ),
    "sys.dm_pdw_exec_sessions": (
        {"session_id": _TEXT, "status": _TEXT, "login_name": _TEXT, "login_time": _TIME, "query_count": _INT,
         "is_transactional": _BIT, "app_name": _TEXT, "client_id": _TEXT, "sql_spid": _INT},
        _sessions,
    ),
    "sys.database_principals": (
        {"name": _TEXT, "principal_id": _INT, "type": _TEXT, "type_desc": _TEXT, "default_schema_name": _TEXT},
        _principals,
    ),
    "sys.sql_logins": ({"name": _TEXT, "principal_id": _INT, "type": _TEXT, "type_desc": _TEXT}, _logins),
    "sys.pdw_table_distribution_properties": (
        {"object_id": _INT, "distribution_policy": _INT, "distribution_policy_desc": _TEXT},
        _distribution,
    ),
    "information_schema.tables": (
        {"TABLE_CATALOG": _TEXT, "TABLE_SCHEMA": _TEXT, "TABLE_NAME": _TEXT, "TABLE_TYPE": _TEXT},
        _information_tables,
    ),
    "information_schema.columns": (
        {"TABLE_CATALOG": _TEXT, "TABLE_SCHEMA": _TEXT, "TABLE_NAME": _TEXT, "COLUMN_NAME": _TEXT, "ORDINAL_POSITION": _INT,
         "IS_NULLABLE": _TEXT, "DATA_TYPE": _TEXT, "CHARACTER_MAXIMUM_LENGTH": _INT, "NUMERIC_PRECISION": _INT,
         "NUMERIC_SCALE": _INT, "DATETIME_PRECISION": _INT, "COLLATION_NAME": _TEXT},
        _information_columns,
    ),
    "information_schema.schemata": (
        {"CATALOG_NAME": _TEXT, "SCHEMA_NAME": _TEXT, "SCHEMA_OWNER": _TEXT},
        _information_schemata,
    ),
}  # fmt: skip


def provide(session: Session, views: set[str]) -> None:
    """Make these views readable in the session. Raises SqlError 208 for one that there is not."""
    for name in views:
        if name not in _VIEWS:
            raise invalid_object(name)
        shape, rows = _VIEWS[name]
        found = list(rows(session))
        columns = list(zip(*found, strict=True)) if found else [[] for _ in shape]
        arrays = [pa.array(values, kind) for values, kind in zip(columns, shape.values(), strict=True)]
        session.duck.register(name, pa.table(arrays, names=list(shape)))
