"""The connection test of a PostgreSQL source."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.checking import Doubt, Probe, Step, run_steps
from tailrace.sources.postgres.address import reach, try_tls

if TYPE_CHECKING:
    from tailrace.sources.postgres.source import PostgresSource

_OLDEST = 140_000


def check_postgres(source: PostgresSource) -> Iterator[CheckStep]:
    """Address, TLS, login, read, managed schema, and a table in it."""
    with contextlib.ExitStack() as stack:
        yield from run_steps(_Run(source, stack).steps())


class _Run:
    def __init__(self, source: PostgresSource, stack: contextlib.ExitStack) -> None:
        self._source = source
        self._stack = stack
        self._session = stack.enter_context(source.session())
        self._schema = ""

    def steps(self) -> Iterator[Step]:
        yield Step("address", lambda: reach(self._source.settings))
        yield Step("TLS", lambda: try_tls(self._source), ("address",))
        yield Step("login", self._login, ("TLS",))
        yield Step("read", self._read, ("login",))
        yield Step("managed schema", self._managed_schema, ("login",))
        probe = Probe(self._session, self._source.dialect, self._schema)
        self._stack.callback(probe.clean)
        for step in probe.steps("managed schema"):
            yield Step(step.name, self._with_remedy(step), step.needs)

    def _login(self) -> str:
        ((user, database, version, number),) = self._session.rows(
            "SELECT current_user, current_database(), current_setting('server_version'), "
            "current_setting('server_version_num')::int"
        )
        if int(number) < _OLDEST:
            raise SourceError(
                f"the server is PostgreSQL {version}; at least 14 is needed",
                hint="Upgrade the server.",
                code="source_too_old",
            )
        return f"{user} on {database}, PostgreSQL {version}"

    def _read(self) -> str:
        literal = self._source.dialect.literal
        found = self._session.rows(
            "SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE'), "
            "has_table_privilege(c.oid, 'SELECT') FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
            "AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' "
            f"AND lower(n.nspname) <> lower({literal(self._source.managed_schema)}) "
            "ORDER BY c.relkind, 1, 2 LIMIT 10000"
        )
        self._session.read("SELECT 1 AS one").read_all()
        usable = [row for row in found if row[2] and row[3]]
        if usable:
            schema, table = usable[0][:2]
            self._session.read(
                f"SELECT * FROM {self._source.dialect.table(schema, table)} LIMIT 1"
            ).read_all()
            return f"{len(usable)} of {len(found)} tables and views may be read"
        if not found:
            raise Doubt("queries work, but the database has no tables yet", "Create what your models read.")
        closed = sorted({str(row[0]) for row in found if not row[2]})
        quote = self._source.dialect.quote
        user = quote(self._source.settings.username)
        schema = str(found[0][0])
        grant = (
            f"GRANT USAGE ON SCHEMA {quote(closed[0])} TO {user}"
            if closed
            else f"GRANT SELECT ON ALL TABLES IN SCHEMA {quote(schema)} TO {user}"
        )
        lacking = f"USAGE on the schema {closed[0]}" if closed else f"SELECT on the tables in {schema}"
        raise SourceError(
            f"none of the database's {len(found)} tables and views may be read: this user lacks {lacking}",
            hint=f"An administrator runs: {grant}; (`tailrace grants` prints all that is needed)",
            code="source_permission",
        )

    def _managed_schema(self) -> str:
        dialect, quote = self._source.dialect, self._source.dialect.quote
        self._schema = self._source.schema
        if self._schema in {str(name) for (name,) in self._session.rows(dialect.list_schemas())}:
            return f"{self._schema} exists"
        try:
            self._session.execute(dialect.create_schema(self._schema))
        except SourceError as error:
            user, database = quote(self._source.settings.username), quote(self._source.settings.database)
            raise SourceError(
                f"the managed schema {self._schema} does not exist and cannot be created: {error.message}",
                hint=f"An administrator runs: CREATE SCHEMA {quote(self._schema)}; "
                f"GRANT USAGE, CREATE ON SCHEMA {quote(self._schema)} TO {user}; "
                f"or: GRANT CREATE ON DATABASE {database} TO {user};",
                code="source_permission",
            ) from error
        self._stack.callback(self._drop_schema)
        return f"{self._schema} can be created"

    def _drop_schema(self) -> None:
        with contextlib.suppress(SourceError):
            self._session.execute(f"DROP SCHEMA {self._source.dialect.quote(self._schema)}")

    def _with_remedy(self, step: Step) -> Any:
        quote = self._source.dialect.quote

        def run() -> str:
            try:
                return step.run()
            except SourceError as error:
                if error.code != "source_permission":
                    raise
                grant = f"GRANT USAGE, CREATE ON SCHEMA {quote(self._schema)}"
                raise SourceError(
                    error.message,
                    hint=f"An administrator runs: {grant} TO {quote(self._source.settings.username)};",
                    code=error.code,
                ) from error

        return run
