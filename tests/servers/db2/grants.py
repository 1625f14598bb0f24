"""Who may do what: Db2's authorities and privileges as far as a source of Tailrace meets them.

The model is ours, after IBM's reference (GRANT statements, CREATE SCHEMA, "Implicit schema authority"), because
Derby has no privilege on schemas but ownership. It takes effect at once and is not rolled back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.tokens import Cursor

PUBLIC = "PUBLIC"
CATALOGS = frozenset({"SYSCAT", "SYSIBM", "SYSIBMADM", "SYSSTAT", "SYSPROC", "SESSION", "DB2CAT"})
_TABLE_PRIVILEGES = ("ALTER", "CONTROL", "DELETE", "INDEX", "INSERT", "REFERENCES", "SELECT", "UPDATE")
_IN_SCHEMA = {
    "SELECT": "SELECTIN", "INSERT": "INSERTIN", "UPDATE": "UPDATEIN", "DELETE": "DELETEIN", "ALTER": "ALTERIN",
    "DROP": "DROPIN",
}  # fmt: skip

Table = tuple[str, str]


@dataclass(frozen=True)
class Need:
    """What a statement needs; `operation` is what Db2 calls it when it is missing."""

    privilege: str
    operation: str
    schema: str = ""
    table: str = ""
    shown: str = ""
    """The object that Db2 names, where it is not the one that the privilege is for."""


@dataclass
class Grants:
    """The authorities of one database. A restrictive database gives PUBLIC nothing but its catalog."""

    administrators: frozenset[str]
    restrictive: bool = True
    _held: set[tuple[str, str, str, str]] = field(default_factory=set)
    """(grantee, privilege, schema, table); schema and table are empty for authorities on the database."""
    _owners: dict[Table, str] = field(default_factory=dict)
    """The owners of schemas (with an empty table) and of tables."""
    _roles: dict[str, set[str]] = field(default_factory=dict)
    """The roles of a user."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not self.restrictive:
            for authority in ("CONNECT", "CREATETAB", "BINDADD", "IMPLICIT_SCHEMA"):
                self._held.add((PUBLIC, authority, "", ""))
        self._held.add((PUBLIC, "USE", "USERSPACE1", ""))
        self._held.add((PUBLIC, "USE", "USERTEMP1", ""))

    def has(self, user: str, privilege: str, schema: str = "", table: str = "") -> bool:
        """Whether a user holds a privilege, by grant, by ownership or by authority."""
        with self._lock:
            return self._has(user, privilege, schema, table)

    def _has(self, user: str, privilege: str, schema: str, table: str) -> bool:
        if user in self.administrators or schema in CATALOGS:
            return True
        if self._granted(user, "DBADM", "", ""):
            return True
        if table:
            if user == self._owners.get((schema, table)) or self._granted(user, "CONTROL", schema, table):
                return True
            if privilege in _IN_SCHEMA and self._granted(user, _IN_SCHEMA[privilege], schema, ""):
                return True
            if privilege in ("ALTER", "DROP") and user == self._owners.get((schema, "")):
                return True
            data = privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")
            if data and any(self._granted(user, "DATAACCESS", place, "") for place in ("", schema)):
                return True
        elif schema and privilege != "USE" and user in (schema, self._owners.get((schema, ""))):
            return True
        return self._granted(user, privilege, schema, table)

    def _granted(self, user: str, privilege: str, schema: str, table: str) -> bool:
        return any(
            (who, privilege, schema, table) in self._held
            for who in (user, PUBLIC, *self._roles.get(user, ()))
        )

    def owns(self, user: str, schema: str, table: str = "") -> bool:
        with self._lock:
            return (
                user in self.administrators
                or user == self._owners.get((schema, table))
                or (not table and user == schema)
            )

    # -- what statements do

    def created(self, user: str, schema: str, table: str = "") -> None:
        """Somebody made a table or schema, and owns it."""
        with self._lock:
            self._owners[schema, table] = user

    def implied(self, user: str, schema: str) -> None:
        """A schema came into being because an object in it was made."""
        with self._lock:
            if (schema, "") not in self._owners:
                self._owners[schema, ""] = "SYSIBM"
                self._held.add((user if self.restrictive else PUBLIC, "CREATEIN", schema, ""))

    def dropped(self, schema: str, table: str = "") -> None:
        with self._lock:
            self._owners.pop((schema, table), None)
            self._held = {held for held in self._held if held[2:] != (schema, table)}

    def renamed(self, schema: str, table: str, name: str) -> None:
        with self._lock:
            owner = self._owners.pop((schema, table), None)
            if owner is not None:
                self._owners[schema, name] = owner
            moved = {held for held in self._held if held[2:] == (schema, table)}
            self._held -= moved
            self._held |= {(who, privilege, schema, name) for who, privilege, _, _ in moved}

    def change(self, give: bool, privileges: list[str], schema: str, table: str, grantees: list[str]) -> None:
        """GRANT or REVOKE."""
        with self._lock:
            for grantee in grantees:
                for privilege in privileges:
                    held = (grantee, privilege, schema, table)
                    if give:
                        self._held.add(held)
                    else:
                        self._held.discard(held)

    def join(self, role: str, users: list[str]) -> None:
        """GRANT ROLE."""
        with self._lock:
            for user in users:
                self._roles.setdefault(user, set()).add(role)

    def missing(self, user: str, needs: list[Need], exists: Callable[[str, str], bool]) -> Sqlca | None:
        """What Db2 answers where a need is not met; a table that does not exist is somebody else's answer."""
        for need in needs:
            if self.has(user, need.privilege, need.schema, need.table):
                continue
            if need.privilege == "USE":
                return Sqlca.of(-286, "42727", "4096", user)
            if need.table:
                if exists(need.schema, need.table):
                    return Sqlca.of(-551, "42501", user, need.operation, f"{need.schema}.{need.table}")
                continue
            if need.schema:
                return Sqlca.of(-551, "42501", user, need.operation, need.shown or need.schema)
            return Sqlca.of(-552, "42502", user, need.operation)
        return None


