"""One conversation with a pool: statements on one connection, streams of Arrow on others.

The driver is in autocommit, and transactions are statements of ours: the driver's own would begin one before each
first statement, in which a pool makes no table (error 111212). A pool has no MARS, so a stream that is read while
statements run needs a connection of its own; inside a transaction, and of stages, it comes over the first.
What nothing happened to is given back for the next session, so that a sync logs in once or twice.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError, SourceUnavailable, TailraceError
from tailrace.sources.azure.connection import Connections
from tailrace.sources.azure.dialect import AzureDialect
from tailrace.sources.azure.errors import driver_errors, is_lost, model_error, ours
from tailrace.sources.azure.read import batches, schema_of, stop
from tailrace.sources.azure.types import described
from tailrace.sources.azure.upload import check_names, inserts
from tailrace.sources.base import Job

if TYPE_CHECKING:
    import pyarrow as pa

LABEL = "tailrace"
SESSIONS = "SELECT session_id, CONVERT(NVARCHAR(30), login_time, 126) AS since FROM sys.dm_pdw_exec_sessions"
_LABELLED = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|CREATE\s+TABLE\b.*?\)\s+AS\n)\b", re.I | re.S)
_UNSURE = ("source_timeout", "source_cancelled")
_OF_STAGE = re.compile(r"(?<![\w'])\[?#\w")


def labelled(statement: str) -> str:
    """A statement with our label, by which an administrator finds it in sys.dm_pdw_exec_requests."""
    if _LABELLED.match(statement):
        return f"{statement.rstrip()}\nOPTION (LABEL = N'{LABEL}')"
    return statement


class AzureSession:
    """Connects at the first statement; `close` ends its connections, or gives them back."""

    def __init__(self, connections: Connections, schema: Callable[[], str], timeout: float | None) -> None:
        self._connections = connections
        self._schema = schema
        self._timeout = timeout
        self._dialect = AzureDialect()
        self._main: Any = None
        self._idle: list[Any] = []
        self._running: set[Any] = set()
        self._streams: dict[Any, Any] = {}
        self._in_transaction = False
        self._failed = False
        self._clean = True
        self._given_up = threading.Event()
        self._guard = threading.Lock()

    @property
    def job(self) -> Job | None:
        """The session's id and when it began, which together name it for ever; None without the right to see it."""
        try:
            ((number, since),) = self.rows(f"{SESSIONS} WHERE session_id = SESSION_ID()")
        except SourceUnavailable:
            raise
        except SourceError:
            return None
        return Job(str(number), {"since": str(since)})

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        with self._running_on_main(statement) as cursor:
            touched = cursor.rowcount
            while cursor.nextset():
                touched = max(touched, cursor.rowcount)
            return max(touched, 0)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        with self._running_on_main(statement) as cursor:
            if not cursor.description:
                return []
            # fetchall() first makes room for a thousand rows as wide as can be, which takes longer than the query
            return [tuple(row) for row in iter(cursor.fetchone, None)]

    def columns(self, query: str) -> list[tuple[str, str]]:
        """Names and native types of a query's columns. Raises ModelError if it is none."""
        try:
            with self._running_on_main(query) as cursor:
                codes = getattr(cursor, "_column_sql_types", None) or []
                return described(cursor.description or [], codes)
        except SourceError as error:
            if error.__cause__ is not None and (mistake := model_error(error.__cause__)):
                raise mistake from error.__cause__
            raise

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow; of a stage or inside a transaction, read it before the next statement."""
        import pyarrow as pa

        shared = self._in_transaction or bool(_OF_STAGE.search(statement))
        with self._ours(main=shared):
            connection = self._connected() if shared else self._streaming()
        cursor = None
        try:
            with self._ours(main=shared):
                cursor = connection.cursor()
                with self._guard:
                    self._running.add(cursor)
                    self._streams[cursor] = None if shared else connection
                cursor.execute(labelled(statement))
                schema = schema_of(cursor)
        except BaseException:
            self._end(connection, cursor, shared=shared, whole=False)
            raise
        stream = self._stream(connection, cursor, schema, shared=shared)
        return pa.RecordBatchReader.from_batches(schema, stream)

    def _stream(
        self, connection: Any, cursor: Any, schema: pa.Schema, *, shared: bool
    ) -> Iterator[pa.RecordBatch]:
        whole = False
        try:
            with self._ours(main=shared):
                yield from batches(cursor, schema)
            whole = True
        finally:
            self._end(connection, cursor, shared=shared, whole=whole)

    def _end(self, connection: Any, cursor: Any, *, shared: bool, whole: bool) -> None:
        """End a stream; one that is left early is stopped, or closing would read it to its end."""
        with self._guard:
            self._running.discard(cursor)
            self._streams.pop(cursor, None)
        with contextlib.suppress(Exception):
            if cursor is not None:
                if not whole:
                    stop(cursor)
                cursor.close()
        if shared:
            return
        if whole:
            self._idle.append(connection)
        else:
            with contextlib.suppress(Exception):
                connection.close()

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table, column by name, all or none."""
        if data.num_rows == 0:
            return 0
        schema = self._schema()
        natives = {
            str(name): str(kind) for name, kind in self.rows(self._dialect.table_columns(schema, table))
        }
        name = self._dialect.table(schema, table)
        check_names(name, natives, data)
        with contextlib.nullcontext() if self._in_transaction else self.transaction():
            return sum(self.execute(statement) for statement in inserts(name, natives, data))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible at once, or not at all."""
        if self._in_transaction:
            raise SourceError("a transaction is already open in this session")
        try:
            self.execute("BEGIN TRANSACTION")
        except BaseException:
            self._forget()  # it may have begun all the same, and what came next would be part of it
            raise
        self._in_transaction, self._failed = True, False
        try:
            yield
        except BaseException:
            self._rollback()
            raise
        if self._failed:
            self._rollback()
            raise SourceError("a statement of the transaction failed, so nothing of it was kept")
        try:
            self.execute("COMMIT TRANSACTION")
        except SourceError as error:
            self._rollback()
            if error.code not in _UNSURE:
                raise
            raise SourceUnavailable(
                f"nobody knows whether a transaction was committed: {error.message}", hint=error.hint
            ) from error
        except BaseException:
            self._rollback()
            raise
        self._in_transaction = False

    def _rollback(self) -> None:
        """A failed statement leaves the transaction in state -2, in which only a rollback is possible."""
        with contextlib.suppress(TailraceError):
            if self._main is not None:
                self.execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
        if self._failed:
            self._forget()
        self._in_transaction = False

    def cancel(self) -> None:
        """Stop what runs; may be called from another thread, and does not wait."""
        with self._guard:
            self._given_up.set()
            running = list(self._running)
        for cursor in running:
            stop(cursor)

    def close(self) -> None:
        """End the connections, or give them back; whatever was not committed is undone."""
        with self._guard:
            running = list(self._running)
        for cursor in running:
            stop(cursor)
        reusable = self._clean and not self._in_transaction and not self._given_up.is_set()
        for connection in (self._main, *self._idle):
            if connection is not None:
                with contextlib.suppress(Exception):
                    self._connections.give_back(connection) if reusable else connection.close()
        for connection in self._streams.values():
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
        self._streams, self._idle, self._main = {}, [], None

    # -- connections

    @contextlib.contextmanager
    def _running_on_main(self, statement: str) -> Iterator[Any]:
        with self._ours():
            cursor = self._connected().cursor()
            if "#" in statement and _OF_STAGE.search(statement):
                self._clean = False  # its stages go with the connection
            with self._guard:
                self._running.add(cursor)
            try:
                cursor.execute(labelled(statement))
                yield cursor
            finally:
                with self._guard:
                    self._running.discard(cursor)
                with contextlib.suppress(Exception):
                    cursor.close()

    def _connected(self) -> Any:
        if self._main is None:
            if self._in_transaction:
                raise SourceUnavailable(
                    "the connection was lost inside a transaction",
                    hint="Nothing of it was kept. Run it again.",
                )
            self._main = self._connections.take(self._given_up)
        return self._main

    def _streaming(self) -> Any:
        return self._idle.pop() if self._idle else self._connections.take(self._given_up)

    def _forget(self) -> None:
        main, self._main = self._main, None
        if main is not None:
            with contextlib.suppress(Exception):
                main.close()

    @contextlib.contextmanager
    def _ours(self, *, main: bool = True) -> Iterator[None]:
        """Errors in our words; `main` says whether they befall the connection of the statements."""
        try:
            yield
        except driver_errors() as error:
            self._clean = False
            self._failed = self._failed or main
            if main and is_lost(error):
                self._forget()
            raise ours(error, cancelled=self._given_up.is_set(), timeout=self._timeout) from error
        except BaseException:
            self._clean = False
            raise


__all__ = ["LABEL", "SESSIONS", "AzureSession", "labelled"]
