"""The T-SQL with which an administrator lets Tailrace into a pool, and nothing more.

CREATE TABLE on the database and the schema are both needed to make a table there ("CREATE TABLE", permissions):
the widely published recipe leaves CREATE TABLE out where it grants CREATE SCHEMA.
"""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.sources.azure.syntax import bracketed


def azure_grants(
    database: str, managed: str, user: str, role: str | None, schemas: Sequence[str], *, entra: bool
) -> str:
    """Batches to run as the administrator of the server, each marked with the database to run it in."""
    grantee = bracketed(role or user)
    lines = [*_login(user, entra=entra), *_user(database, user, entra=entra), *_role(role, user)]
    lines += [*_read(schemas, role, user), "", *_state(managed, grantee, database)]
    return "\n".join(lines) + "\n"


def _login(user: str, *, entra: bool) -> list[str]:
    if entra:
        return []
    return [
        "-- 1. Run in the database master, as the server's administrator. Choose a password first.",
        f"IF NOT EXISTS (SELECT * FROM sys.sql_logins WHERE name = {_text(user)})",
        f"  CREATE LOGIN {bracketed(user)} WITH PASSWORD = 'choose-a-Long-1-here';",
        "GO",
        "",
    ]


def _user(database: str, user: str, *, entra: bool) -> list[str]:
    how = "FROM EXTERNAL PROVIDER" if entra else f"FOR LOGIN {bracketed(user)}"
    return [
        f"-- 2. Run all that follows in the pool {_comment(database)}, connected to it (a pool has no USE).",
        f"IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = {_text(user)})",
        f"  CREATE USER {bracketed(user)} {how};",
        "GO",
        "",
    ]


def _role(role: str | None, user: str) -> list[str]:
    if role is None:
        return []
    return [
        f"IF NOT EXISTS (SELECT * FROM sys.database_principals WHERE name = {_text(role)})",
        f"  CREATE ROLE {bracketed(role)};",
        "GO",
        f"EXEC sp_addrolemember {_text(role)}, {_text(user)};",
        "GO",
        "",
    ]


def _read(schemas: Sequence[str], role: str | None, user: str) -> list[str]:
    if not schemas:
        member = role or user
        return [
            "-- Read every table of the pool (name schemas with --schemas to read only those).",
            f"EXEC sp_addrolemember 'db_datareader', {_text(member)};",
            "GO",
        ]
    lines = ["-- Read what models select from, also tables that are added later."]
    lines += [
        f"GRANT SELECT ON SCHEMA::{bracketed(schema)} TO {bracketed(role or user)};" for schema in schemas
    ]
    return [*lines, "GO"]


def _state(managed: str, grantee: str, database: str) -> list[str]:
    create = f"CREATE SCHEMA {bracketed(managed)}".replace("'", "''")
    on = f"ON DATABASE::{bracketed(database)} TO {grantee};"
    return [
        "-- Keep state: which records the destinations have accepted. One of two ways; both do no harm.",
        "-- Way 1: you make the schema.",
        f"IF SCHEMA_ID({_text(managed)}) IS NULL EXEC(N'{create}');",
        "GO",
        f"GRANT CONTROL ON SCHEMA::{bracketed(managed)} TO {grantee};",
        f"GRANT CREATE TABLE {on}",
        "GO",
        "",
        "-- Way 2: Tailrace makes its schema. Published recipes leave CREATE TABLE out; without it no table can be made.",
        f"GRANT CREATE SCHEMA {on}",
        f"GRANT CREATE TABLE {on}",
        "GO",
        "",
        "-- If you like: a sync that takes over from a crashed machine may end what that left running at once.",
        f"-- GRANT VIEW DATABASE STATE {on}",
        f"-- GRANT KILL DATABASE CONNECTION {on}",
    ]


def _text(text: str) -> str:
    return "N'" + text.replace("'", "''") + "'"


def _comment(text: str) -> str:
    return " ".join(text.split())
