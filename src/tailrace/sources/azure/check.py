"""The connection test of a dedicated SQL pool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.sources.azure.syntax import bracketed
from tailrace.sources.azure.tls import connected, handshake
from tailrace.sources.base import CheckStep
from tailrace.sources.checking import Doubt, Probe, Step, run_steps

if TYPE_CHECKING:
    from tailrace.sources.azure.source import AzureSource


def check_azure(source: AzureSource) -> Iterator[CheckStep]:
    """Address, TLS, login, read, isolation, managed schema, and a table in it."""
    with contextlib.ExitStack() as stack:
        yield from run_steps(_Run(source, stack).steps())


class _Run:
    def __init__(self, source: AzureSource, stack: contextlib.ExitStack) -> None:
        self._source = source
        self._stack = stack
        self._session = stack.enter_context(source.session())
        self._schema = ""

    def steps(self) -> Iterator[Step]:
        yield Step("address", self._address)
        yield Step("TLS", self._tls, ("address",))
        yield Step("login", self._login, ("TLS",))
        yield Step("read", self._read, ("login",))
        yield Step("isolation", self._isolation, ("login",))
        yield Step("managed schema", self._managed_schema, ("login",))
        probe = Probe(self._session, self._source.dialect, self._schema)
        self._stack.callback(probe.clean)
        for step in probe.steps("managed schema"):
            yield Step(step.name, self._with_remedy(step), step.needs)

    def _address(self) -> str:
        settings = self._source.settings
        with connected(settings) as opened:
            address = opened.getpeername()[0]
        shown = settings.hostname if address == settings.hostname else f"{settings.hostname} ({address})"
        return f"{shown}, port {settings.port} answers"

    def _tls(self) -> str:
        settings = self._source.settings
        found = handshake(settings, self._source.connections.private_authority, verify=settings.verified)
        if settings.verified:
            return f"{found.version}, certificate and host name verified"
        return f"{found.version}, not verified: the server is on this machine"

    def _login(self) -> str:
        self._source.connections.open(patient=False).close()
        ((user, database, version),) = self._session.rows(
            "SELECT USER_NAME() AS u, DB_NAME() AS d, @@VERSION AS v"
        )
        first = " ".join(str(version).split(" - ")[0].split())
        return f"{user} on {database}, {first}, a dedicated SQL pool"

    def _read(self) -> str:
        literal = self._source.dialect.literal
        found = self._session.rows(
            "SELECT TOP (10000) s.name AS s, o.name AS o FROM sys.objects AS o"
            " JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V')"
            f" AND s.name NOT IN (N'sys', N'INFORMATION_SCHEMA', {literal(self._source.managed_schema)})"
            " ORDER BY o.type, s.name, o.name"
        )
        self._session.read("SELECT 1 AS one").read_all()
        if not found:
            raise Doubt(
                "queries work, but no table can be seen: the pool is empty, or this user may read none",
                "An administrator runs, in the pool: EXEC sp_addrolemember 'db_datareader', "
                f"{literal(self._source.settings.user)};",
            )
        schema, table = (str(part) for part in found[0])
        try:
            self._session.read(
                f"SELECT TOP (1) * FROM {self._source.dialect.table(schema, table)}"
            ).read_all()
        except SourceError as error:
            if error.code != "source_permission":
                raise
            grant = f"GRANT SELECT ON SCHEMA::{bracketed(schema)} TO {self._user};"
            raise SourceError(
                error.message, hint=f"An administrator runs, in the pool: {grant}", code=error.code
            ) from error
        return f"tables and views that can be seen: {len(found)}; {schema}.{table} was read"

    def _isolation(self) -> str:
        if self._source.reads_dirty(self._session):
            raise Doubt(
                "READ_COMMITTED_SNAPSHOT is off: a model may see rows that another session has not committed; "
                "deletes are therefore looked at twice before they are planned",
                f"An administrator runs, in master: ALTER DATABASE {bracketed(self._source.settings.database)} "
                "SET READ_COMMITTED_SNAPSHOT ON;",
            )
        return "models read what is committed (READ_COMMITTED_SNAPSHOT is on)"

    def _managed_schema(self) -> str:
        dialect = self._source.dialect
        self._schema = self._source.schema
        if self._schema in {str(name) for (name,) in self._session.rows(dialect.list_schemas())}:
            return f"{self._schema} exists"
        try:
            self._session.execute(dialect.create_schema(self._schema))
        except SourceError as error:
            if error.code != "source_permission":
                raise
            database = bracketed(self._source.settings.database)
            raise SourceError(
                f"the managed schema {self._schema} does not exist and cannot be created: {error.message}",
                hint=f"An administrator runs, in the pool: GRANT CREATE SCHEMA ON DATABASE::{database} "
                f"TO {self._user};",
                code="source_permission",
            ) from error
        self._stack.callback(self._drop_schema)
        return f"{self._schema} can be created"

    def _drop_schema(self) -> None:
        with contextlib.suppress(SourceError):
            self._session.execute(f"DROP SCHEMA {bracketed(self._schema)}")

    @property
    def _user(self) -> str:
        return bracketed(self._source.settings.user)

    def _with_remedy(self, step: Step) -> Any:
        def run() -> str:
            try:
                return step.run()
            except SourceError as error:
                if error.code != "source_permission":
                    raise
                raise SourceError(
                    error.message,
                    hint=f"An administrator runs, in the pool: {self._grant(error)}",
                    code=error.code,
                ) from error

        return run

    def _grant(self, error: SourceError) -> str:
        if "CREATE TABLE" in error.message:
            return f"GRANT CREATE TABLE ON DATABASE::{bracketed(self._source.settings.database)} TO {self._user};"
        return f"GRANT CONTROL ON SCHEMA::{bracketed(self._schema)} TO {self._user};"
