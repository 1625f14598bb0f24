"""Who may do what: users, roles, and what was granted or denied to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.servers.azure import errors
from tests.servers.azure.catalog import Catalog, Table
from tests.servers.azure.errors import SqlError

ROLES = (
    "public",
    "db_owner",
    "db_datareader",
    "db_datawriter",
    "db_ddladmin",
    "db_securityadmin",
    "db_accessadmin",
)
DATABASE, SCHEMA, OBJECT = "DATABASE", "SCHEMA", "OBJECT"
PERMISSIONS = frozenset(
    (
        "SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "CONTROL", "REFERENCES", "EXECUTE", "CONNECT", "CREATE TABLE",
        "CREATE SCHEMA", "CREATE VIEW", "CREATE PROCEDURE", "CREATE FUNCTION", "VIEW DEFINITION", "VIEW DATABASE STATE",
        "TAKE OWNERSHIP", "ALTER ANY SCHEMA", "ALTER ANY USER", "ALTER ANY ROLE", "KILL DATABASE CONNECTION",
        "ADMINISTER DATABASE BULK OPERATIONS", "ALTER ANY EXTERNAL DATA SOURCE", "ALTER ANY EXTERNAL FILE FORMAT",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Grant:
    """One permission of a principal, or what it was denied."""

    principal: str
    permission: str
    scope: str
    name: str
    denied: bool = False


@dataclass
class Principal:
    """A user or role of a database."""

    name: str
    role: bool
    login: str | None = None
    roles: set[str] = field(default_factory=set)


class Grants:
    """The principals of a database and their permissions."""

    def __init__(self, database: str, catalog: Catalog) -> None:
        self._database, self._catalog = database, catalog
        self.principals: dict[str, Principal] = {name: Principal(name, True) for name in ROLES}
        self.principals["dbo"] = Principal("dbo", False)
        self.grants: set[Grant] = set()

    def user_of(self, login: str) -> Principal | None:
        return next(
            (each for each in self.principals.values() if each.login and each.login.lower() == login.lower()),
            None,
        )

    def principal(self, name: str) -> Principal | None:
        return self.principals.get(name.lower())

    def all_roles(self, name: str) -> set[str]:
        """The principal itself and every role it is in."""
        found = {"public"}
        open_names = [name.lower()]
        while open_names:
            each = open_names.pop()
            if each not in found:
                found.add(each)
                principal = self.principals.get(each)
                open_names += list(principal.roles) if principal else []
        return found

    # -- decisions

    def allowed(self, user: str, permission: str, scopes: list[tuple[str, str]]) -> bool:
        """Whether a user has a permission in one of these scopes, from the object up to the database."""
        names = self.all_roles(user)
        if "dbo" in names or "db_owner" in names:
            return True
        if self._matches(names, permission, scopes, denied=True):
            return False
        if permission == "SELECT" and "db_datareader" in names:
            return True
        if permission in ("INSERT", "UPDATE", "DELETE") and "db_datawriter" in names:
            return True
        if permission in ("ALTER", "CREATE TABLE", "CREATE SCHEMA", "CREATE VIEW") and "db_ddladmin" in names:
            return True
        for scope, name in scopes:
            schema = self._catalog.schema(name) if scope == SCHEMA else None
            if schema is not None and schema.owner.lower() in names:
                return True
        return self._matches(names, permission, scopes, denied=False)

    def _matches(self, names: set[str], permission: str, scopes: list[tuple[str, str]], denied: bool) -> bool:
        words = {permission, "CONTROL"}
        return any(
            grant.denied == denied
            and grant.principal in names
            and grant.permission in words
            and (grant.scope, grant.name) in scopes
            for grant in self.grants
        )

    def _scopes(self, table: Table) -> list[tuple[str, str]]:
        schema = table.schema.lower()
        return [(OBJECT, f"{schema}.{table.name.lower()}"), (SCHEMA, schema), (DATABASE, "")]

    def can(self, user: str, permission: str, table: Table) -> bool:
        return table.temporary or self.allowed(user, permission, self._scopes(table))

    def sees(self, user: str, table: Table) -> bool:
        """Whether a user sees a table in the catalog: any permission on it is enough."""
        return any(
            self.can(user, each, table)
            for each in ("SELECT", "INSERT", "UPDATE", "DELETE", "ALTER", "VIEW DEFINITION")
        )

    # -- demands

    def demand(self, user: str, permission: str, table: Table) -> None:
        """Raises SqlError 229 without the permission on a table."""
        if not self.can(user, permission, table):
            raise errors.denied(permission, table.name, self._database, table.schema)

    def demand_database(self, user: str, permission: str) -> None:
        """Raises SqlError 262 without the permission in the database."""
        if not self.allowed(user, permission, [(DATABASE, "")]):
            raise errors.denied_in_database(permission, self._database)

    def demand_schema(self, user: str, schema: str) -> None:
        """Raises SqlError 2760 without ALTER on a schema, or where there is none."""
        found = self._catalog.schema(schema)
        if found is None or not self.allowed(user, "ALTER", [(SCHEMA, schema.lower()), (DATABASE, "")]):
            raise errors.no_such_schema(schema)

    def demand_alter(self, user: str, table: Table, error: SqlError) -> None:
        """Raises the error without ALTER on a table."""
        if not table.temporary and not self.allowed(user, "ALTER", self._scopes(table)):
            raise error
