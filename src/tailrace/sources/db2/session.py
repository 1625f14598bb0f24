"""One conversation with Db2, over connections that each live in a process of their own.

Statements, transactions and uploads share one connection. A stream that is read outside a transaction has a
connection of its own, so that statements can run meanwhile; inside one it comes over the transaction's connection
and sees what the transaction wrote.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError, SourceUnavailable, TailraceError
from tailrace.sources.base import Job
from tailrace.sources.db2.dialect import LOCK_TIMEOUT, SHORT, Db2Dialect
from tailrace.sources.db2.errors import model_error, ours
from tailrace.sources.db2.names import FOLDED, swapped
from tailrace.sources.db2.pool import Pool
from tailrace.sources.db2.process import ANSWER, STATEMENT, Child, DriverError
from tailrace.sources.db2.statements import shape, steps
from tailrace.sources.db2.types import native_of
from tailrace.sources.db2.upload import own_spelling, row_pieces
from tailrace.sources.db2.wire import Field
from tailrace.sources.deadline import timeout_error

if TYPE_CHECKING:
    import pyarrow as pa

_OPEN = ("OPERATION", "REASON")
"""Columns of a plan that may hold longer words later than those that it is made with."""

_PRIVATE = ("DECLARE", "SET ")
"""Statements that change a connection for whoever uses it next."""


class Db2Session:
    """Connects at its first statement; `close` gives its connections back or ends them."""

    def __init__(
        self, pool: Pool, dialect: Db2Dialect, schema: Callable[[], str], timeout: float | None
    ) -> None:
        self._pool = pool
        self._dialect = dialect
        self._schema = schema
        self._timeout = timeout
        self._main: Child | None = None
        self._private = False
        self._impatient = False
        self._transaction: Child | None = None
        self._streams: list[Child] = []
        self._guard = threading.Lock()

    @property
    def job(self) -> Job | None:
        """None: Db2 ends what a client that is gone had running (DB2CHECKCLIENTINTERVAL)."""
        return None

    def execute(self, statement: str) -> int:
        """Run one statement, or those that stand together, and give the number of rows that it touched."""
        touched = 0
        for step, tolerated in steps(statement):
            if step.startswith(LOCK_TIMEOUT):
                self._impatient = True
            elif step.lstrip().upper().startswith(_PRIVATE):
                self._private = True
            if wanted := shape(step):
                step = self._create_as(*wanted)
            try:
                touched += max(0, self._call("execute", step))
            except _Refused as error:
                if error.state not in tolerated:
                    raise error.ours from error
        return touched

    def _create_as(self, table: str, query: str) -> str:
        """The statement that makes a table with the columns of a query, as the server describes them."""
        word = f"VARCHAR({SHORT})"
        return self._dialect.create_table(
            table,
            [
                (swapped(field.name), word if field.name in _OPEN else native_of(field))
                for field in self.describe(query)
            ],
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows; times are in UTC, as all times of ours are."""
        try:
            fields, found = self._call("rows", statement)
        except _Refused as error:
            raise error.ours from error
        turns = [_turn(field) for field in fields]
        if not any(turns):
            return found
        return [
            tuple(
                turn(value) if turn and value is not None else value
                for turn, value in zip(turns, row, strict=True)
            )
            for row in found
        ]

    def describe(self, statement: str) -> list[Field]:
        """The columns of a query, which is not run. Raises ModelError if it is none."""
        try:
            return self._call("describe", statement)
        except _Refused as error:
            raise (model_error(error.problem) or error.ours) from error

    def server(self) -> tuple[str, str]:
        """What the server calls itself, and its version."""
        try:
            return self._call("server")
        except _Refused as error:
            raise error.ours from error

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow; inside a transaction, read it to its end before the next stream."""
        import pyarrow as pa

        from tailrace.sources.db2.rows import arrow_schema

        try:
            if self._transaction is not None or self._private:  # only there its rows or its tables are seen
                fields = self._call("open", statement)
                batches = self._batches_here(self._connected())
            else:
                child = self._pool.take()
                with self._guard:
                    self._streams.append(child)
                try:
                    fields = self._ask(child, "open", statement)
                except BaseException:
                    self._end_stream(child, clean=False)
                    raise
                batches = self._batches_there(child)
        except _Refused as error:
            raise error.ours from error
        return pa.RecordBatchReader.from_batches(arrow_schema(fields), batches)

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table by array inserts, column by name; all of them or none."""
        if data.num_rows == 0:
            return 0
        schema = self._schema()
        existing = {str(name) for name, _ in self.rows(self._dialect.table_columns(schema, table))}
        names = own_spelling(table, data.column_names, existing)
        columns = ", ".join(self._dialect.quote(name) for name in names)
        markers = ", ".join("?" * len(names))
        statement = f"INSERT INTO {self._dialect.table(schema, table)} ({columns}) VALUES ({markers})"
        with contextlib.nullcontext() if self._transaction is not None else self.transaction():
            total = 0
            for piece in row_pieces(data):
                try:
                    total += self._call("insert", statement, piece)
                except _Refused as error:
                    raise error.ours from error
            return total

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible at once, or not at all."""
        if self._transaction is not None:
            raise SourceError("a transaction is already open in this session")
        child = self._connected()
        self._plainly(child, "begin")
        self._transaction = child
        try:
            yield
        except BaseException:
            self._transaction = None
            with contextlib.suppress(TailraceError):
                self._plainly(child, "rollback")
                self._wait_as_before(child)
            raise
        self._transaction = None
        self._plainly(child, "commit")
        self._wait_as_before(child)

    def _wait_as_before(self, child: Child) -> None:
        """Locks are waited for as the database says, if a transaction had its own way."""
        if self._impatient:
            self._impatient = False
            try:
                self._plainly(child, "execute", f"{LOCK_TIMEOUT} NULL")
            except TailraceError:
                self._private = True  # nobody else gets this connection

    def cancel(self) -> None:
        """End the running statement with its connection; may be called from another thread."""
        with self._guard:
            running = [*self._streams, *([self._main] if self._main else [])]
        for child in running:
            child.cancel()

    def close(self) -> None:
        """Give the connection back; one with anything left open ends, and what was not committed is undone."""
        for child in list(self._streams):
            self._end_stream(child, clean=False)
        with self._guard:
            child, self._main = self._main, None
        if child is not None:
            if self._transaction is not None or self._private:
                child.close()
            else:
                self._pool.give_back(child)

    # -- calls

    def _connected(self) -> Child:
        if self._transaction is not None:
            return self._transaction
        if self._main is None or not self._main.alive:
            child = self._pool.take()
            with self._guard:
                self._main, self._private = child, False
        return self._main

    def _call(self, name: str, *arguments: Any) -> Any:
        child = self._connected()
        if not child.alive and child is self._transaction:
            raise SourceUnavailable(
                "the connection to Db2 was lost in the middle of a transaction, of which nothing was kept",
                hint="Run it again: a sync goes on where it stopped.",
            )
        return self._ask(child, name, *arguments)

    def _ask(self, child: Child, name: str, *arguments: Any) -> Any:
        timeout = self._timeout
        try:
            return child.call(
                name,
                *arguments,
                seconds=timeout or STATEMENT,
                expired=lambda: timeout_error(timeout or STATEMENT),
            )
        except DriverError as error:
            raise _Refused(error) from error

    def _plainly(self, child: Child, name: str, *arguments: str) -> None:
        try:
            child.call(name, *arguments, seconds=ANSWER)
        except DriverError as error:
            child.close()  # for nobody knows whether it is inside of a transaction
            raise ours(error.problem) from error

    # -- streams

    def _batches_here(self, child: Child) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                packed = self._ask(child, "fetch")
            except _Refused as error:
                raise error.ours from error
            if packed is None:
                return
            yield _unpacked(packed)

    def _batches_there(self, child: Child) -> Iterator[pa.RecordBatch]:
        """One batch ahead of whoever takes them."""
        clean, seconds = False, self._timeout or STATEMENT
        try:
            child.ask("fetch")
            while (packed := child.answer(seconds, lambda: timeout_error(seconds))) is not None:
                child.ask("fetch")
                yield _unpacked(packed)
            clean = True
        except DriverError as error:
            raise ours(error.problem) from error
        finally:
            self._end_stream(child, clean=clean)

    def _end_stream(self, child: Child, *, clean: bool) -> None:
        with self._guard:
            if child not in self._streams:
                return
            self._streams.remove(child)
        if clean:
            self._pool.give_back(child)
        else:
            child.close()


class _Refused(Exception):
    """A statement that Db2 refused."""

    def __init__(self, error: DriverError) -> None:
        super().__init__(error.problem.text)
        self.problem = error.problem
        self.state = error.problem.state

    @property
    def ours(self) -> TailraceError:
        return ours(self.problem)


def _turn(field: Field) -> Callable[[Any], Any] | None:
    if field.name == FOLDED:
        return lambda name: swapped(str(name))
    return _utc if field.sort == "timestamp" else None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _unpacked(packed: bytes) -> pa.RecordBatch:
    import pyarrow as pa

    with pa.ipc.open_stream(packed) as reader:
        return reader.read_next_batch()
