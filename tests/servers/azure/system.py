"""Functions and variables whose values depend on the server and the session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.servers.azure.catalog import Table
from tests.servers.azure.lexer import unquoted
from tests.servers.azure.types import sizes

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

VERSION = "Microsoft Azure SQL Data Warehouse - 10.0.23886.0 (tailrace stand-in)"
_PART = re.compile(r"\[(?:[^\]]|\]\])*\]|\"[^\"]*\"|[^.]+")


def parts(name: str) -> tuple[str, str]:
    """The schema and name in a name of up to three parts; the schema is empty where it is left out."""
    found = [unquoted(each) for each in _PART.findall(name)]
    if not found:
        return "", ""
    schema = found[-2] if len(found) > 1 and not found[-1].startswith("#") else ""
    return schema, found[-1]


def object_named(session: Session, name: str) -> Table | None:
    """The table or view of that name, where the session may see it."""
    table = session.table(*parts(name))
    if table is None or (not table.temporary and not session.database.grants.sees(session.principal, table)):
        return None
    return table


def system_value(session: Session, name: str, arguments: list[str]) -> Any:
    """The value of a function of SYSTEM or a variable of VARIABLES; NULL for what is not known."""
    first = arguments[0] if arguments else ""
    database = session.database
    match name:
        case "OBJECT_ID":
            table = object_named(session, first)
            kind = arguments[1].upper().strip() if len(arguments) > 1 else ""
            return table.number if table is not None and kind in ("", table.kind) else None
        case "COL_LENGTH":
            table = object_named(session, first)
            column = table.column(unquoted(arguments[1])) if table is not None else None
            return None if column is None else sizes(column.type)[0]
        case "OBJECT_NAME":
            return next(
                (each.name for each in database.catalog.tables.values() if str(each.number) == first), None
            )
        case "SCHEMA_ID":
            schema = database.catalog.schema(first or "dbo")
            return schema.number if schema else None
        case "SCHEMA_NAME":
            if not first:
                return "dbo"
            return next(
                (each.name for each in database.catalog.schemas.values() if str(each.number) == first), None
            )
        case "DB_NAME":
            return database.name
        case "DB_ID":
            return 5 if not first or first.lower() == database.name.lower() else None
        case "USER_NAME" | "SESSION_USER":
            return session.principal
        case "SUSER_SNAME" | "SYSTEM_USER":
            return session.user
        case "SESSION_ID":
            return f"SID{session.id}"
        case "SERVERPROPERTY":
            return _server_property(session, first)
        case "DATABASEPROPERTYEX":
            return _database_property(session, arguments)
        case "XACT_STATE":
            return 0 if session.transaction is None else -2 if session.transaction.failed else 1
        case "IS_MEMBER" | "IS_ROLEMEMBER":
            role = database.grants.principal(first)
            return (
                None if role is None else int(first.lower() in database.grants.all_roles(session.principal))
            )
        case "HAS_DBACCESS":
            return 1
        case "DATABASE_PRINCIPAL_ID":
            return 1 if database.grants.principal(first or session.principal) else None
        case "@@SPID":
            return session.id
        case "@@VERSION":
            return VERSION
        case "@@TRANCOUNT":
            return 0 if session.transaction is None else 1
        case "@@SERVERNAME":
            return "tailrace-stand-in"
        case "@@LANGUAGE":
            return "us_english"
    return 0 if name == "@@ERROR" else None


def _server_property(session: Session, name: str) -> Any:
    return {
        "engineedition": session.engine.edition,
        "edition": "SQL Azure",
        "productversion": "10.0.23886.0",
        "servername": "tailrace-stand-in",
        "collation": "SQL_Latin1_General_CP1_CI_AS",
    }.get(name.lower())


def _database_property(session: Session, arguments: list[str]) -> Any:
    name = arguments[1].lower() if len(arguments) > 1 else ""
    edition = {6: "DataWarehouse", 5: "Standard"}.get(session.engine.edition)
    return {
        "edition": edition,
        "serviceobjective": "DW100c" if session.engine.edition == 6 else "S0",
        "collation": "SQL_Latin1_General_CP1_CI_AS",
        "status": "ONLINE",
        "updateability": "READ_WRITE",
    }.get(name)
