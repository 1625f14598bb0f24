"""The connection test of a DuckDB source."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.checking import Probe, Step, run_steps

if TYPE_CHECKING:
    from tailrace.sources.duckdb.session import DuckDBSession
    from tailrace.sources.duckdb.source import DuckDBSource


def check_duckdb(source: DuckDBSource) -> Iterator[CheckStep]:
    """File, state file, read, managed schema, and a table in it; both files are open only while it runs."""
    with contextlib.ExitStack() as stack:
        run = _Run(source, stack)
        yield from run_steps(run.steps())


class _Run:
    def __init__(self, source: DuckDBSource, stack: contextlib.ExitStack) -> None:
        self._source = source
        self._stack = stack
        self._session: DuckDBSession | None = None

    def steps(self) -> Iterator[Step]:
        yield Step("file", self._file)
        yield Step("state file", self._state_file)
        yield Step("read", self._read, ("file", "state file"))
        yield Step("managed schema", self._schema, ("state file",))
        if self._session is not None:
            probe = Probe(self._session, self._source.dialect, self._source.schema)
            self._stack.callback(probe.clean)
            yield from probe.steps("managed schema")
        else:
            yield from (Step(name, str, ("state file",)) for name in Probe.NAMES)

    def _file(self) -> str:
        path = self._source.files.data
        if not path.exists():
            raise SourceError(
                f"the DuckDB file {path} does not exist",
                hint="Check the source's `path`; Tailrace never creates it.",
                code="source_missing",
            )
        if not path.is_file() or not os.access(path, os.R_OK):
            raise SourceError(
                f"{path} is not a file that this user may read",
                hint="Check the path and the file's permissions.",
                code="source_permission",
            )
        return str(path)

    def _state_file(self) -> str:
        path = self._source.files.state
        exists = path.exists()
        self._session = self._stack.enter_context(self._source.session())
        return f"{path}, {'opened for writing' if exists else 'can be created'}"

    def _read(self) -> str:
        with self._source.session(model=True) as session:
            (tables,) = session.rows(
                "SELECT count(*) FROM information_schema.tables WHERE table_catalog = "
                + self._source.dialect.literal(self._source.files.data_catalog)
            )[0]
            return f"opened read-only; tables and views: {tables}"

    def _schema(self) -> str:
        assert self._session is not None
        session, dialect, schema = self._session, self._source.dialect, self._source.schema
        if schema.lower() in {str(name).lower() for (name,) in session.rows(dialect.list_schemas())}:
            return f"{schema} exists"
        session.execute(dialect.create_schema(schema))
        self._stack.callback(self._drop_schema)
        return f"{schema} can be created"

    def _drop_schema(self) -> None:
        assert self._session is not None
        quote = self._source.dialect.quote
        with contextlib.suppress(SourceError):
            self._session.execute(
                f"DROP SCHEMA {quote(self._source.dialect.catalog)}.{quote(self._source.schema)}"
            )