@dataclass(frozen=True)
class Grant:
    """A GRANT or REVOKE statement."""

    give: bool
    privileges: list[str]
    on: str
    schema: str
    table: str
    grantees: list[str]


def parse_grant(cursor: Cursor, schema: str) -> Grant | None:
    """The statement at the cursor; `schema` is where unqualified tables are. None where it is not understood."""
    give = cursor.take().upper == "GRANT"
    privileges: list[str] = []
    while True:
        word = cursor.take().upper
        if word == "ALL":
            cursor.words("PRIVILEGES")
            privileges += [name for name in _TABLE_PRIVILEGES if name != "CONTROL"]
        elif word == "ROLE":
            return _grantees(cursor, Grant(give, [], "ROLE", cursor.take().name, "", []))
        elif word == "USE":
            cursor.words("OF")
            cursor.words("TABLESPACE")
            return _grantees(cursor, Grant(give, ["USE"], "TABLESPACE", cursor.take().name, "", []))
        else:
            privileges.append(word)
        if cursor.peek().text == ",":
            cursor.take()
        elif cursor.words("ON"):
            break
        else:
            return None
    on = cursor.peek().upper
    if cursor.words("DATABASE"):
        return _grantees(cursor, Grant(give, privileges, on, "", "", []))
    if cursor.words("SCHEMA"):
        return _grantees(cursor, Grant(give, privileges, on, cursor.take().name, "", []))
    cursor.words("TABLE")
    name = cursor.qualified()
    if name is None:
        return None
    return _grantees(cursor, Grant(give, privileges, "TABLE", name[0] or schema, name[1], []))


def _grantees(cursor: Cursor, grant: Grant) -> Grant | None:
    if cursor.take().upper not in ("TO", "FROM"):
        return None
    names: list[str] = []
    while True:
        if cursor.peek(1).is_name and cursor.peek().upper in ("USER", "GROUP", "ROLE"):
            cursor.take()
        names.append(cursor.take().name)
        if cursor.peek().text != ",":
            break
        cursor.take()
    return Grant(grant.give, grant.privileges, grant.on, grant.schema, grant.table, names)
