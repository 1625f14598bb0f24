"""IBM's driver as the child process uses it: one connection, low-level calls, rows as Arrow.

Only the child process imports this. Whatever the driver raises goes to the parent as it is; what it means is
decided there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import ibm_db as _ibm_db

from tailrace.sources.db2.wire import Field

if TYPE_CHECKING:
    import pyarrow as pa

ibm_db: Any = _ibm_db
"""Its published types promise `False` where it raises, and leave out what it has."""

ROWSET_BYTES = 4 * 1024 * 1024
"""How much memory the driver may bind for rows that it fetches at a time."""

BATCH_ROWS = 5_000
BATCH_BYTES = 16 * 1024 * 1024


class Driver:
    """One connection. Every method is a request of the parent; all that it gives can be pickled."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._stream: _Stream | None = None
        self._lasting = False

    def connect(self, text: str) -> None:
        """Open the connection, in autocommit."""
        self._connection = ibm_db.connect(text, "", "")

    def execute(self, statement: str) -> int:
        """Run one statement; the number of rows it touched, or -1."""
        done = ibm_db.exec_immediate(self._connection, statement)
        count = ibm_db.num_rows(done)
        ibm_db.free_stmt(done)
        return int(count)

    def rows(self, statement: str) -> tuple[list[Field], list[tuple[Any, ...]]]:
        """Run one small query: its columns and all its rows."""
        done = ibm_db.exec_immediate(self._connection, statement)
        if not ibm_db.num_fields(done):
            ibm_db.free_stmt(done)
            return [], []
        fields = described(done)
        ibm_db.set_option(done, {ibm_db.SQL_ATTR_ROW_ARRAY_SIZE: rowset(fields)}, 0)
        found = ibm_db.fetchall(done) or []
        ibm_db.free_stmt(done)
        return fields, found

    def describe(self, statement: str) -> list[Field]:
        """The columns of a query, which is prepared and not run."""
        prepared = ibm_db.prepare(self._connection, _whole(statement))
        fields = described(prepared)
        ibm_db.free_stmt(prepared)
        self.settle()
        return fields

    def open(self, statement: str) -> list[Field]:
        """Run one query whose rows `fetch` gives; its columns."""
        self.leave()
        done = ibm_db.exec_immediate(self._connection, statement)
        self._stream = _Stream(done, described(done))
        return self._stream.fields

    def fetch(self) -> bytes | None:
        """The next rows of the open query as an Arrow stream of one batch; None after the last."""
        if self._stream is None:
            return None
        batch = self._stream.next()
        if batch is None:
            self.leave()
        return batch

    def leave(self) -> None:
        """Close the open query, whether it was read to its end or not."""
        if self._stream is not None:
            with contextlib.suppress(Exception):
                ibm_db.free_stmt(self._stream.statement)
            self._stream = None

    def insert(self, statement: str, rows: list[tuple[Any, ...]]) -> int:
        """Run a prepared statement once for all these rows of parameters; the number of rows it touched."""
        prepared = ibm_db.prepare(self._connection, _whole(statement))
        done = ibm_db.execute_many(prepared, tuple(rows))
        ibm_db.free_stmt(prepared)
        return int(done)

    def begin(self) -> None:
        """From here on nothing is kept before `commit`."""
        ibm_db.autocommit(self._connection, ibm_db.SQL_AUTOCOMMIT_OFF)
        self._lasting = True

    def commit(self) -> None:
        """Keep what was done since `begin`."""
        ibm_db.commit(self._connection)
        ibm_db.autocommit(self._connection, ibm_db.SQL_AUTOCOMMIT_ON)
        self._lasting = False

    def rollback(self) -> None:
        """Undo what was done since `begin`."""
        ibm_db.rollback(self._connection)
        ibm_db.autocommit(self._connection, ibm_db.SQL_AUTOCOMMIT_ON)
        self._lasting = False

    def settle(self) -> None:
        """Give back the locks that a statement left which was only prepared, or which failed.

        The driver's autocommit ends a unit of work only after a statement that succeeded.
        """
        if self._connection is not None and not self._lasting and self._stream is None:
            with contextlib.suppress(Exception):
                ibm_db.rollback(self._connection)

    def close(self) -> None:
        """Close the connection."""
        ibm_db.close(self._connection)

    def server(self) -> tuple[str, str]:
        """What the server calls itself, and its version."""
        info = ibm_db.server_info(self._connection)
        return str(info.DBMS_NAME), str(info.DBMS_VER)

    def last_state(self) -> str:
        """The SQLSTATE of the last failed call, as far as the driver tells."""
        for ask in (ibm_db.stmt_error, ibm_db.conn_error):
            with contextlib.suppress(Exception):
                if state := ask():
                    return str(state)
        return ""


def _whole(statement: str) -> str:
    """A statement that stays whole: `prepare` counts characters where the driver counts units of UTF-16, and so cuts
    off one at the end for each character beyond the basic plane."""
    return statement + " " * sum(ord(character) > 0xFFFF for character in statement)


def described(statement: Any) -> list[Field]:
    """A statement's columns, as the driver describes them."""
    return [
        Field(
            str(ibm_db.field_name(statement, at)),
            str(ibm_db.field_type(statement, at)),
            int(ibm_db.field_precision(statement, at)),
            int(ibm_db.field_scale(statement, at)),
            int(ibm_db.field_width(statement, at)),
            int(ibm_db.field_display_size(statement, at)),
        )
        for at in range(ibm_db.num_fields(statement))
    ]


def rowset(fields: list[Field]) -> int:
    """How many rows the driver may bind at a time: it clears all of that memory before every fetch."""
    return max(1, min(1_000, ROWSET_BYTES // max(1, _row_bytes(fields))))


def _row_bytes(fields: list[Field]) -> int:
    return sum(2 * (field.display + 1) for field in fields)


class _Stream:
    """An open query, fetched as batches of Arrow."""

    def __init__(self, statement: Any, fields: list[Field]) -> None:
        from tailrace.sources.db2.rows import arrow_schema

        self.statement = statement
        self.fields = fields
        self._schema = arrow_schema(fields)
        size = rowset(fields)
        ibm_db.set_option(statement, {ibm_db.SQL_ATTR_ROW_ARRAY_SIZE: size}, 0)
        self._rows = max(size, min(BATCH_ROWS, BATCH_BYTES // max(1, _row_bytes(fields))))

    def next(self) -> bytes | None:
        from tailrace.sources.db2.rows import batch_of

        found = ibm_db.fetchmany(self.statement, self._rows)
        return _packed(batch_of(found, self._schema)) if found else None


def _packed(batch: pa.RecordBatch) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
