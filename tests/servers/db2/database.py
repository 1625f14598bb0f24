"""One database of the stand-in, and what the relay keeps about it beside Derby."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.db2.engine import DerbyError
from tests.servers.db2.grants import Grants, Need
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.statements import Statement, understand
from tests.servers.db2.tables import aliases
from tests.servers.db2.tokens import literal

if TYPE_CHECKING:
    from tests.servers.db2.server import Db2Server

ADMINISTRATOR = "db2inst1"
PASSWORD = "not-a-secret"
OPTIONS = {"AUTHENTICATION": "SERVER", "ARRAYINPUTCHAIN": "0", "PARAMOPTATOMIC": "0"}
"""Keywords without which IBM's driver and Derby do not understand each other."""

_PAGES = {4096: (4005, 500), 8192: (8101, 1012), 16384: (16293, 1012), 32768: (32677, 1012)}
"""How many bytes a row may take, and how many columns a table may have, by page size ("SQL and XML limits")."""


class Db2Error(Exception):
    """A statement that the stand-in refuses the administrator."""


@dataclass(eq=False)
class Database:
    """One fresh database; `settings` are those of a `db2` source."""

    server: Db2Server
    name: str
    restrictive: bool = True
    page_size: int = 32768
    """The largest page of a table space that may be used."""
    extended_rows: bool = True
    """Whether long VARCHAR values leave a page that is too small for them (`extended_row_sz`)."""
    user_temporary: bool = True
    """Whether there is a user temporary table space, without which nobody can declare a temporary table."""
    log_rows: int | None = None
    """How many rows one unit of work may change before the log is full (-964); None for any number."""
    refuses: Sqlca | None = None
    """What whoever logs in is told instead of being let in."""
    product: str = "CSS10140"
    """What the server calls itself (PRDID): Derby's name, or that of Db2 on another platform."""
    reorganize: set[tuple[str, str]] = field(default_factory=set)
    """Tables that were altered so that Db2 changes none of their rows until they are reorganized (-668)."""

    def __post_init__(self) -> None:
        self.grants = Grants(frozenset({ADMINISTRATOR.upper()}), self.restrictive)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The source's settings as the administrator, with `changes`; a change to None leaves a setting out."""
        settings = {
            "hostname": self.server.host_name,
            "port": self.server.port,
            "database": self.name,
            "username": ADMINISTRATOR,
            "password": PASSWORD,
            "tls": {"ca": str(self.server.ca)},
            "options": OPTIONS,
        } | changes
        return {name: value for name, value in settings.items() if value is not None}

    def user(self, name: str, *grants: str, **changes: Any) -> dict[str, Any]:
        """The settings of another user, made with nothing but CONNECT; `grants` are run as the administrator,
        with `{user}` for the name."""
        self.server.account(name)
        for grant in ("GRANT CONNECT ON DATABASE TO USER {user}", *grants):
            self.sql(grant.format(user=name))
        return self.settings(username=name, **changes)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements of Db2 as the administrator, without a driver; the rows of the last one that has any."""
        rows: list[tuple[Any, ...]] = []
        for text in statements:
            statement = understand(text, ADMINISTRATOR.upper(), ADMINISTRATOR.upper())
            if statement.refused is not None:
                raise Db2Error(f"{statement.refused.code}: {text}")
            for extra in statement.before:
                self.derby(extra)
            try:
                rows = self._run(statement) or rows
            except DerbyError as error:
                if statement.forgives is None:
                    raise Db2Error(f"{error}\n{text}") from error
            for extra in statement.after:
                self.derby(extra)
            what, *names = statement.effect or ("",)
            if what:
                self.note(ADMINISTRATOR.upper(), what, names)
        return rows

    def _run(self, statement: Statement) -> list[tuple[Any, ...]]:
        try:
            return self.server.engine.sql(self.name, statement.derby)
        except DerbyError as error:
            if "BIT DATA" not in error.message:
                raise
        names = aliases(statement.text, self.binary())
        again = understand(statement.text, statement.schema, ADMINISTRATOR.upper(), names)
        return self.server.engine.sql(self.name, again.derby)

    def derby(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in Derby's words; no error where Derby refuses it."""
        try:
            return self.server.engine.sql(self.name, statement)
        except DerbyError:
            return []

    def exists(self, schema: str, table: str = "") -> bool:
        """Whether there is such a table or schema, committed or not."""
        if table:
            query = (
                "SELECT 1 FROM SYS.SYSTABLES T JOIN SYS.SYSSCHEMAS S ON S.SCHEMAID = T.SCHEMAID"
                f" WHERE S.SCHEMANAME = {literal(schema)} AND T.TABLENAME = {literal(table)} WITH UR"
            )
        else:
            query = f"SELECT 1 FROM SYS.SYSSCHEMAS WHERE SCHEMANAME = {literal(schema)} WITH UR"
        return bool(self.derby(query))

    def binary(self) -> frozenset[str]:
        """The names of all columns of bytes."""
        rows = self.derby(
            "SELECT DISTINCT COLUMNNAME FROM SYS.SYSCOLUMNS"
            " WHERE CAST(COLUMNDATATYPE AS VARCHAR(128)) LIKE '%FOR BIT DATA%' WITH UR"
        )
        return frozenset(str(name) for (name,) in rows)

    def refusal(self, statement: Statement, user: str, *, in_unit: bool) -> Sqlca | None:
        """Why Db2 would not run a statement that Derby would."""
        refused = self.grants.missing(user, self._needs(statement), self.exists)
        if refused is not None:
            return refused
        if statement.first_only and in_unit:
            return Sqlca.of(-428, "25001")
        if statement.writes in self.reorganize and not statement.first_only:
            schema, table = statement.writes or ("", "")
            return Sqlca.of(-668, "57016", "7", f"{schema}.{table}")
        if statement.effect == ("declare",) and not self.user_temporary:
            return Sqlca.of(-286, "42727", "4096", user)
        return self._too_wide(statement, user)

    def _needs(self, statement: Statement) -> list[Need]:
        needs = []
        for need in statement.needs:
            if (
                need.privilege == "CREATEIN"
                and need.schema != statement.schema
                and not self.exists(need.schema)
            ):
                need = Need("IMPLICIT_SCHEMA", "IMPLICIT CREATE SCHEMA")
            needs.append(need)
        return needs

    def _too_wide(self, statement: Statement, user: str) -> Sqlca | None:
        table = statement.creates
        if table is None:
            return None
        width, columns = _PAGES[self.page_size]
        if table.columns > columns and self.page_size == max(_PAGES):
            return Sqlca.of(-680, "54011")
        if table.columns <= columns and (table.width <= width or (self.extended_rows and table.flexible)):
            return None
        for size, (wider, more) in _PAGES.items():
            if table.width <= wider and table.columns <= more:
                return Sqlca.of(-286, "42727", str(size), user)
        return Sqlca.of(-670, "54010", str(width), "USERSPACE1", str(table.width))

    def note(self, user: str, what: str, names: list[str]) -> None:
        """What a statement that succeeded means for privileges and for tables to be reorganized."""
        match what:
            case "create_schema":
                self.grants.created(names[1], names[0])
            case "create_table":
                self.grants.implied(user, names[0])
                self.grants.created(user, names[0], names[1])
            case "drop_schema":
                self.grants.dropped(names[0])
            case "drop_table":
                self.grants.dropped(names[0], names[1])
                self.reorganize.discard((names[0], names[1]))
            case "rename":
                self.grants.renamed(names[0], names[1], names[2])
            case "grant" | "revoke":
                schema, table, privileges, grantees = names
                self.grants.change(
                    what == "grant", privileges.split(","), schema, table, grantees.split("\0")
                )
            case "member":
                self.grants.join(names[0], names[1].split("\0"))
            case "reorg":
                self.reorganize.discard((names[0], names[1]))
            case _:
                pass
