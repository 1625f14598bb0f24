"""One conversation with BigQuery: each statement a job of its own.

Transactions and stages need one of BigQuery's own sessions, which is opened when the first of them is wanted
(https://cloud.google.com/bigquery/docs/sessions-intro); all other statements need none.
"""

from __future__ import annotations

import contextlib
import math
import re
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tailrace.errors import ModelError, SourceError
from tailrace.sources.base import Job
from tailrace.sources.bigquery.catalogue import answer
from tailrace.sources.bigquery.client import BigQueryClient, translated
from tailrace.sources.bigquery.dialect import BigQueryDialect
from tailrace.sources.bigquery.errors import model_error
from tailrace.sources.bigquery.jobs import Jobs
from tailrace.sources.bigquery.pool import Pool
from tailrace.sources.bigquery.settings import LEAST_BILLED, MEGABYTE
from tailrace.sources.bigquery.storage import BATCH_ROWS, TableReader, complete
from tailrace.sources.bigquery.types import native_type
from tailrace.sources.bigquery.upload import insert_statement, load, target_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery.table import RowIterator

_NAMELESS = re.compile(r"f\d+_")
"""What BigQuery shows in place of a name that is missing; no statement can say it."""
READ_DAYS = 1
"""A table that only carries a result is gone after a day, whatever happens to us."""
_ENDED = ("source_missing", "source_failed")
"""What a statement meets whose session has ended; its documents do not say how BigQuery words it."""
_TEMPORARY, _DROP = "CREATE OR REPLACE TEMP TABLE ", "DROP TABLE IF EXISTS "


