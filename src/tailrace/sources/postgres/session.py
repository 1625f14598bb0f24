"""One conversation with PostgreSQL: statements by psycopg, streams of Arrow by ADBC.

Statements, transactions and uploads share one psycopg connection, so that an upload is atomic with the
statements around it. A stream that is read outside a transaction comes over an ADBC connection of its own
(twice as fast as parsing COPY's text), so that statements can run meanwhile; inside a transaction it comes
through a server-side cursor of that transaction and sees what the transaction wrote.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError
from tailrace.sources.base import Job
from tailrace.sources.deadline import deadline, timeout_error
from tailrace.sources.postgres.copy import csv_blocks, table_columns
from tailrace.sources.postgres.cursor import cursor_batches, cursor_schema
from tailrace.sources.postgres.dialect import PostgresDialect
from tailrace.sources.postgres.errors import connect_error, model_error, ours
from tailrace.sources.postgres.settings import Connection

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

_PINNED = {
    "default_transaction_isolation": "read committed",
    "client_min_messages": "error",
    "idle_in_transaction_session_timeout": "60000",
}
STREAM_BYTES = 4 * 1024 * 1024
CURSOR_ROWS = 5_000
_SET = re.compile(r"SET (?P<name>\w+) = '?(?P<value>[^']*)'?")


def pin_settings(timeout: float | None, *, read_only: bool = False) -> str:
    """One statement that makes a session's settings ours, so that nobody's defaults change a value's text."""
    pinned = _PINNED | {"statement_timeout": str(round((timeout or 0) * 1000))}
    if read_only:
        pinned["default_transaction_read_only"] = "on"
    for statement in PostgresDialect.session_settings:
        if match := _SET.fullmatch(statement):
            pinned[match["name"]] = match["value"]
    calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in pinned.items())
    return f"SELECT {calls}"


def connect(connection: Connection, timeout: float | None) -> psycopg.Connection[Any]:
    """A psycopg connection with pinned settings, in autocommit. Raises SourceError."""
    import psycopg

    try:
        opened = psycopg.connect(**connection.parameters, autocommit=True, prepare_threshold=None)  # pyright: ignore[reportArgumentType]
    except psycopg.Error as error:
        raise connect_error(error, connection) from error
    try:
        opened.execute(pin_settings(timeout).encode())
    except psycopg.Error as error:
        opened.close()
        raise ours(error, timeout=timeout) from error
    except BaseException:
        opened.close()
        raise
    return opened


