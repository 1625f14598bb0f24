"""The connection test of a Db2 source."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tailrace.errors import ModelError, SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.checking import Doubt, Probe, Step, run_steps
from tailrace.sources.db2.address import reach, try_tls
from tailrace.sources.db2.names import swapped
from tailrace.sources.db2.statements import unless

if TYPE_CHECKING:
    from tailrace.sources.db2.source import Db2Source

_OLDEST = (11, 1)
_TRIED = 200
"""How many tables are tried; their number in the database may be large."""

_SYSTEM = ("SYSCAT", "SYSIBM", "SYSIBMADM", "SYSPROC", "SYSPUBLIC", "SYSSTAT", "SYSTOOLS", "SYSFUN", "NULLID")


def check_db2(source: Db2Source) -> Iterator[CheckStep]:
    """Address, TLS, login, read, managed schema, and a table in it."""
    with contextlib.ExitStack() as stack:
        yield from run_steps(_Run(source, stack).steps())


class _Run:
    def __init__(self, source: Db2Source, stack: contextlib.ExitStack) -> None:
        self._source = source
        self._stack = stack
        self._session = stack.enter_context(source.session())
        self._user = source.dialect.schema(source.settings.username.upper())

    def steps(self) -> Iterator[Step]:
        source = self._source
        yield Step("address", lambda: reach(source.connection))
        yield Step("TLS", lambda: try_tls(source.connection), ("address",))
        yield Step("login", self._login, ("TLS",))
        yield Step("read", self._read, ("login",))
        yield Step("managed schema", self._managed_schema, ("login",))
        probe = Probe(self._session, source.dialect, source.schema)
        self._stack.callback(probe.clean)
        for step in probe.steps("managed schema"):
            yield Step(step.name, self._with_remedy(step), step.needs)
        yield Step("row width", self._row_width, ("create table",))

    def _row_width(self) -> str:
        """Make a table as wide as ours, and one as wide as a plan of many columns: that concerns some models only."""
        self._made_with(6)
        try:
            self._made_with(10)
        except SourceError as error:
            if error.code != "source_row_width":
                raise
            raise Doubt(f"no table space takes rows of 40,000 bytes: {error.message}", error.hint) from error
        return "rows of 40,000 bytes can be stored"

    def _made_with(self, columns: int) -> None:
        dialect = self._source.dialect
        table = dialect.table(self._source.schema, f"tailrace_check_{secrets.token_hex(8)}")
        text = dialect.type_of("text")
        self._session.execute(
            dialect.create_table(table, [(f"c{number}", text) for number in range(columns)])
        )
        self._session.execute(dialect.drop_table(table))

    def _login(self) -> str:
        name, version = self._session.server()
        ((user, server),) = self._session.rows("SELECT CURRENT USER, CURRENT SERVER FROM SYSIBM.SYSDUMMY1")
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if name.startswith("DB2/") and numbers < _OLDEST:
            raise SourceError(
                f"the server is Db2 {version}; at least 11.1 is needed",
                hint="Upgrade it.",
                code="source_too_old",
            )
        ((empty,),) = self._session.rows(
            "SELECT CASE WHEN '' IS NULL THEN 1 ELSE 0 END FROM SYSIBM.SYSDUMMY1"
        )
        if empty:
            raise Doubt(
                f"{user} on {server}, which takes an empty text for NULL (VARCHAR2 compatibility)",
                "An empty key counts as NULL, and an empty text is sent as null.",
            )
        return f"{str(user).strip()} on {str(server).strip()}, {name or 'Db2'} {version}"

    def _read(self) -> str:
        literal, dialect = self._source.dialect.literal, self._source.dialect
        hidden = ", ".join(literal(name) for name in (*_SYSTEM, self._source.schema))
        found = [
            (str(schema).strip(), str(table))
            for schema, table in self._session.rows(
                "SELECT TABSCHEMA, TABNAME FROM SYSCAT.TABLES WHERE TYPE IN ('A', 'N', 'S', 'T', 'V')"
                f" AND TABSCHEMA NOT IN ({hidden}) ORDER BY TYPE, TABSCHEMA, TABNAME FETCH FIRST 10000 ROWS ONLY WITH UR"
            )
        ]
        self._session.read(dialect.select_one("1 AS one")).read_all()
        if not found:
            raise Doubt("queries work, but the database has no tables yet", "Create what your models read.")
        tried = found[:_TRIED]
        for number, (schema, table) in enumerate(tried):
            query = f"SELECT * FROM {dialect.table(schema, swapped(table))}"
            if self._readable(query):
                if number == 0:
                    return f"{schema}.{table} may be read (tables and views: {len(found)})"
                return f"{schema}.{table} may be read, {number} before it may not (tables and views: {len(found)})"
        schema, table = tried[0]
        lacks = f"this user lacks SELECT, for example on {schema}.{table}"
        grant = (
            f"An administrator runs: GRANT SELECT ON TABLE {dialect.table(schema, swapped(table))} TO USER "
            f"{self._user}; (`tailrace grants` prints one for each table that your models use)"
        )
        if len(found) > len(tried):
            raise Doubt(
                f"none of the first {len(tried)} of {len(found)} tables and views may be read: {lacks}", grant
            )
        raise SourceError(
            f"none of {len(tried)} tables and views may be read: {lacks}",
            hint=grant,
            code="source_permission",
        )

    def _readable(self, query: str) -> bool:
        """Db2 checks the right to read when a statement is prepared."""
        try:
            self._session.describe(query)
        except ModelError:
            return False
        except SourceError as error:
            if error.code not in ("source_permission", "source_missing", "source_failed"):
                raise
            return False
        return True

    def _managed_schema(self) -> str:
        schema, dialect = self._source.schema, self._source.dialect
        if schema in {str(name) for (name,) in self._session.rows(dialect.list_schemas())}:
            return f"{schema} exists"
        try:
            self._session.execute(dialect.create_schema(schema))
        except SourceError as error:
            if error.code != "source_permission":
                raise
            name = dialect.schema(schema)
            raise SourceError(
                f"the managed schema {schema} does not exist and cannot be created: {error.message}",
                hint=f"An administrator runs: CREATE SCHEMA {name}; GRANT CREATEIN, DROPIN ON SCHEMA {name} "
                f"TO USER {self._user};",
                code="source_permission",
            ) from error
        self._stack.callback(self._drop_schema)
        return f"{schema} can be created"

    def _drop_schema(self) -> None:
        with contextlib.suppress(SourceError):
            self._session.execute(
                unless(f"DROP SCHEMA {self._source.dialect.schema(self._source.schema)} RESTRICT", "42893")
            )

    def _with_remedy(self, step: Step) -> Callable[[], str]:
        schema = self._source.dialect.schema(self._source.schema)

        def run() -> str:
            try:
                return step.run()
            except SourceError as error:
                if error.code != "source_permission" or "GRANT " in error.hint:
                    raise
                grant = f"GRANT CREATEIN, DROPIN ON SCHEMA {schema} TO USER {self._user};"
                raise SourceError(
                    error.message, hint=f"An administrator runs: {grant}", code=error.code
                ) from error

        return run