class BigQuerySession:
    """Connects at the first statement; `close` ends what is under way."""

    def __init__(
        self,
        client: BigQueryClient,
        jobs: Jobs,
        dialect: BigQueryDialect,
        schema: Callable[[], str],
        pool: Pool,
        *,
        configured: str,
        fast: Callable[[], bool],
        slow_down: Callable[[], None],
    ) -> None:
        self._client = client
        self._jobs = jobs
        self._dialect = dialect
        self._schema = schema
        self._configured = configured
        self._pool = pool
        self._fast = fast
        self._slow_down = slow_down
        self._own: str | None = None
        """BigQuery's session that holds our stages."""
        self._stages: set[str] = set()
        self._used: str | None = None
        """BigQuery's session in which our transaction runs."""
        self._in_transaction = False
        self._readers: list[TableReader] = []
        self._carriers: list[str] = []

    @property
    def job(self) -> Job:
        """Which jobs come next, and in which session of BigQuery this sync has its transactions."""
        return Job(self._jobs.name, {**self.lasting.attributes, "after": str(self._jobs.number)})

    @property
    def lasting(self) -> Job:
        """In which session of BigQuery this sync has its transactions: it would outlive us, and what is open."""
        session = self._pool.recorded(self._make_session)
        return Job(session[:32], {"session": session, "location": self._client.location})

    # -- statements

    def execute(self, statement: str) -> int:
        """Run one statement and give the number of rows it touched."""
        if statement.startswith(_TEMPORARY):
            return self._stage(statement)
        if statement.startswith(_DROP) and self._stages == {statement.removeprefix(_DROP)}:
            return self._drop_last_stage(statement)
        job, _ = self._run(statement)
        if statement.startswith(_DROP):
            self._stages.discard(statement.removeprefix(_DROP))
        return job.num_dml_affected_rows or 0

    def _drop_last_stage(self, statement: str) -> int:
        """With BigQuery's session that was opened for it, outside of a transaction."""
        if self._in_transaction:
            self._run(statement)
        self._stages.clear()
        if not self._in_transaction:
            self._end_own()
        return 0

    def _stage(self, statement: str) -> int:
        """Fill a stage; the first one opens the session of BigQuery's that holds it."""
        self._stages.add(statement.removeprefix(_TEMPORARY).split()[0])
        if self._own is not None or self._in_transaction:
            self._run(statement)
            return 0
        job, _ = self._jobs.run(statement, self._jobs.config(make_session=True))
        self._own = _session_of(job)
        return 0

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one small query and give its rows."""
        with translated():
            known = answer(self._client, self._configured, statement)
            if known is not None:
                return known
        _, rows = self._run(statement)
        with translated():
            return [tuple(row.values()) for row in rows]

    def read(self, statement: str) -> pa.RecordBatchReader:
        """Stream one query as Arrow: over the Storage Read API from a table of ours, else page by page."""
        if not self._in_transaction and self._fast():
            carrier = self._carried(statement)
            try:
                reader = TableReader(self._client, self._schema(), carrier)
            except SourceError as error:
                self._drop(carrier)
                if error.code != "source_permission":
                    raise
                self._slow_down()
            else:
                self._readers.append(reader)
                return _streamed(reader.schema, self._streaming(reader, carrier))
        _, rows = self._run(statement, page_size=BATCH_ROWS)
        return self._paged(rows)

    def _carried(self, statement: str) -> str:
        """Keep a query's result in a table of ours that goes away by itself; gives its name."""
        name = f"tailrace_read_{secrets.token_hex(8)}"
        table = self._dialect.table(self._schema(), name)
        self._carriers.append(name)
        self._run(f"CREATE TABLE {table} {self._dialect.expiring(READ_DAYS)} AS\n{statement}")
        return name

    def _streaming(self, reader: TableReader, carrier: str) -> Iterator[pa.RecordBatch]:
        try:
            yield from complete(reader.batches(), self._client.row_count(self._schema(), carrier))
        finally:
            reader.stop()
            if reader in self._readers:
                self._readers.remove(reader)
            self._drop(carrier)

    def _drop(self, carrier: str) -> None:
        if carrier in self._carriers:
            self._carriers.remove(carrier)
            with contextlib.suppress(SourceError):
                self._client.drop(self._schema(), carrier)

    def _paged(self, rows: RowIterator) -> pa.RecordBatchReader:
        import pyarrow as pa

        empty = pa.schema([])
        batches: Iterator[pa.RecordBatch] = iter(())
        with translated():
            found = rows.to_arrow_iterable()
            first = next(found, None)
        if first is None:
            with translated():
                empty = rows.to_arrow(create_bqstorage_client=False).schema
        else:
            empty, batches = first.schema, _after(first, found)
        plain = pa.schema([pa.field(field.name, field.type) for field in empty])
        given = (pa.RecordBatch.from_arrays(each.columns, schema=plain) for each in batches)
        return _streamed(plain, complete(given, rows.total_rows))

    def columns(self, subquery: str) -> list[tuple[str, str]]:
        """Names and types of a query's columns, without running it. Raises ModelError if it is none."""
        try:
            found = self._jobs.dry_run(f"SELECT * FROM {subquery}")
        except Exception as error:
            if mistake := model_error(error):
                raise mistake from error
            with translated():
                raise
        columns = [(field.name, native_type(field.to_api_repr())) for field in found.schema or ()]
        for number, (name, _) in enumerate(columns, 1):
            if _NAMELESS.fullmatch(name):
                raise ModelError(
                    f"column {number} of the model has no name",
                    hint="Give every expression a name: SELECT count(*) AS orders.",
                    code="model_columns",
                )
        return columns

    def bytes_read(self, statement: str) -> tuple[int, int]:
        """How many bytes a statement would read, and how many would be billed on demand; it is not run."""
        with translated():
            job = self._jobs.dry_run(statement)
        read = job.total_bytes_processed or 0
        megabytes = math.ceil(read / MEGABYTE) * MEGABYTE
        least = LEAST_BILLED * max(1, len(job.referenced_tables))
        return read, max(megabytes, least) if read else 0

    def upload(self, table: str, data: pa.Table) -> int:
        """Append Arrow rows to a managed table, column by name."""
        if data.num_rows == 0:
            return 0
        schema, dialect = self._schema(), self._dialect
        columns = target_columns(self._client, schema, table, data.column_names)
        target = dialect.table(schema, table)
        if statement := insert_statement(dialect, target, columns, data):
            return self.execute(statement)
        if (
            self._used is not None and data.num_rows > 1
        ):  # a transaction sees no table that is younger than it
            half = data.num_rows // 2
            return self.upload(table, data.slice(0, half)) + self.upload(table, data.slice(half))
        name = f"tailrace_upload_{secrets.token_hex(8)}"
        carrier = dialect.table(schema, name)
        body = ", ".join(f"{dialect.quote(each)} {native}" for each, native in columns.items())
        self._carriers.append(name)
        try:
            self._run(f"CREATE TABLE {carrier} ({body}) {dialect.expiring(READ_DAYS)}", apart=True)
            load(self._client, self._jobs, dialect, (schema, name), columns, data)
            names = ", ".join(map(dialect.quote, columns))
            return self.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {carrier}")
        finally:
            self._drop(name)

    # -- transactions

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible at once, or not at all; it begins with its first statement."""
        if self._in_transaction:
            raise SourceError("a transaction is already open in this session")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._in_transaction = False
            self._roll_back()
            raise
        self._in_transaction = False
        if self._used is not None:
            try:
                self._run_in(self._used, "COMMIT TRANSACTION")
            except BaseException:
                self._roll_back()
                raise
            self._give_back()

    def _begun(self) -> str:
        """BigQuery's session of the open transaction."""
        if self._used is None:
            self._begin()
        assert self._used is not None
        return self._used

    def _begin(self) -> None:
        """Open the transaction. Raises a conflict where BigQuery's session has ended, by the next owner or its age.

        No other session is taken instead before the checkpoint names it.
        """
        used = self._own if self._stages and self._own else self._pool.take(self._make_session)
        self._used = used
        try:
            self._jobs.run("BEGIN TRANSACTION", self._jobs.config(session=used))
        except SourceError as error:
            self._forget()
            if error.code not in _ENDED:
                raise
            raise SourceError(error.message, hint=error.hint, code="source_conflict") from error

    def _roll_back(self) -> None:
        """Undo what is open; where that cannot be said, end BigQuery's session, and the transaction with it."""
        if self._used is None:
            return
        try:
            self._run_in(self._used, "ROLLBACK TRANSACTION")
        except Exception:
            self._forget()
        else:
            self._give_back()

    def _give_back(self) -> None:
        if self._used is not None and self._used != self._own:
            self._pool.give_back(self._used)
        self._used = None

    def _forget(self) -> None:
        """BigQuery's session is of no use any more: end it, if it can be reached."""
        session, self._used = self._used, None
        if session is None:
            return
        if session == self._own:
            self._own = None
        else:
            self._pool.forget(session)
        self._end_session(session)

    def _make_session(self) -> str:
        job, _ = self._jobs.run("SELECT 1 AS one", self._jobs.config(make_session=True))
        return _session_of(job)

    def _end_session(self, session: str) -> None:
        with contextlib.suppress(SourceError):
            self._client.end_session(session, self._client.location)

    # -- jobs

    def _run(
        self, statement: str, *, page_size: int | None = None, apart: bool = False
    ) -> tuple[Any, RowIterator]:
        """Run a statement where it belongs: in the transaction, beside our stages, or by itself."""
        if self._in_transaction and not apart:
            return self._run_in(self._begun(), statement)
        session = None if apart else self._own
        return self._jobs.run(statement, self._jobs.config(session=session), page_size=page_size)

    def _run_in(self, session: str, statement: str) -> tuple[Any, RowIterator]:
        return self._jobs.run(statement, self._jobs.config(session=session), once=True)

    def cancel(self) -> None:
        """Stop the running statement; may be called from another thread."""
        for reader in list(self._readers):
            reader.stop()
        with contextlib.suppress(SourceError):
            self._jobs.cancel()

    def close(self) -> None:
        """End streams, and BigQuery's session of our stages; an open transaction is undone."""
        self._in_transaction = False
        self._roll_back()
        for reader in list(self._readers):
            reader.stop()
        for carrier in list(self._carriers):
            self._drop(carrier)
        self._end_own()

    def _end_own(self) -> None:
        if self._own is not None:
            self._end_session(self._own)
            self._own = None


def _session_of(job: Any) -> str:
    info = job.session_info
    if info is None or not info.session_id:
        raise SourceError("BigQuery opened no session", hint="Run it again.", code="source_failed")
    return info.session_id


def _after(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    with translated():
        yield from rest


def _streamed(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(schema, batches)