class PostgresSession:
    """Connects at the first statement; `close` ends its connections."""

    def __init__(self, connection: Connection, schema: Callable[[], str], timeout: float | None) -> None:
        self._parameters = connection
        self._schema = schema
        self._timeout = timeout
        self._psycopg: psycopg.Connection[Any] | None = None
        self._adbc: Any = None
        self._streams: list[Any] = []
        self._in_transaction = False
        self._cancelled = False
        self._guard = threading.Lock()

    @property
    def job(self) -> Job | None:
        """The backend's process id and start, which together name it for ever."""
        row = self.rows(
            "SELECT pid, to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS.US') FROM pg_stat_activity "
            "WHERE pid = pg_backend_pid()"
        )[0]
        return Job(str(row[0]), {"backend_start": str(row[1])})

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        with self._ours():
            return max(self._connected().execute(statement.encode()).rowcount, 0)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        with self._ours():
            cursor = self._connected().execute(statement.encode())
            return cursor.fetchall() if cursor.description is not None else []

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow; inside a transaction, read it to its end before the next statement."""
        import pyarrow as pa

        if self._in_transaction:
            with self._ours():
                cursor = self._connected().cursor(name="tailrace_read")
                cursor.itersize = CURSOR_ROWS
                cursor.execute(statement.encode())
                schema = cursor_schema(cursor)
            return pa.RecordBatchReader.from_batches(
                schema, self._guarded(cursor_batches(cursor, schema, CURSOR_ROWS))
            )
        with self._ours():
            cursor = self._streaming().cursor()
            self._streams.append(cursor)
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(STREAM_BYTES)})
            with deadline(self._timeout, cursor.adbc_cancel) as passed:
                try:
                    cursor.execute(statement)
                    reader = cursor.fetch_record_batch()
                    first = next(reader, None)
                except Exception as error:
                    if passed.is_set():
                        raise timeout_error(self._timeout or 0) from error
                    raise
        stream = self._guarded(self._stream(first, reader, cursor))
        return pa.RecordBatchReader.from_batches(reader.schema, stream)

    def columns(self, subquery: str) -> list[tuple[str, str]]:
        """Names and types of a query's columns, without running it. Raises ModelError if it is none."""
        import psycopg

        with self._ours(), self.transaction():
            connection = self._connected()
            try:
                connection.execute(b"SET TRANSACTION READ ONLY")
                found = connection.execute(f"SELECT * FROM {subquery} LIMIT 0".encode()).pgresult
            except psycopg.Error as error:
                if mistake := model_error(error):
                    raise mistake from error
                raise
            assert found is not None
            names = [(found.fname(i) or b"").decode() for i in range(found.nfields)]
            types = [(found.ftype(i), found.fmod(i)) for i in range(found.nfields)]
            natives = connection.execute(
                "SELECT CASE p.typtype WHEN 'e' THEN 'enum ' WHEN 'c' THEN 'composite ' ELSE '' END"
                " || format_type(t, m) FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS x(t, m, n)"
                " JOIN pg_type AS p ON p.oid = t ORDER BY n",
                ([t for t, _ in types], [m for _, m in types]),
            ).fetchall()
            return [(name, native) for name, (native,) in zip(names, natives, strict=True)]

    def _stream(
        self, first: pa.RecordBatch | None, reader: pa.RecordBatchReader, cursor: Any
    ) -> Iterator[pa.RecordBatch]:
        try:
            while first is not None:
                yield first
                first = next(reader, None)
        finally:
            self._end(cursor, ended=first is None)

    def _end(self, cursor: Any, *, ended: bool) -> None:
        """End a stream; the server must stop one that is left early, or closing would read it to its end."""
        if cursor not in self._streams:
            return
        self._streams.remove(cursor)
        with contextlib.suppress(Exception):
            if not ended:
                cursor.adbc_cancel()
            cursor.close()

    def _guarded(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with self._ours():
            yield from batches

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table by COPY, column by name."""
        import psycopg.sql as sql

        if data.num_rows == 0:
            return 0
        with self._ours():
            connection = self._connected()
            target = sql.Identifier(self._schema(), table)
            names = table_columns(connection, self._schema(), table, data.column_names)
            statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT csv)").format(
                target, sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with connection.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    for block in csv_blocks(
                        data, connection.info.parameter_status("server_encoding") or "UTF8"
                    ):
                        copy.write(block)
                return cursor.rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible at once, or not at all."""
        import psycopg

        if self._in_transaction:
            raise SourceError("a transaction is already open in this session")
        with self._ours():
            connection = self._connected()
            connection.execute(b"BEGIN")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._in_transaction = False
            with contextlib.suppress(Exception):
                connection.execute(b"ROLLBACK")
            raise
        self._in_transaction = False
        with self._ours():
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                connection.execute(b"ROLLBACK")
                raise SourceError("a statement of the transaction failed, so nothing of it was kept")
            connection.execute(b"COMMIT")

    def cancel(self) -> None:
        """Stop the running statement; may be called from another thread."""
        import psycopg

        with self._guard:
            self._cancelled = True
            if self._psycopg is not None and not self._psycopg.closed:
                with contextlib.suppress(psycopg.Error):
                    self._psycopg.cancel_safe(timeout=10)
            for cursor in list(self._streams):
                with contextlib.suppress(Exception):
                    cursor.adbc_cancel()

    def close(self) -> None:
        """End the connections; whatever was not committed is undone."""
        with self._guard:
            for cursor in list(self._streams):
                self._end(cursor, ended=False)
            if self._adbc is not None:
                with contextlib.suppress(Exception):
                    self._adbc.close()
            if self._psycopg is not None:
                self._psycopg.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._psycopg is None:
            self._psycopg = connect(self._parameters, self._timeout)
        return self._psycopg

    def _streaming(self) -> Any:
        if self._adbc is None:
            import adbc_driver_postgresql.dbapi as adbc

            try:
                opened = adbc.connect(self._parameters.uri(), autocommit=True)
            except adbc.Error as error:
                raise connect_error(error, self._parameters) from error
            try:
                with opened.cursor() as cursor:
                    cursor.execute(pin_settings(None, read_only=True))
                    cursor.fetchall()
            except BaseException:
                opened.close()
                raise
            self._adbc = opened
        return self._adbc

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        import adbc_driver_manager
        import psycopg
        import pyarrow as pa

        try:
            yield
        except (psycopg.Error, adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            raise ours(error, cancelled=self._cancelled, timeout=self._timeout) from error
