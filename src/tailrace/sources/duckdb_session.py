"""One conversation with DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tailrace.sources.duckdb_errors import raise_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import pyarrow as pa

    from tailrace.sources.base import Job

BATCH_ROWS = 10_000
_UPLOAD = "tailrace_upload"


class DuckDBSession:
    """Statements on one connection; a stream outside a transaction has a connection of its own."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: str | None, table: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._table = table
        self._in_transaction = False
        self._cancelled = False
        self._streams: list[duckdb.DuckDBPyConnection] = []

    @property
    def job(self) -> Job | None:
        """None: nothing outlives this process."""
        return None

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        with self._ours():
            return max(self._connection.execute(statement).rowcount, 0)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        with self._ours():
            relation = self._connection.sql(statement)
            if relation is None:
                return []
            table = relation.to_arrow_table()
            return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow; inside a transaction, read it to its end before the next statement."""
        import pyarrow as pa

        with self._ours():
            if self._in_transaction:
                connection = self._connection
            else:
                connection = self._connection.cursor()
                self._streams.append(connection)
                if self._catalog:
                    connection.execute(f"USE {self._catalog}")
            reader = connection.sql(statement).to_arrow_reader(BATCH_ROWS)
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader, connection))

    def _batches(
        self, reader: pa.RecordBatchReader, connection: duckdb.DuckDBPyConnection
    ) -> Iterator[pa.RecordBatch]:
        try:
            with self._ours():
                yield from reader
        finally:
            reader.close()
            if connection in self._streams:
                self._streams.remove(connection)
                connection.close()

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table, column by name."""
        if data.num_rows == 0:
            return 0
        with self._ours():
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
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._in_transaction = False
            with contextlib.suppress(Exception):
                self._connection.rollback()
            raise
        self._in_transaction = False
        with self._ours():
            self._connection.commit()

    def cancel(self) -> None:
        """Stop the running statement; may be called from another thread."""
        self._cancelled = True
        for connection in (self._connection, *self._streams):
            connection.interrupt()

    def close(self) -> None:
        """Close the streams that were not read to their end."""
        while self._streams:
            self._streams.pop().close()

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except (duckdb.Error, OSError) as error:
            raise_ours(error, cancelled=self._cancelled)
