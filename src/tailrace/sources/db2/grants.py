"""The SQL with which an administrator lets Tailrace into a Db2 database, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.errors import ModelError
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.sources.db2.settings import Db2Settings
from tailrace.sources.db2.tables import tables_of


def db2_grants(
    dialect: Db2Dialect,
    settings: Db2Settings,
    managed: str,
    user: str,
    role: str | None,
    schemas: Sequence[str],
) -> str:
    """Statements to run in the database as its administrator."""
    grantee = f"ROLE {_name(role)}" if role else f"USER {_name(user)}"
    lines = [
        f"-- Run this in the database {_comment(settings.database)} as its administrator.",
        f"-- The user {_comment(user)} has to be there first: Db2 leaves users to its host or its cloud.",
        '--   IBM Cloud: console of the instance, Administration > User management > Add, with the role "User".',
        "--   Self-managed: a user of the operating system, or of the LDAP that the server asks.",
    ]
    if role:
        lines += ["", f"CREATE ROLE {_name(role)};", f"GRANT ROLE {_name(role)} TO USER {_name(user)};"]
    lines += [
        "",
        "-- Log in, and make tables.",
        f"GRANT CONNECT, CREATETAB ON DATABASE TO {grantee};",
        f"-- In a restrictive database also: GRANT USE OF TABLESPACE USERSPACE1 TO {grantee};",
        "",
        "-- Keep state: which records the destinations have accepted.",
        f"CREATE SCHEMA {dialect.schema(managed)};",
        f"GRANT CREATEIN, DROPIN ON SCHEMA {dialect.schema(managed)} TO {grantee};",
    ]
    for schema in schemas:
        lines += [
            "",
            f"-- Read all that is in {_comment(schema)}, also tables that are added later (Db2 11.5 or later).",
            f"GRANT SELECTIN ON SCHEMA {_name(schema)} TO {grantee};",
        ]
    return "\n".join(lines) + "\n"


def db2_table_grants(settings: Db2Settings, models: Sequence[str], user: str, role: str | None) -> str:
    """One GRANT SELECT for each table of these models; a model that cannot be understood is said so."""
    grantee = f"ROLE {_name(role)}" if role else f"USER {_name(user)}"
    home = settings.options.get("CURRENTSCHEMA", settings.username).upper()
    lines = [
        "",
        "-- Read the tables and views that the models select from; run it again when a model reads another.",
    ]
    tables: set[tuple[str, str]] = set()
    for model in models:
        try:
            tables |= tables_of(model, home)
        except ModelError:
            lines.append(f"-- A model could not be understood; add its tables: {_comment(model)[:80]}")
    lines += [f'GRANT SELECT ON TABLE "{schema}"."{table}" TO {grantee};' for schema, table in sorted(tables)]
    return "\n".join(lines) + "\n"


def _name(name: str) -> str:
    """As Db2 has it: what is written without quotes is in upper case there."""
    return '"' + name.upper().replace('"', '""') + '"'


def _comment(text: str) -> str:
    return " ".join(text.split())
