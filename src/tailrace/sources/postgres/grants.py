"""The SQL with which an administrator lets Tailrace into a PostgreSQL database, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.sources.dialect import Dialect


def postgres_grants(
    dialect: Dialect, database: str, managed: str, user: str, role: str | None, schemas: Sequence[str]
) -> str:
    """Statements to run in the database as its administrator; running them twice does no harm."""
    quote = dialect.quote
    grantee = role or user
    lines = [
        f"-- Run this in the database {_comment(database)} as its administrator; twice does no harm.",
        _role(dialect, user, "LOGIN"),
        f"-- Set its password, if it is new: \\password {_comment(quote(user))}",
    ]
    if role:
        lines += [_role(dialect, role, "NOLOGIN"), f"GRANT {quote(role)} TO {quote(user)};"]
    lines += ["", "-- Log in.", f"GRANT CONNECT ON DATABASE {quote(database)} TO {quote(grantee)};", ""]
    for schema in schemas or ("public",):
        lines += [
            f"-- Read what models select from in {_comment(schema)}, also tables that are added later.",
            f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(grantee)};",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {quote(schema)} TO {quote(grantee)};",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quote(schema)} GRANT SELECT ON TABLES TO {quote(grantee)};",
            "",
        ]
    lines += [
        "-- Keep state: which records the destinations have accepted.",
        f"CREATE SCHEMA IF NOT EXISTS {quote(managed)};",
        f"GRANT USAGE, CREATE ON SCHEMA {quote(managed)} TO {quote(grantee)};",
    ]
    return "\n".join(lines) + "\n"


def _role(dialect: Dialect, name: str, attribute: str) -> str:
    tag = "$tailrace$"
    while tag in name:
        tag = tag[:-1] + "_$"
    return (
        f"DO {tag} BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {dialect.literal(name)}) "
        f"THEN CREATE ROLE {dialect.quote(name)} {attribute}; END IF; END {tag};"
    )


def _comment(text: str) -> str:
    return " ".join(text.split())
