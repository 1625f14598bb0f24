"""CREATE LOGIN, USER and ROLE, GRANT, DENY, REVOKE and the members of roles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.servers.azure.errors import SqlError, cannot_find, parse_error
from tests.servers.azure.grants import DATABASE, OBJECT, PERMISSIONS, ROLES, SCHEMA, Grant, Principal
from tests.servers.azure.lexer import Piece, unquoted

if TYPE_CHECKING:
    from tests.servers.azure.session import Session

_NAME = r"(\[(?:[^\]]|\]\])*\]|\"[^\"]*\"|[\w.@$-]+)"
_LOGIN = re.compile(rf"(CREATE|ALTER)\s+LOGIN\s+{_NAME}\s+WITH\s+PASSWORD\s*=\s*N?'((?:[^']|'')*)'", re.I)
_USER = re.compile(
    rf"CREATE\s+USER\s+{_NAME}(?:\s+(?:FOR|FROM)\s+(?:LOGIN\s+{_NAME}|(EXTERNAL\s+PROVIDER))|\s+(WITHOUT\s+LOGIN))?"
    rf"(?:\s+WITH\s+DEFAULT_SCHEMA\s*=\s*{_NAME})?\s*$",
    re.I,
)
_ROLE = re.compile(rf"CREATE\s+ROLE\s+{_NAME}", re.I)
_DROP = re.compile(rf"DROP\s+(LOGIN|USER|ROLE)\s+{_NAME}\s*$", re.I)
_MEMBER = re.compile(r"EXEC(?:UTE)?\s+(?:sys\.)?sp_(add|drop)rolemember\s+(.*)$", re.I | re.S)
_ALTER_ROLE = re.compile(rf"ALTER\s+ROLE\s+{_NAME}\s+(ADD|DROP)\s+MEMBER\s+{_NAME}", re.I)
_GRANT = re.compile(
    rf"(GRANT|DENY|REVOKE)\s+(?:GRANT\s+OPTION\s+FOR\s+)?(.+?)(?:\s+ON\s+(?:(SCHEMA|OBJECT|DATABASE)\s*::\s*)?{_NAME}"
    rf"(?:\s*\.\s*{_NAME})?)?\s+(?:TO|FROM)\s+(.+?)(?:\s+WITH\s+GRANT\s+OPTION)?(?:\s+CASCADE)?\s*$",
    re.I | re.S,
)


def run(session: Session, piece: Piece, text: str) -> bool:
    """Run a statement about principals and permissions; whether it was one. Raises SqlError."""
    for pattern, work in (
        (_LOGIN, _login),
        (_USER, _user),
        (_ROLE, _role),
        (_DROP, _drop),
        (_MEMBER, _member),
        (_ALTER_ROLE, _alter_role),
        (_GRANT, _grant),
    ):
        found = pattern.match(text)
        if found is not None:
            if work is not _login:
                _administrator(session)
            work(session, found)
            return True
    return False


def _administrator(session: Session) -> None:
    names = session.database.grants.all_roles(session.principal)
    if not names & {"dbo", "db_owner", "db_securityadmin", "db_accessadmin"}:
        raise SqlError(15247, "User does not have permission to perform this action.")


def _login(session: Session, found: re.Match[str]) -> None:
    if session.database.name != "master":
        raise SqlError(5001, "User must be in the master database.")
    _administrator(session)
    name, password = unquoted(found[2]), found[3].replace("''", "'")
    if found[1].upper() == "CREATE" and name.lower() in map(str.lower, session.engine.logins):
        raise SqlError(15025, f"The server principal '{name}' already exists.")
    session.engine.logins[name] = password


def _user(session: Session, found: re.Match[str]) -> None:
    name = unquoted(found[1])
    grants = session.database.grants
    if grants.principal(name):
        raise SqlError(15023, f"User, group, or role '{name}' already exists in the current database.")
    login = unquoted(found[2]) if found[2] else name
    if not found[3] and not found[4] and login.lower() not in map(str.lower, session.engine.logins):
        raise SqlError(15007, f"'{login}' is not a valid login or you do not have permission.")
    grants.principals[name.lower()] = Principal(name, False, None if found[4] else login)


def _role(session: Session, found: re.Match[str]) -> None:
    name = unquoted(found[1])
    if session.database.grants.principal(name):
        raise SqlError(15023, f"User, group, or role '{name}' already exists in the current database.")
    session.database.grants.principals[name.lower()] = Principal(name, True)


def _drop(session: Session, found: re.Match[str]) -> None:
    kind, name = found[1].lower(), unquoted(found[2])
    if kind == "login":
        known = {each.lower(): each for each in session.engine.logins}
        if name.lower() not in known:
            raise cannot_find("login", name, "drop")
        del session.engine.logins[known[name.lower()]]
        return
    grants = session.database.grants
    principal = grants.principal(name)
    if principal is None or principal.role != (kind == "role") or name.lower() in ROLES:
        raise cannot_find(kind, name, "drop")
    del grants.principals[name.lower()]
    grants.grants = {each for each in grants.grants if each.principal != name.lower()}


def _member(session: Session, found: re.Match[str]) -> None:
    values = re.findall(r"N?'((?:[^']|'')*)'|(\[[^\]]*\])|([\w@$.-]+)", re.sub(r"@\w+\s*=\s*", "", found[2]))
    names = [text.replace("''", "'") or unquoted(quoted) or word for text, quoted, word in values]
    if len(names) != 2:
        raise parse_error("sp_addrolemember")
    _join(session, names[0], names[1], found[1].lower() == "add")


def _alter_role(session: Session, found: re.Match[str]) -> None:
    _join(session, unquoted(found[1]), unquoted(found[3]), found[2].upper() == "ADD")


def _join(session: Session, role: str, member: str, add: bool) -> None:
    grants = session.database.grants
    found, principal = grants.principal(role), grants.principal(member)
    if found is None or not found.role:
        raise cannot_find("role", role, "alter")
    if principal is None:
        raise SqlError(15410, "User or role '" + member + "' does not exist in this database.", 11)
    (principal.roles.add if add else principal.roles.discard)(role.lower())


def _grant(session: Session, found: re.Match[str]) -> None:
    verb, words, kind, first, second, people = found.groups()
    permissions = [" ".join(each.upper().split()) for each in re.sub(r"\([^)]*\)", "", words).split(",")]
    scope, name = _scope(session, kind, first, second)
    for permission in permissions:
        if permission not in PERMISSIONS:
            raise parse_error(permission.split()[0])
        if scope != DATABASE and permission.startswith(("CREATE", "VIEW DATABASE", "KILL")):
            raise SqlError(
                4610, "You can only grant or revoke permissions on objects in the current database."
            )
    for each in people.split(","):
        principal = session.database.grants.principal(unquoted(each.strip()))
        if principal is None:
            raise cannot_find("user", unquoted(each.strip()))
        for permission in permissions:
            _record(session, Grant(principal.name.lower(), permission, scope, name), verb.upper())


def _record(session: Session, grant: Grant, verb: str) -> None:
    grants = session.database.grants.grants
    denied = Grant(grant.principal, grant.permission, grant.scope, grant.name, True)
    grants -= {grant, denied}
    if verb != "REVOKE":
        grants.add(denied if verb == "DENY" else grant)
    session.database.grants.grants = grants


def _scope(session: Session, kind: str | None, first: str | None, second: str | None) -> tuple[str, str]:
    if first is None or (kind or "").upper() == "DATABASE":
        if first is not None and unquoted(first).lower() != session.database.name.lower():
            raise cannot_find("database", unquoted(first))
        return DATABASE, ""
    if (kind or "").upper() == "SCHEMA":
        if session.database.catalog.schema(unquoted(first)) is None:
            raise cannot_find("schema", unquoted(first))
        return SCHEMA, unquoted(first).lower()
    schema, name = (unquoted(first), unquoted(second)) if second else ("dbo", unquoted(first))
    if not second and "." in name:
        schema, _, name = name.partition(".")
    if session.database.catalog.table(schema, name) is None:
        raise cannot_find("object", name)
    return OBJECT, f"{schema.lower()}.{name.lower()}"
