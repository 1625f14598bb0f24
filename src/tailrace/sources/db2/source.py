"""The `db2` source: Db2 for Linux, UNIX and Windows, with Tailrace's state in a schema of the same database."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailrace.errors import TailraceError
from tailrace.sources.base import CheckStep, Column, Job, Kind, Limits
from tailrace.sources.db2.check import check_db2
from tailrace.sources.db2.dialect import Db2Dialect
from tailrace.sources.db2.errors import ours
from tailrace.sources.db2.grants import db2_grants, db2_table_grants
from tailrace.sources.db2.models import DB2, db2_statement, split
from tailrace.sources.db2.names import swapped
from tailrace.sources.db2.pool import Pool
from tailrace.sources.db2.process import Child, DriverError, connect
from tailrace.sources.db2.samples import SAMPLES
from tailrace.sources.db2.session import Db2Session
from tailrace.sources.db2.settings import Db2Connection, Db2Settings, connection_of
from tailrace.sources.db2.texts import settled
from tailrace.sources.db2.types import LONGEST, kind_of, native_of
from tailrace.sources.model import check_model, preview_query
from tailrace.sources.settings import read_settings

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_SCHEMA = "SEGMENT_REVERSE_ETL"
_SUFFIXES = {"_json": Kind.JSON, "_array": Kind.ARRAY}
_FULL_JOIN = (
    "WITH a AS (SELECT 'x' AS x FROM SYSIBM.SYSDUMMY1)"
    " SELECT COUNT(*) OVER (PARTITION BY HASH(l.x, 2)) AS n, ROW_NUMBER() OVER (ORDER BY HASH(l.x, 2)) AS m"
    " FROM a AS l FULL JOIN a AS r ON l.x = r.x AND HASH(l.x, 2) = HASH(r.x, 2)"
)

_WRONG_SQL, _NO_RIGHT = "42", "425"


class Db2Source:
    """A Db2 database, which also remembers what was delivered, in a schema of its own.

    Constructing it connects nowhere; raises ConfigError for wrong settings.
    """

    type = "db2"
    samples = SAMPLES
    limits = Limits(
        identifier_bytes=128, value_bytes=LONGEST - 4, query_words=("SELECT", "WITH", "VALUES"), scan=DB2
    )
    settings_model = Db2Settings

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        schema: str | None = None,
        remember: Literal["values", "checksum"] = "values",
        commit_interval: float | None = None,
        statement_timeout: float | None = None,
        folder: Path = Path(),
    ) -> None:
        self.name = name
        self.settings = read_settings(Db2Settings, name, settings)
        self.schema = schema or DEFAULT_SCHEMA
        self.remember: Literal["values", "checksum"] = remember
        self.commit_interval = 600.0 if commit_interval is None else commit_interval
        self.statement_timeout = statement_timeout
        self.connection = connection = connection_of(self.settings, folder)
        pool = Pool(lambda: open_connection(connection))  # which must not keep this source alive
        self.dialect = Db2Dialect(lambda: _joins_fully(pool))
        self._pool = pool
        weakref.finalize(self, pool.close)

    @contextlib.contextmanager
    def session(self, *, model: bool = False) -> Iterator[Db2Session]:
        """A conversation that connects at its first statement. `model` makes no difference here."""
        session = Db2Session(self._pool, self.dialect, lambda: self.schema, self.statement_timeout)
        try:
            yield session
        finally:
            session.close()

    def describe(self, sql: str) -> list[Column]:
        """The columns of a model's statement, found without running it. Raises ModelError."""
        statement = db2_statement(sql, self.limits)
        leading, rows = self.dialect.leading(statement), self.dialect.subquery(statement, "model")
        with self.session(model=True) as session:
            fields = session.describe(leading + split(statement).query)
            described = [(swapped(field.name), native_of(field)) for field in fields]
            columns = [Column(name, kind_of(native), native) for name, native in described]
            if len({column.name for column in columns}) == len(
                columns
            ):  # else the caller tells what is wrong
                session.describe(f"{leading}SELECT * FROM {rows}")
                columns = settled(session, self.dialect, statement, columns)
        return [_by_suffix(column) for column in columns]

    def preview(self, sql: str, limit: int) -> pa.Table:
        """The first records of a model's statement, with values as a sync would read them."""
        columns = self.describe(sql)
        check_model(columns, (), self.limits)
        query = preview_query(self.dialect, db2_statement(sql, self.limits), columns, limit)
        with self.session(model=True) as session:
            return session.read(query).read_all()

    def check(self) -> Iterator[CheckStep]:
        """Test the connection step by step, by doing; steps that need a failed one are skipped."""
        return check_db2(self)

    def grants(self, user: str | None, role: str | None, schemas: Sequence[str]) -> str:
        """The SQL that an administrator of the database runs, runnable as printed."""
        return db2_grants(
            self.dialect, self.settings, self.schema, user or self.settings.username, role, schemas
        )

    def table_grants(self, models: Sequence[str], user: str | None, role: str | None) -> str:
        """One GRANT SELECT for each table that these models select from."""
        return db2_table_grants(self.settings, models, user or self.settings.username, role)

    def cancel(self, job: Job) -> None:
        """Nothing: Db2 itself ends what a client that is gone had running."""


def open_connection(connection: Db2Connection) -> Child:
    """A connection with pinned settings. Raises SourceError."""
    try:
        child = connect(connection)
    except DriverError as error:
        raise ours(error.problem) from error
    try:
        for setting in Db2Dialect.session_settings:
            child.call("execute", setting)
    except DriverError as error:
        child.close()
        raise ours(error.problem) from error
    except BaseException:
        child.close()
        raise
    return child


def _joins_fully(pool: Pool) -> bool:
    """Whether the server can join fully and has window functions: it prepares such a statement, or calls it wrong SQL.

    Raises SourceError for any other refusal, which says nothing of what the server can do.
    """
    child = pool.take()
    try:
        child.call("describe", _FULL_JOIN)
        found = True
    except DriverError as error:
        state = error.problem.state
        if not state.startswith(_WRONG_SQL) or state.startswith(_NO_RIGHT):
            child.close()
            raise ours(error.problem) from error
        found = False
    except TailraceError:
        child.close()
        raise
    pool.give_back(child)
    return found


def _by_suffix(column: Column) -> Column:
    """Db2 has no type for JSON: text in a column whose name ends in `_JSON` or `_ARRAY` is JSON."""
    if column.kind is Kind.TEXT:
        for suffix, kind in _SUFFIXES.items():
            if column.name.lower().endswith(suffix):
                return replace(column, kind=kind)
    return column
