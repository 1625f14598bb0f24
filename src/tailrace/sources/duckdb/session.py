"""One conversation with DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError, TailraceError
from tailrace.sources.deadline import deadline, timeout_error
from tailrace.sources.duckdb.errors import is_users_mistake, model_error, raise_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import pyarrow as pa

    from tailrace.sources.base import Job

BATCH_ROWS = 10_000
_UPLOAD = "tailrace_upload"


@dataclass(slots=True, eq=False)
class _Stream:
    connection: duckdb.DuckDBPyConnection
    reader: pa.RecordBatchReader | None = None


class DuckDBSession:
    """Statements on one connection; a stream outside a transaction has a connection of its own."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: str | None,
        table: Callable[[str], str],
        timeout: float | None,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._table = table
        self._timeout = timeout
        self._in_transaction = False
        self._failed = False
        """A statement of the transaction failed: DuckDB's commit would then undo it without a word."""
        self._cancelled = False
        self._streams: list[_Stream] = []

    @property
    def job(self) -> Job | None:
        """None: nothing outlives this process."""
        return None

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        with self._within(self._connection):
            return max(self._connection.execute(statement).rowcount, 0)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        with self._within(self._connection):
            relation = self._connection.sql(statement)
            if relation is None:
                return []
            table = relation.to_arrow_table()
            return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def columns(self, statement: str, subquery: str) -> list[tuple[str, str]]:
        """Names and types of a query's columns, without running it. Raises ModelError if it is none."""
        import duckdb

        with self._ours():
            try:
                self._connection.sql(f"DESCRIBE SELECT * FROM {subquery}").fetchall()
                found = self._connection.sql(statement)
            except duckdb.Error as error:
                if is_users_mistake(error):
                    raise model_error(error) from error
                raise
            return list(zip(found.columns, map(str, found.types), strict=True))

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow; inside a transaction, read it to its end before the next statement."""
        import pyarrow as pa

        stream = _Stream(self._connection if self._in_transaction else self._connection.cursor())
        self._streams.append(stream)
        try:
            with self._within(stream.connection):
                if self._catalog and stream.connection is not self._connection:
                    stream.connection.execute(f"USE {self._catalog}")
                reader = stream.connection.sql(statement).to_arrow_reader(BATCH_ROWS)
                stream.reader = reader
                schema, first = reader.schema, next(reader, None)
        except BaseException:
            self._end(stream)
            raise
        return pa.RecordBatchReader.from_batches(schema, self._batches(first, stream))

    def _batches(self, first: pa.RecordBatch | None, stream: _Stream) -> Iterator[pa.RecordBatch]:
        try:
            with self._ours():
                while first is not None:
                    yield first
                    first = next(stream.reader, None) if stream.reader else None
        finally:
            self._end(stream)

    def _end(self, stream: _Stream) -> None:
        """End a stream; one that is left open would keep the files open."""
        if stream in self._streams:
            self._streams.remove(stream)
        if stream.reader is not None:
            stream.reader.close()
            stream.reader = None
        if stream.connection is not self._connection:
            stream.connection.close()

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table, column by name."""
        if data.num_rows == 0:
            return 0
        with self._within(self._connection):
            self._connection.register(_UPLOAD, data)
            try:
                self._connection.execute(f"INSERT INTO {self._table(table)} BY NAME SELECT * FROM {_UPLOAD}")
            finally:
                self._connection.unregister(_UPLOAD)
        return data.num_rows

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible at once, or not at all."""
        with self._ours():
            self._connection.begin()
        self._in_transaction, self._failed = True, False
        try:
            yield
        except BaseException:
            self._in_transaction = False
            with contextlib.suppress(Exception):
                self._connection.rollback()
            raise
        self._in_transaction = False
        with self._ours():
            if self._failed:
                self._connection.rollback()
                raise SourceError("a statement of the transaction failed, so nothing of it was kept")
            self._connection.commit()

    def cancel(self) -> None:
        """Stop the running statement; may be called from another thread."""
        import duckdb

        self._cancelled = True
        for connection in (self._connection, *(stream.connection for stream in list(self._streams))):
            with contextlib.suppress(duckdb.Error):
                connection.interrupt()

    def close(self) -> None:
        """Close the streams that were not read to their end."""
        for stream in list(self._streams):
            self._end(stream)

    @contextlib.contextmanager
    def _within(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        with deadline(self._timeout, connection.interrupt) as passed:
            try:
                with self._ours():
                    yield
            except TailraceError as error:
                self._failed = self._failed or connection is self._connection
                if passed.is_set() and error.code == "source_cancelled":
                    raise timeout_error(self._timeout or 0) from error
                raise

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        import duckdb
        import pyarrow as pa

        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise_ours(error, cancelled=self._cancelled)
